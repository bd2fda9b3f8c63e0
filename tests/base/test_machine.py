"""Memory that is freed stays with the process, where the C library is glibc."""

import platform
import subprocess
import sys

import pytest

BLOCKS = """
import ctypes, resource, sys, threading
from wavegan.base.machine import keep_freed

if sys.argv[1] == "kept":
    keep_freed()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
library.free.argtypes = [ctypes.c_void_p]
faults = []

def step():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [library.malloc(ctypes.c_size_t(48 << 20)) for _ in range(2)]
    for block in blocks:
        ctypes.memset(ctypes.c_void_p(block), 1, 48 << 20)
        library.free(block)
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)

for _ in range(3):
    thread = threading.Thread(target=step)
    thread.start()
    thread.join()
print(*faults)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is told")
def test_what_one_step_frees_the_next_one_takes_without_asking_the_system():
    def faults(how):
        done = subprocess.run([sys.executable, "-c", BLOCKS, how], capture_output=True, text=True, check=True)
        return [int(each) for each in done.stdout.split()]

    first, *later = faults("kept")
    assert max(later) < first / 5
    first, *later = faults("given back")
    assert min(later) > first / 2  # without, every step pays


def test_other_libraries_are_left_alone(monkeypatch):
    from wavegan.base import machine

    monkeypatch.setattr(machine.sys, "platform", "darwin")
    monkeypatch.setattr(machine.ctypes, "CDLL", None)
    machine.keep_freed()
    monkeypatch.setattr(machine.sys, "platform", "linux")
    monkeypatch.setattr(machine.ctypes, "CDLL", lambda name: object())  # as musl's: no mallopt
    machine.keep_freed()
