"""Imports and native libraries that do not write to standard error."""

import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


def import_tensorflow() -> Any:
    """TensorFlow, imported when it is needed, without the lines that it writes to standard error on every import.

    Raises what the import raises, such as ModuleNotFoundError where TensorFlow is not installed.
    """
    return import_quietly("tensorflow")


def import_quietly(name: str) -> ModuleType:
    """The module `name` (dotted), imported without the lines that a TensorFlow below it writes to standard error.

    Ctrl-C and SIGTERM are held back until the import is complete.
    """
    if name not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what matters comes as an exception, too
        with _interrupt_after(), native_stderr_hidden():
            importlib.import_module(name)
            if "tensorflow" in sys.modules:
                sys.modules["tensorflow"].config.list_physical_devices()  # and about the GPU that it misses
    return sys.modules[name]


@contextmanager
def _interrupt_after() -> Iterator[None]:
    """Holds Ctrl-C and termination back until the end of the block: an import may swallow what they raise."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, lambda number, frame: received.append(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for first in received[:1]:
        signal.raise_signal(first)


@contextmanager
def native_stderr_hidden() -> Iterator[None]:
    """Keeps C and C++ libraries from writing to standard error inside the block; Python's errors still surface.

    TensorFlow writes before it reads any setting, so only the file descriptor can be turned away.
    """
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (AttributeError, OSError, ValueError):  # no standard error at all, as in a service
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
