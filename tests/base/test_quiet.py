"""Imports and native libraries that do not write to standard error, and lose no signal."""

import gc
import os
import signal
import threading
import time

import pytest

from wavegan.base import quiet


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
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


@pytest.mark.parametrize("broken", [False, True])
def test_no_garbage_is_collected_during_an_import_nor_are_imports_looked_at_after_it(tmp_path, monkeypatch, broken):
    """Which makes TensorFlow's import a fifth shorter, and the end of the process two seconds."""
    name = f"imported_{broken}"
    (tmp_path / f"{name}.py").write_text("import gc\nduring = gc.isenabled()\nkept = [[]]\n" + "1 / 0\n" * broken)
    monkeypatch.syspath_prepend(tmp_path)
    before = gc.get_freeze_count()
    if broken:
        with pytest.raises(ZeroDivisionError):
            quiet.import_quietly(name)
    else:
        assert not quiet.import_quietly(name).during
        assert gc.get_freeze_count() > before
    assert gc.isenabled()


def test_standard_error_comes_back_after_two_threads_hid_it_at_once():
    """The second one must not take what the first one put there for what there was."""
    before = os.fstat(2)
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))

    def second():
        first_is_in.wait()
        with quiet.native_stderr_hidden():
            second_is_in.set()
            first_is_out.wait()
            assert os.path.samestat(os.fstat(2), os.stat(os.devnull))

    thread = threading.Thread(target=second)
    thread.start()
    with quiet.native_stderr_hidden():
        first_is_in.set()
        second_is_in.wait()
    first_is_out.set()
    thread.join()
    assert os.path.samestat(os.fstat(2), before)


def test_a_storm_of_threads_that_hide_standard_error_leaves_it_and_no_descriptor_open():
    def hide():
        for _ in range(200):
            with quiet.native_stderr_hidden():
                pass

    before, opened = os.fstat(2), os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    threads = [threading.Thread(target=hide) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.path.samestat(os.fstat(2), before)
    assert not opened or os.listdir("/proc/self/fd") == opened
