"""The signals that end a command: Ctrl-C, `kill` and a batch system's time limit, a terminal that closes."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))

Handler = Callable[[int, FrameType | None], object]


def to_handle(*numbers: int) -> tuple[int, ...]:
    """Those of `numbers` (all of `ENDING` without any) that this process is to answer.

    Not a hang-up that whoever started it told it to ignore, as `nohup` does; and none outside of the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return ()
    hang_up = getattr(signal, "SIGHUP", None)
    return tuple(
        number for number in numbers or ENDING if not (number == hang_up and signal.getsignal(number) is signal.SIG_IGN)
    )


@contextmanager
def handled_by(handler: Handler, *numbers: int) -> Iterator[None]:
    """Has `handler` answer `to_handle(*numbers)` for the block."""
    before = {number: signal.signal(number, handler) for number in to_handle(*numbers)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
