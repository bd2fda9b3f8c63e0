"""Downloads of known corpora: resumed where they broke off, verified, kept in a cache."""

# Our own on urllib: pooch, which librosa brings along, starts a download that broke off from its beginning.

import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wavegan.base import files
from wavegan.base.caches import user_folder
from wavegan.base.errors import UserError
from wavegan.base.locks import Held, locked
from wavegan.base.progress import Progress
from wavegan.base.text import warn

CORPORA = {
    "speech-commands": (
        "http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz",
        "743935421bb51cccdb6bdd152e04c5c70274e935c82119ad7faeec31780d811d",
    ),
    "speech-commands-v2": (
        "http://download.tensorflow.org/data/speech_commands_v0.02.tar.gz",
        "af14739ee7dc311471de98f5f9d2c9191b18aedfe957f4a6ff791c709868ff58",
    ),
}
TIMEOUT = 30.0  # seconds without a byte
ATTEMPTS = 5  # in a row that brought nothing new
PAUSE = 2.0  # seconds between two attempts
CHUNK = 1 << 18  # bytes


class _BrokenOff(Exception):
    """A connection that ended before the file did."""


def cache_directory() -> Path:
    """Where downloads are kept: `$WAVEGAN_CACHE`, or the user's cache folder. Raises UserError where there is none."""
    if chosen := os.environ.get("WAVEGAN_CACHE"):
        return Path(chosen)
    folder = user_folder("XDG_CACHE_HOME", ".cache")
    if folder is None:
        raise UserError("cannot keep the download: this user has no home folder. Set WAVEGAN_CACHE to a folder.")
    return folder / "wavegan"


def fetch_corpus(name: str) -> Path:
    """The archive of the corpus `name` (a key of `CORPORA`), from the cache or the network."""
    url, sha256 = CORPORA[name]
    return fetch(url, sha256, cache_directory())


def fetch(url: str, sha256: str, directory: Path) -> Path:
    """Returns the path of a verified copy of `url` in `directory`; downloads it where there is none.

    What is in the cache is verified every time: a disk can fail, and a person can have put another file there. A
    download that breaks off is resumed, by itself a few times and then by the next call. While another process
    downloads the same, this one waits for it.

    Raises:
        UserError: where the file cannot be had, or is not the one that `sha256` (hexadecimal) belongs to.
    """
    target = directory / url.rsplit("/", 1)[1]
    try:
        if _is(target, sha256):
            return target
        directory.mkdir(parents=True, exist_ok=True)
        with _one_download(target):
            if not _is(target, sha256):  # whoever downloaded it meanwhile may have brought it
                _download_verified(url, sha256, target)
    except OSError as error:
        raise UserError(
            f"cannot keep the download in {directory}: {error.strerror}. Set WAVEGAN_CACHE to another folder."
        ) from None
    return target


def _is(path: Path, sha256: str) -> bool:
    return path.is_file() and files.sha256(path) == sha256


@contextmanager
def _one_download(target: Path) -> Iterator[None]:
    """Waits while another process downloads the same."""
    lock = target.with_name(f".{target.name}.lock")
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(lock, keep=False))
        except Held as holder:
            warn(f"note: {target.name} is being downloaded by {holder}; waiting for it")
            stack.enter_context(locked(lock, wait=True, keep=False))
        yield


def _download_verified(url: str, sha256: str, target: Path) -> None:
    if target.exists():
        warn(f"note: {target} is damaged, or another file; it is downloaded again")
    part = target.with_name(target.name + ".part")
    if not _is(part, sha256):  # whoever was killed just before the end left all of it
        _download(url, part)
    received = files.sha256(part)
    if received != sha256:
        part.unlink()
        raise UserError(
            f"{url} is not the file that was expected, and was removed. Expected SHA-256 {sha256}. "
            f"Received: {received}. Try again, or name a copy of the archive as SOURCE."
        )
    os.replace(part, target)


def _download(url: str, part: Path) -> None:
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            _continue(url, part)
            return
        except urllib.error.HTTPError as error:
            if error.code == 416 and before:  # what is there is no beginning of what the server has
                part.unlink()
                continue
            if error.code < 500:
                raise UserError(
                    f"{url} answers {error.code} {error.reason}. Find the archive elsewhere and name it as SOURCE."
                ) from None
            reason = f"{error.code} {error.reason}"
        except urllib.error.URLError as error:
            reason = str(getattr(error.reason, "strerror", None) or error.reason)
        except (_BrokenOff, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
        after = part.stat().st_size if part.exists() else 0
        failures = 0 if after > before else failures + 1
        if failures >= ATTEMPTS:
            kept = f" {after / 1e6:.1f} MB are kept, and the same command goes on from there." if after else ""
            raise UserError(
                f"cannot download {url}: {reason}.{kept} Check the connection, or name a copy of the archive as SOURCE."
            )
        time.sleep(PAUSE)


def _continue(url: str, part: Path) -> None:
    """One request for what is missing of `part`."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        resumed = response.status == 206 and _range_start(response) == have
        have = have if resumed else 0
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdigit() else None
        with (
            open(part, "ab" if resumed else "wb") as file,
            Progress(total, f"downloading {part.stem}", "B", initial=have) as progress,
        ):
            while chunk := response.read(CHUNK):
                file.write(chunk)
                progress.update(len(chunk))
            # http.client takes a connection that was closed too early for the end of the file.
            if total is not None and progress.done < total:
                raise _BrokenOff("the connection broke off")


def _range_start(response: http.client.HTTPResponse) -> int:
    """The first byte of a partial answer, from `Content-Range: bytes 100-199/200`; -1 where it does not say."""
    value = response.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
    return int(value) if value.isdigit() else -1
