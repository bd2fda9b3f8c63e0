"""One training at a time in a run directory, and one writer at a time in a folder."""

import os
import socket
from contextlib import contextmanager, suppress
from pathlib import Path

from wavegan.base.errors import UserError

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None


@contextmanager
def only_one(folder, warn):
    """Holds `folder`/lock for the block. The system frees it with the process, however that ends: none is ever stale.

    Args:
        folder: made where it is not there, and removed again where nothing else came into it.
        warn: called with a line where the file system knows no locks.

    Raises UserError, naming the process, where another one holds it, and where the folder cannot be written.
    """
    folder, path = Path(folder), Path(folder) / "lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+b", buffering=0)  # noqa: SIM115 (closed by the block below)
    except OSError as problem:
        raise UserError(f"--run {folder} cannot be written ({problem.strerror}). Give another folder.") from None
    with file:
        _lock(file, path, warn)
        try:
            with suppress(OSError):  # a full disk: the lock holds all the same
                file.truncate(0)
                file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
            yield
        finally:
            if set(os.listdir(folder)) == {"lock"}:
                path.unlink()
                with suppress(OSError):  # somebody just put something into it
                    folder.rmdir()


@contextmanager
def in_turn(folder):
    """Holds `folder`, which is there, for the block; waits for whoever holds it. Without locks, nobody does."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _lock(file, path, warn):
    note = f"note: {path.parent} is on a file system without locks; see that no other training uses this run"
    if fcntl is None:
        warn(note)
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not path.exists() or not os.path.samestat(path.stat(), os.fstat(file.fileno())):
            raise BlockingIOError  # the one before removed the file after it was opened here
    except BlockingIOError:
        file.seek(0)
        holder = file.read().decode(errors="replace") or "another process"
        raise UserError(
            f"{path.parent} is being trained by {holder}. Let it finish, stop it (Ctrl-C there saves), or start "
            "another run with --run."
        ) from None
    except OSError:
        warn(note)
