"""How far a piece of work is: lines in a log, a bar on a terminal."""

import io
import sys
import time
from types import SimpleNamespace

import pytest

from wavegan.base.progress import Progress, clock


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_log_gets_a_line_now_and_then_and_the_last():
    log = io.StringIO()
    with Progress(1000, "counting", "sheep", stream=log, interval=0.05) as progress:
        for _ in range(500):
            progress.update(2, awake=7)
            time.sleep(0.0004)
    lines = log.getvalue().splitlines()
    assert 2 <= len(lines) <= 20
    assert all(line.startswith("counting: ") and line.endswith("awake 7") for line in lines)
    assert lines[-1].startswith("counting: 1,000 of 1,000 sheep (100 %) in ") and "left" in lines[0]


def test_the_time_left_is_judged_from_the_first_piece_on():
    log = io.StringIO()
    progress = Progress(60, "counting", "sheep", stream=log, interval=0)
    progress.started -= 1000  # the sheep were late
    progress.update(1)
    progress.first = (progress.first[0] - 10, 1)
    progress.update(10)
    first, second = log.getvalue().splitlines()
    assert "left" not in first and ", 49 s left" in second


def test_work_that_turns_out_to_be_less_ends_at_its_end():
    log = io.StringIO()
    with Progress(1000, "counting", "sheep", stream=log, interval=0) as progress:
        progress.update(1)
        progress.expect(400)
        progress.update(199)
        progress.update(200)
    *_, half, end = log.getvalue().splitlines()
    assert half.startswith("counting: 200 of 400 sheep (50 %)") and " left" in half
    assert end.startswith("counting: 400 of 400 sheep (100 %)") and " left" not in end


def test_a_bar_too_turns_out_to_be_shorter():
    screen = Terminal()
    with Progress(1000, "counting", "sheep", stream=screen) as progress:
        progress.expect(10)
        progress.update(10)
    assert "10/10" in screen.getvalue()


def test_minutes_that_are_few_are_told_to_ten_seconds():
    assert [clock(seconds) for seconds in (59.4, 59.6, 80, 150, 594, 598)] == [
        *("59 s", "1 min", "1 min 20 s", "2 min 30 s", "9 min 50 s", "10 min")
    ]


def test_a_terminal_gets_a_bar():
    screen = Terminal()
    with Progress(10, "counting", "sheep", stream=screen) as progress:
        progress.update(10, awake=7)
    assert "\r" in screen.getvalue() and "10/10" in screen.getvalue() and "awake=7" in screen.getvalue()


def test_a_notebook_gets_a_bar_too_and_a_terminals_ipython_does_not_make_one_of_a_log(monkeypatch):
    """Each line of a log would stay in a notebook, a hundred for a training of a quarter of an hour."""
    shell = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert Progress(3, "converting", stream=io.StringIO()).bar is None
    shell.kernel = "of a notebook"
    stream = io.StringIO()
    with Progress(3, "converting", "files", stream=stream) as progress:
        progress.update(3)
    assert "\r" in stream.getvalue() and "3/3" in stream.getvalue()


def test_work_that_failed_reports_no_end():
    log = io.StringIO()
    with pytest.raises(ValueError, match="wolf"), Progress(10, "counting", "sheep", stream=log) as progress:
        progress.update(5)
        raise ValueError("wolf")
    assert log.getvalue() == ""


def test_a_resumed_download_counts_only_what_is_new_for_its_speed():
    log = io.StringIO()
    with Progress(300_000_000, "downloading", "B", initial=200_000_000, stream=log) as progress:
        progress.started -= 10
        progress.update(100_000_000)
    assert log.getvalue().startswith("downloading: 300.0 of 300.0 MB (100 %) in 10 s, 10.0 MB/s")


def test_a_total_that_nobody_knows_is_left_out():
    log = io.StringIO()
    with Progress(None, "listing", "files", stream=log) as progress:
        progress.update(3)
    assert log.getvalue().startswith("listing: 3 files in ")
