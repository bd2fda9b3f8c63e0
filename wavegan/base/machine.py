"""What a process takes of the machine: cores, and memory that it keeps."""

import ctypes
import os
import sys

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8  # of mallopt(3)


def available_cores() -> int:
    """How many cores this process may use, which in a container or a batch job is fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_freed() -> None:
    """From here on memory that is freed stays with this process, which takes it again for what comes next.

    A training step frees hundreds of megabytes, and the next one wants as many. The C library may give them back to the
    system, which clears every page before it hands it out again: where it did, that was half of a WaveGAN's step on a
    CPU, and two fifths of flow matching's (both `small`). To be called before threads are started; without effect where
    the library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, 1)  # those of other threads give back whole ones
        mallopt(MMAP_MAX, 0)
        mallopt(TRIM_THRESHOLD, -1)  # never
