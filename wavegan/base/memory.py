"""What a process does with memory that it no longer needs."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8  # of mallopt(3)


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
