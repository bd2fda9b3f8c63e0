"""Standard output and error that are closed, or that nobody reads any more, and work that goes on all the same."""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

# What writing answers where the reader has gone: a pipe's (`| head`), a terminal's, a descriptor's that was closed.
GONE = {errno.EPIPE, errno.EIO, errno.EBADF}


class Output:
    """A text stream for `print`, to which writing never raises OSError.

    Args:
        stream: where to, until that cannot be written any more.

    Attributes:
        problem: why some of it was not written; None where all was, or where nobody wanted to read it.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.problem: OSError | None = None

    def write(self, text: str) -> int:
        """As that of the stream."""
        with self._lost():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """As that of the stream."""
        with self._lost():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            if problem.errno not in GONE:
                self.problem = self.problem or problem
            # What the stream still holds must go somewhere, or Python complains at its end.
            with suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())
                self._stream.flush()


@contextmanager
def lasting_output() -> Iterator[Output]:
    """Makes `sys.stdout` and `sys.stderr` streams to which writing never fails, for the block. Yields the first.

    A descriptor that is closed is opened on nothing first: the next file that is opened would get its number, and
    all that libraries write to standard error.
    """
    _open_closed_descriptors()
    before = sys.stdout, sys.stderr
    out, err = (Output(stream or _nowhere()) for stream in before)
    sys.stdout, sys.stderr = out, err  # all of a stream that anybody here uses
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def _open_closed_descriptors() -> None:
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
