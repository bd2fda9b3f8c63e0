"""Imports and native libraries that do not write to standard error, and lose no signal."""

import os
import signal
import time

import pytest

from wavegan.base import quiet


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_import_arrives_after_it(number):
    """What is raised inside an import may be swallowed there."""
    received = []
    before = signal.signal(number, lambda number, frame: received.append(number))
    try:
        with quiet._interrupt_after():
            os.kill(os.getpid(), number)
            time.sleep(0.05)
            assert received == []
        assert received == [number]
    finally:
        signal.signal(number, before)
