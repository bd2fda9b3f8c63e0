"""Worker processes: many files in, their clips out, in the order of the files. They never import TensorFlow."""

import multiprocessing
import os
import signal
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.synchronize import Event
from typing import IO, TypeVar

import numpy as np

from preprocess.clips import Cutting, Slices, slice_recording
from preprocess.plan import PlannedFile
from preprocess.sources import Content, Entry
from wavegan.audio.decode import Unusable
from wavegan.base.errors import UserError
from wavegan.base.quiet import native_stderr_hidden
from wavegan.data.schema import write_example

CHUNK_FILES = 64  # for one task: enough to make the cost of handing it over small
CHUNK_BYTES = 4 << 20  # of encoded audio for one task
SPOOL_BYTES = 16 << 20  # of clips of one file; more than that waits on disk
UNDER_WAY_BYTES = 256 << 20  # of encoded audio in memory for all tasks that wait or run; a larger one runs alone
FEWEST_FILES = 4000  # below both, starting processes takes longer than the work
FEWEST_BYTES = 64 << 20  # of encoded audio

_stopped: Event | None = None  # in a worker process: an event that says nobody waits for its results any more


Key = TypeVar("Key")
Result = TypeVar("Result")


class Clips:
    """One file's clips, int16 as bytes, back to back: in memory, or on disk from `SPOOL_BYTES` on.

    So a recording of hours passes from a worker to the writer without ever being in memory as a whole.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.memory = bytearray()
        self.path: str | None = None
        self._file: IO[bytes] | None = None

    def write(self, clip: bytes) -> None:
        """Adds a clip."""
        if _stopped is not None and _stopped.is_set():
            raise KeyboardInterrupt
        self.memory += clip
        if len(self.memory) > SPOOL_BYTES:
            if self._file is None:
                descriptor, self.path = tempfile.mkstemp(suffix=".pcm", dir=self.directory)
                self._file = os.fdopen(descriptor, "wb")
            self._file.write(self.memory)
            self.memory.clear()

    def clear(self) -> None:
        """Forgets all clips so far."""
        self.memory.clear()
        if self._file is not None:
            self._file.seek(0)
            self._file.truncate()

    def close(self) -> None:
        """Ends writing; only then can the clips be sent to another process."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def discard(self) -> None:
        """Forgets all clips, and removes what is on disk."""
        self.close()
        self.memory.clear()
        if self.path is not None:
            os.unlink(self.path)
            self.path = None

    def read(self, clip_bytes: int) -> Iterator[bytes]:
        """Yields clip after clip, once."""
        if self.path is not None:
            with open(self.path, "rb") as file:
                while clip := file.read(clip_bytes):
                    yield clip
            os.unlink(self.path)
        memory = memoryview(self.memory)
        for start in range(0, len(memory), clip_bytes):
            yield bytes(memory[start : start + clip_bytes])


def slice_files(contents: list[Content], cutting: Cutting, directory: str) -> list[tuple[Slices, Clips] | Unusable]:
    """What every file gives: its clips, or the reason why there are none.

    Args:
        contents: for each file its path, its bytes, a one-shot of the drum kit, or an `Unusable` found before.
        cutting: how files become clips.
        directory: a folder for what is too long for memory.
    """
    with native_stderr_hidden():  # the MP3 decoder comments on every broken file, in the middle of a progress bar
        return [_slice_file(content, cutting, directory) for content in contents]


def _slice_file(content: Content, cutting: Cutting, directory: str) -> tuple[Slices, Clips] | Unusable:
    if isinstance(content, Unusable):
        return content
    clips = Clips(directory)
    try:
        return slice_recording(_recording(content, cutting), cutting, clips), clips
    except Unusable as problem:
        clips.discard()
        return problem
    finally:
        clips.close()


def records(
    file: PlannedFile, slices: Slices, clips: Clips, labels: dict[str, int], cutting: Cutting
) -> Iterator[bytes]:
    """Yields the clips of a file as serialised records, once; `labels` are the numbers of the classes."""
    pcm = clips.read(2 * cutting.length * cutting.channels)
    for start, clip in zip(slices.starts, pcm, strict=True):
        yield write_example(clip, labels[file.label], file.name, start)


def _recording(content: str | bytes | tuple[str, int], cutting: Cutting) -> str | bytes | np.ndarray:
    if isinstance(content, tuple):
        from preprocess import drumkit

        kind, index = content
        return drumkit.render(kind, index, cutting.sample_rate)
    return content


def chunks(files: Iterable[tuple[PlannedFile, Content]]) -> Iterator[tuple[list[PlannedFile], list[Content]]]:
    """Groups (file, content) into tasks of a bounded number of files and bytes: ([file, …], [content, …])."""
    chunk: list[PlannedFile] = []
    contents: list[Content] = []
    size = 0
    for file, content in files:
        if chunk and (len(chunk) == CHUNK_FILES or size + file.size > CHUNK_BYTES):
            yield chunk, contents
            chunk, contents, size = [], [], 0
        chunk.append(file)
        contents.append(content)
        size += file.size
    if chunk:
        yield chunk, contents


def processes_for(entries: list[Entry], workers: int) -> int:
    """How many processes these files are worth; 0 for none but the caller's own."""
    small = len(entries) < FEWEST_FILES and sum(entry.size for entry in entries) < FEWEST_BYTES
    return 0 if small or workers == 1 else min(workers, len(entries))


def in_order(
    tasks: Iterable[tuple[Key, list[Content]]], work: Callable[[list[Content]], Result], processes: int
) -> Iterator[tuple[Key, Result]]:
    """Yields (key, work(content)) for all (key, content) in their order, with a bounded number of them under way.

    Raises:
        UserError: where a process died, such as for lack of memory.
    """
    if processes == 0:
        yield from ((key, work(content)) for key, content in tasks)
        return
    # Spawned, because a forked copy of a process with threads (TensorFlow's, say) can hang.
    context = multiprocessing.get_context("spawn")
    stopped = context.Event()
    pool = ProcessPoolExecutor(processes, context, initializer=_start_worker, initargs=(stopped,))
    under_way: deque[tuple[Key, Future[Result], int]] = deque()
    try:
        for key, content in tasks:
            with _interrupts_blocked():
                under_way.append((key, pool.submit(work, content), _bytes(content)))
            while len(under_way) > 2 * processes or sum(size for _, _, size in under_way) > UNDER_WAY_BYTES:
                yield _first(under_way)
        while under_way:
            yield _first(under_way)
    except BrokenProcessPool:
        raise UserError(
            "a worker process died, perhaps for lack of memory. Try again with --workers 1, which starts none."
        ) from None
    finally:
        stopped.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _first(under_way: deque[tuple[Key, Future[Result], int]]) -> tuple[Key, Result]:
    key, future, _ = under_way.popleft()
    return key, future.result()


def _bytes(contents: list[Content]) -> int:
    """How much memory the files of a task take: those from an archive are in it as a whole."""
    return sum(len(content) for content in contents if isinstance(content, bytes))


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Ctrl-C and a hang-up go to all processes of a terminal; those started in here inherit that they get neither."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(stopped: Event) -> None:
    global _stopped
    _stopped = stopped
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed cannot end its workers; they would wait for the next task for ever."""
    parent = multiprocessing.parent_process()
    assert parent is not None  # this is a worker
    wait([parent.sentinel])
    os._exit(1)
