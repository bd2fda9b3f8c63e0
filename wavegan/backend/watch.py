"""Who of several processes is still there: one line, and an end of this process, as soon as another one is gone.

Every second each writes a text anew into the store that process 0 keeps (`processes`), and reads those of the others.
With process 0 the store is gone: then JAX aborts this process, with a page of text that names nobody. So what native
libraries write to standard error goes into a file meanwhile, and is shown where they abort for another reason.
"""

import ctypes
import itertools
import os
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from typing import IO, Any, Self

from wavegan.base.quiet import native_stderr_into
from wavegan.base.text import warn

BEAT_S = 1.0
PATIENCE_S = 30.0  # in which no beat of a process came: it counts as lost
FAREWELL_S = 5.0  # in which others read why a process ends
SHOWN = 4000  # bytes, at most, of what native libraries wrote before they aborted


class Watch:
    """A block in which this process ends when another one of the training has: exit code 1.

    Until `begin` it ends where JAX aborts because the processes do not find each other: exit code 2.

    Args:
        missing: the line for that.
    """

    def __init__(self, missing: str) -> None:
        self.missing = missing
        self.store: Any = None
        self.number, self.hosts, self.address = 0, list[str](), ""
        self.over, self.ending = threading.Event(), threading.Lock()
        self.stack = ExitStack()
        self.native: IO[bytes]

    def __enter__(self) -> Self:
        self.native = self.stack.enter_context(tempfile.TemporaryFile())
        self.stack.enter_context(native_stderr_into(self.native))
        # Not by Python's own handlers: these run when the thread that aborts is gone.
        self.handler = ctypes.CFUNCTYPE(None, ctypes.c_int)(self._aborted)
        ctypes.CDLL(None).signal(signal.SIGABRT, self.handler)
        self.stack.callback(signal.signal, signal.SIGABRT, signal.SIG_DFL)
        return self

    def begin(self, store: Any, number: int, hosts: Sequence[str], address: str) -> None:
        """Watches from here on.

        Args:
            store: the client of JAX' store of texts.
            number: of this process.
            hosts: the name of the host of every process.
            address: HOST:PORT of the store.
        """
        self.store, self.number, self.hosts, self.address = store, number, [*hosts], address
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.stack.close()

    def called(self, process: int) -> str:
        """The name of a process in a line."""
        return f"process {process} on {self.hosts[process]}"

    def reasons(self) -> dict[int, str]:
        """{process: why it ends} of those that said so."""
        return {int(key.rpartition("/")[2]): reason for key, reason in self.store.key_value_dir_get("ended/")}

    def say_why(self, reason: str) -> None:
        """Tells the others why this process ends; process 0 waits until they know, for the store ends with it."""
        with suppress(RuntimeError):
            self.store.key_value_set(f"ended/{self.number}", reason, allow_overwrite=True)
            deadline = time.monotonic() + FAREWELL_S
            while self.number == 0 and len(self.reasons()) < len(self.hosts) and time.monotonic() < deadline:
                time.sleep(0.1)

    def wait(self) -> None:
        """For the line that says why something failed, if it failed because another process is gone."""
        time.sleep(PATIENCE_S + FAREWELL_S)

    def _watch(self) -> None:
        beats = {process: ("", time.monotonic()) for process in range(len(self.hosts))}
        told: dict[int, float] = {}
        for beat in itertools.count():
            if self.over.wait(BEAT_S):
                return
            try:
                self.store.key_value_set(f"beats/{self.number}", str(beat), allow_overwrite=True)
                found = self.store.key_value_dir_get("beats/")
                reasons = self.reasons()
            except RuntimeError:  # all are at their end; or process 0 is gone, of which JAX knows at once
                return
            now = time.monotonic()
            for key, text in found:
                process = int(key.rpartition("/")[2])
                if beats[process][0] != text:
                    beats[process] = (text, now)
            lost = [process for process, (_, when) in beats.items() if now - when > PATIENCE_S]
            if lost:
                self._lost(lost)
            for process, reason in reasons.items():
                if process != self.number and now - told.setdefault(process, now) > FAREWELL_S / 2:
                    self._end(f"{self.called(process)}: {reason}")

    def _lost(self, processes: Iterable[int]) -> None:
        who = " and ".join(map(self.called, processes))
        self._end(
            f"{who} ended, or cannot be reached any more: see what it said last. The same command for every process "
            "goes on from the last checkpoint."
        )

    def _end(self, line: str, code: int = 1) -> None:
        self.ending.acquire()  # for ever: one line
        warn(f"error: {line}")
        if self.hosts and self.number == 0:
            time.sleep(FAREWELL_S)  # the others find out by themselves, as long as the store is there
        os._exit(code)

    def _aborted(self, _: int) -> None:
        if not self.hosts:
            self._end(self.missing, 2)
        if self.number and not self._store_answers():
            self._lost([0])
        self.native.seek(0, os.SEEK_END)
        self.native.seek(max(0, self.native.tell() - SHOWN))
        for line in self.native.read().decode(errors="replace").splitlines():
            warn(line)
        os._exit(128 + signal.SIGABRT)

    def _store_answers(self) -> bool:
        host, _, port = self.address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=2).close()
        except OSError:
            return False
        return True
