"""Imports and native libraries that do not write to standard error."""

import gc
import importlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import IO, Any, TextIO, cast

from wavegan.base.signals import handled_by
from wavegan.base.streams import Output


def import_tensorflow() -> Any:
    """TensorFlow, imported when it is needed, without the lines that it writes to standard error on every import.

    Raises what the import raises, such as ModuleNotFoundError where TensorFlow is not installed.
    """
    return import_quietly("tensorflow")


def import_quietly(name: str) -> ModuleType:
    """The module `name` (dotted), imported without the lines that a TensorFlow below it writes to standard error.

    Ctrl-C and what else ends a command (`signals.ENDING`) are held back until the import is complete.
    """
    if name not in sys.modules:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # what matters comes as an exception, too
        with _interrupt_after(), native_stderr_hidden(), _kept():
            importlib.import_module(name)
            if "tensorflow" in sys.modules:
                sys.modules["tensorflow"].config.list_physical_devices()  # and about the GPU that it misses
    return sys.modules[name]


@contextmanager
def _kept() -> Iterator[None]:
    """What the block makes is for as long as the process: the garbage collector never looks at it.

    Collections are a fifth of the time that TensorFlow takes to import, and the last one, as the process ends, is two
    seconds of a slow processor.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if collects:
            gc.enable()


@contextmanager
def _interrupt_after() -> Iterator[None]:
    """Holds Ctrl-C and termination back until the end of the block: an import may swallow what they raise."""
    received: list[int] = []
    with handled_by(lambda number, frame: received.append(number)):
        yield
    for first in received[:1]:
        signal.raise_signal(first)


class _Stderr:
    """The file descriptor of standard error, turned away while at least one block of any thread wants that."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.blocks = 0  # that want it
        self.kept = -1  # a copy of the descriptor as it was before the first of them

    def hide(self) -> None:
        """Raises OSError where there is no standard error at all, as in a service."""
        with self.lock:
            if self.blocks == 0:
                with open(os.devnull, "wb") as nowhere:
                    self.kept = os.dup(2)
                    os.dup2(nowhere.fileno(), 2)
            self.blocks += 1

    def show(self) -> None:
        with self.lock:
            self.blocks -= 1
            if self.blocks == 0:
                os.dup2(self.kept, 2)
                os.close(self.kept)


_stderr = _Stderr()


@contextmanager
def native_stderr_hidden() -> Iterator[None]:
    """Keeps C and C++ libraries from writing to standard error inside the block; Python's errors still surface.

    TensorFlow writes before it reads any setting, so only the file descriptor can be turned away. That is the whole
    process', so it comes back at the end of the last block where several threads are in one.
    """
    try:
        sys.stderr.flush()
        _stderr.hide()
    except (AttributeError, OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        _stderr.show()


@contextmanager
def native_stderr_into(file: IO[bytes]) -> Iterator[None]:
    """What native libraries write to standard error inside the block goes into `file`; Python's goes where it went."""
    try:
        sys.stderr.flush()
        ours = os.dup(2)
    except (AttributeError, OSError, ValueError):
        yield
        return
    with open(ours, "w", buffering=1, encoding="utf-8", errors="backslashreplace") as stream:
        before, sys.stderr = sys.stderr, cast(TextIO, Output(stream))
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(ours, 2)
            sys.stderr = before
