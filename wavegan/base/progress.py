"""One progress reporter for everything that takes time: a bar on a terminal and in a notebook, else a few lines."""

import contextlib
import sys
import time
from types import TracebackType
from typing import Any, Self, TextIO

from wavegan.base.text import printable, tell


class Progress:
    """Reports how far a piece of work is, on standard error.

    Args:
        total: how much there is to do, in `unit`; None where nobody knows.
        label: what is going on, such as `"converting"`.
        unit: of `total`; `"B"` for bytes, which are shown as MB.
        initial: how much was done before, such as the first part of a resumed download.
        stream: a text stream instead of standard error.
        interval: seconds between two lines where the stream is no terminal.

    Use as a context manager: `with Progress(3000, "converting", "files") as progress: progress.update(1, clips=1)`.
    """

    def __init__(
        self,
        total: int | None,
        label: str,
        unit: str = "",
        *,
        initial: int = 0,
        stream: TextIO | None = None,
        interval: float = 10.0,
    ) -> None:
        self.total, self.label, self.unit = total, label, unit
        self.done, self.initial = initial, initial
        self.facts: dict[str, object] = {}
        self.written: int | None = None  # how much was done at the last line
        self.stream = sys.stderr if stream is None else stream
        self.interval = interval
        self.started = self.last_line = time.monotonic()
        self.first: tuple[float, int] | None = None  # when the first piece was done, and how much was done then
        self.bar = self._open_bar() if self.stream.isatty() or in_notebook() else None

    def _open_bar(self) -> Any:
        from tqdm import tqdm

        scale = self.unit == "B"
        unit = self.unit if scale else f" {self.unit}"
        return tqdm(
            total=self.total,
            desc=printable(self.label),
            unit=unit,
            unit_scale=scale,
            initial=self.initial,
            file=self.stream,
            dynamic_ncols=True,
        )

    def update(self, n: int = 1, **facts: object) -> None:
        """Counts `n` more as done. `facts` are shown beside it, such as `clips=12`."""
        self.done += n
        self.facts.update(facts)
        # What comes before the first piece, such as loading a library, says nothing about the time that is left.
        self.first = self.first or (time.monotonic(), self.done)
        if self.bar is not None:
            self.bar.set_postfix(self.facts, refresh=False)
            self.bar.update(n)
        elif time.monotonic() - self.last_line >= self.interval:
            self._write_line()

    def expect(self, total: int) -> None:
        """Says that there is this much to do in all, where that is more or less than it seemed."""
        self.total = total
        if self.bar is not None:
            self.bar.total = total

    def close(self, finished: bool = True) -> None:
        """Ends the report: the last state stays on screen where the work `finished`, and goes where it failed."""
        if self.bar is not None:
            self.bar.leave = finished
            self.bar.close()
        elif finished and self.done != self.written:
            self._write_line()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close(finished=error_type is None)

    def _write_line(self) -> None:
        self.written = self.done
        self.last_line = time.monotonic()
        seconds = self.last_line - self.started
        rate = (self.done - self.initial) / seconds if seconds > 0 else 0.0
        parts = [self._amount(rate, seconds)]
        since, before = self.first or (self.started, self.done)
        if self.total and before < self.done < self.total:
            left = (self.total - self.done) * (self.last_line - since) / (self.done - before)
            parts.append(f"{clock(left)} left")
        parts += [f"{name} {value}" for name, value in self.facts.items()]
        with contextlib.suppress(BrokenPipeError):  # nobody reads any more; the work goes on
            tell(f"{self.label}: {', '.join(parts)}", stream=self.stream)

    def _amount(self, rate: float, seconds: float) -> str:
        scale, digits, unit = (1e6, 1, "MB") if self.unit == "B" else (1, 0, self.unit)
        amount = f"{self.done / scale:,.{digits}f}"
        if self.total:
            amount += f" of {self.total / scale:,.{digits}f} {unit} ({100 * self.done / self.total:.0f} %)"
        else:
            amount += f" {unit}"
        return f"{amount} in {clock(seconds)}, {rate / scale:,.{1 if rate / scale < 100 else 0}f} {unit}/s"


def in_notebook() -> bool:
    """Whether this process is a notebook's, which draws a line again where a terminal would."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


def clock(seconds: float) -> str:
    """A time span in words.

    >>> [clock(seconds) for seconds in (2.5, 12, 78, 180, 1200, 3900)]
    ['2.5 s', '12 s', '1 min 20 s', '3 min', '20 min', '1 h 05 min']
    """
    if round(seconds) < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, tens = divmod(round(seconds / 10), 6)
    if minutes < 10:
        return f"{minutes} min {tens}0 s" if tens else f"{minutes} min"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"
