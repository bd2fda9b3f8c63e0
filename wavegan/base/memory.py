"""What a process does with memory that it no longer needs."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -4, -8  # of mallopt(3)


def keep_freed() -> None:
    """From here on memory that is freed stays with this process, which takes it again for what comes next.

    A training step frees hundreds of megabytes, and the next one wants as many. The C library gives large blocks back
    to the system, which clears every page before it hands it out again, until a process happened to free a large block
    of another kind. Where none did, that was half of a WaveGAN's step, and a third of flow matching's (`small`, on a
    CPU). To be called before threads are started; without effect where the library is not glibc.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(ARENA_MAX, 1)  # those of other threads give back whole ones
        mallopt(MMAP_MAX, 0)
        mallopt(TRIM_THRESHOLD, -1)  # never
