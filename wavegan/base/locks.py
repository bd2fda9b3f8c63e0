"""Locks between processes: one training at a time in a run directory, one writer at a time in a folder.

A lock is a file that the operating system holds for a process, by the package `filelock`. It is free again as soon as
that process has ended, however it ended, so that none is ever stale, and no process number has to be trusted: those of
two containers or hosts mean nothing to each other. Who holds it stands in the file.
"""

import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from wavegan.base.errors import UserError

# What a file system without locks answers.
NO_LOCKS = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}
POLL_S = 0.02  # between two attempts of who waits


class Held(Exception):
    """Another process holds the lock. The text names it: "process 12 on studio"."""


@contextmanager
def locked(path: Path, wait: bool = False, keep: bool = True) -> Iterator[bool]:
    """Holds the lock file `path` for the block.

    Args:
        path: made where it is not there; its folder must be there.
        wait: for whoever holds it, however long that takes.
        keep: whether the file stays. Where it goes, it goes before the lock does: `filelock` sees to it that nobody
            takes a lock on a file that is not there any more.

    Yields whether it is held: False where the file system has no locks. `filelock` offers another kind there, a file
    that must not exist, and it is not used: that of a killed process would stay.

    Raises:
        Held: where another process, or other code of this one, holds it. Never with `wait`.
        OSError: where the file cannot be made.
    """
    os.stat(path.parent)  # filelock would make it
    lock = FileLock(
        path, -1 if wait else 0, thread_local=False, poll_interval=POLL_S, fallback_to_soft=False,
        preserve_lock_file=keep, on_acquired=_sign,
    )  # fmt: skip
    try:
        lock.acquire()
    except Timeout:
        raise Held(_holder(path)) from None
    except OSError as problem:
        if problem.errno not in NO_LOCKS:
            raise
    try:
        yield lock.is_locked
    finally:
        if not keep:
            with suppress(OSError):  # Windows removes no open file; filelock does so there when it has closed it
                path.unlink()
        lock.release()


@contextmanager
def only_one(folder: str | os.PathLike, warn: Callable[[str], None]) -> Iterator[None]:
    """Holds the run directory `folder`, by `folder`/lock, for the block.

    Args:
        folder: made where it is not there, and removed again where nothing else came into it.
        warn: called with a line where the file system knows no locks.

    Raises UserError, naming the process, where another one holds it, and where the folder cannot be written.
    """
    folder, path = Path(folder), Path(folder) / "lock"
    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held = stack.enter_context(locked(path))
        except Held as holder:
            raise UserError(
                f"{folder} is being trained by {holder}. Let it finish, stop it (Ctrl-C there saves), or start "
                "another run with --run."
            ) from None
        except OSError as problem:
            raise UserError(f"--run {folder} cannot be written ({problem.strerror}). Give another folder.") from None
        if not held:
            warn(f"note: {folder} is on a file system without locks; see that no other training uses this run")
        try:
            yield
        finally:
            with suppress(OSError):  # somebody just put something into it, or removed it
                if os.listdir(folder) == [path.name]:
                    path.unlink()
                    folder.rmdir()


@contextmanager
def in_turn(folder: str | os.PathLike) -> Iterator[None]:
    """Holds `folder`, which is there, by the file .lock in it, for the block; waits for whoever holds it.

    Without locks, or without the right to write there, nobody waits; where nothing can be written,
    it is the block that raises.
    """
    with ExitStack() as stack:
        with suppress(OSError):
            stack.enter_context(locked(Path(folder) / ".lock", wait=True))
        yield


def _sign(descriptor: int) -> None:
    """Writes into the lock file that is held as `descriptor` who holds it."""
    with suppress(OSError):  # a full disk: the lock holds all the same
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        # The first byte is none of the text: Windows locks it, and then nobody else can read it.
        os.write(descriptor, f" process {os.getpid()} on {socket.gethostname()}".encode())


def _holder(path: Path) -> str:
    for start in (0, 1):
        with suppress(OSError), open(path, "rb", buffering=0) as file:
            file.seek(start)
            if text := file.read(200).decode(errors="replace").strip():
                return text
    return "another process"
