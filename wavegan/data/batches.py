"""TFRecords → seeded, shuffled batches from any step on.

The order is a formula, not a state: epoch e visits the clips in the permutation drawn from (seed, e), and step s takes
the next `updates × batch_size` of that endless row. A run that goes on at step s therefore sees just what it
would have seen, without reading what came before, and a data set smaller than a batch is no special case.
"""

# Our own order: tf.data's shuffle mixes within a buffer, and a saved iterator of it holds that buffer's clips.

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from wavegan.backend import devices
from wavegan.base.quiet import import_tensorflow
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo, parse_examples, read_examples

EPOCHS_HELD = 2  # permutations in memory
READING, AHEAD = 2, 4  # threads that read steps, and steps that are held ready
MEASURED = 1024  # clips that say what all are like
QUIETEST = 1e-4  # of an RMS: recordings that are silent would make all others infinitely loud


class Order:
    """The endless shuffled row of clips, epoch after epoch.

    The permutations of the two epochs read last are held: 4 bytes a clip each. Once half of an epoch is read the next
    one is drawn in the background, so that no step waits for it. Safe to call from several threads.

    Args:
        clips: how many there are.
        seed: of every permutation, together with the epoch's number.
        groups: in which clips stand beside each other; None where each comes by itself.
    """

    def __init__(self, clips: int, seed: int, groups: "Groups | None" = None) -> None:
        self.clips = len(groups) if groups else clips  # of an epoch
        self.seed = seed
        self._drawing = groups or partial(_permutation, clips)
        self._drawn: dict[int, Future] = {}  # {epoch: its permutation}, the one asked for last at the end
        self._lock = threading.Lock()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="order")

    def __call__(self, first: int, count: int) -> np.ndarray:
        """Which clips come `first` to below `first + count` in the row: int64 [count]."""
        parts = [np.empty(0, np.int64)]
        while count:
            epoch, offset = divmod(first, self.clips)
            part = self._epoch(epoch).result()[offset : offset + count]
            parts.append(part)
            first, count = first + len(part), count - len(part)
            if 2 * (offset + len(part)) > self.clips:
                self._epoch(epoch + 1)
        return np.concatenate(parts)

    def _epoch(self, number: int) -> Future:
        with self._lock:
            drawn = self._drawn.pop(number, None) or self._background.submit(self._drawing, self.seed, number)
            self._drawn[number] = drawn
            while len(self._drawn) > EPOCHS_HELD:
                del self._drawn[next(iter(self._drawn))]
            return drawn


def _permutation(clips: int, seed: int, epoch: int) -> np.ndarray:
    """The same as `default_rng((seed, epoch)).permutation(clips)` in half the memory where the numbers allow it."""
    row = np.arange(clips, dtype=np.uint32 if clips <= 2**32 else np.int64)
    np.random.default_rng((seed, epoch)).shuffle(row)
    return row


class Groups:
    """Draws the order of an epoch in which clips of one class stand beside each other, in groups of one size.

    Every epoch divides each class into other groups, and shuffles the groups of all classes. Where a class does not
    come out even, some of its clips come twice: classes keep their shares, but for that.

    Args:
        labels: int [clips], the class of each.
        size: clips in a group.

    Its length is that of an epoch.
    """

    def __init__(self, labels: np.ndarray, size: int) -> None:
        self.labels, self.size = labels, size
        _, counts = np.unique(labels, return_counts=True)
        self.ends = np.cumsum(counts)
        self.filled = -(-counts // size) * size  # clips of each class in an epoch

    def __len__(self) -> int:
        return int(self.filled.sum())

    def __call__(self, seed: int, epoch: int) -> np.ndarray:
        """Which clips come in an epoch, [len(self)]."""
        random = np.random.default_rng((seed, epoch))
        mixed = random.permutation(len(self.labels))
        by_class = mixed[np.argsort(self.labels[mixed], kind="stable")]
        parts = np.split(by_class, self.ends[:-1])
        groups = [np.resize(part, filled) for part, filled in zip(parts, self.filled, strict=True)]
        rows = np.concatenate(groups).reshape(-1, self.size)
        return rows[random.permutation(len(rows))].reshape(-1)


def rms_of(records: Records, info: DatasetInfo) -> float:
    """The root mean square of the samples of `evenly` chosen clips, in (0, 1]."""
    return max(float(np.sqrt(np.mean(np.square(evenly(records, info), dtype="float64")))), QUIETEST)


def evenly(records: Records, info: DatasetInfo) -> np.ndarray:
    """The audio [n, time, channels] of up to a thousand clips that lie evenly in `records`, as `clips` gives it."""
    count = min(len(records), MEASURED)
    return clips(records, info, np.linspace(0, len(records) - 1, count).round().astype(int))["audio"]


def training_batches(
    records: Records,
    info: DatasetInfo,
    batch_size: int,
    updates: int,
    seed: int,
    first_step: int = 0,
    last_step: int | None = None,
    group: int = 1,
    rows: tuple[int, int] | None = None,
) -> Any:
    """The steps `first_step` to `last_step` (endless when None) as a `tf.data.Dataset`.

    Args:
        records: the `Records` to train on.
        info: the `DatasetInfo` they belong to.
        batch_size: clips in a batch.
        updates: batches in a step.
        seed: of the order.
        first_step, last_step: of a run; what came before is not read.
        group: clips of one class that stand beside each other in a batch, a divisor of its size; 1 for any clips.
        rows: the first clip of every batch that is read, and the first one after them; None for all. Elements then have
            that part of a batch.

    Each element is one step: {"audio": float32 [batch, updates, time, channels] in [-1, 1), "label": int64 [batch,
    updates], "progress": float32 [batch]}, the last being the share of the run that is done, 0 for an endless one. The
    batch comes first, so that it can be shared out among devices.
    """
    tf = import_tensorflow()
    devices.keep_gpu_from(tf)
    total = np.inf if last_step is None else last_step
    start, end = rows or (0, batch_size)
    shape = (end - start, updates)
    of_step = _steps(records, info, batch_size, updates, seed, group)

    def read(step: np.ndarray) -> np.ndarray:
        return records.read(of_step(int(step))[start:end].reshape(-1))

    def load(step: Any) -> dict[str, Any]:
        serialized = tf.numpy_function(read, [step], tf.string)
        examples = parse_examples(tf.ensure_shape(serialized, [shape[0] * updates]), info.length, info.channels)
        return {
            "audio": tf.reshape(examples["audio"], (*shape, info.length, info.channels)),
            "label": tf.reshape(examples["label"], shape),
            "progress": tf.fill([shape[0]], tf.cast(tf.cast(step, tf.float64) / total, tf.float32)),
        }

    steps = tf.data.Dataset.range(first_step, 2**62 if last_step is None else last_step)
    fixed = tf.data.Options()
    # There is nothing to tune, and the thread that does sleeps up to a minute when a training is to end.
    fixed.autotune.enabled = False
    return steps.map(load, num_parallel_calls=READING, deterministic=True).prefetch(AHEAD).with_options(fixed)


def endless_batches(
    records: Records, info: DatasetInfo, batch_size: int, updates: int, seed: int, group: int = 1, first_step: int = 0
) -> Iterator[dict[str, np.ndarray]]:
    """The elements of `training_batches` from `first_step` on without "progress", as NumPy's arrays, endless.

    TensorFlow is not needed.
    """
    of_step = _steps(records, info, batch_size, updates, seed, group)

    def load(step: int) -> dict[str, np.ndarray]:
        read = clips(records, info, of_step(step).reshape(-1))
        audio = read["audio"].reshape(batch_size, updates, info.length, info.channels)
        return {"audio": audio, "label": read["label"].reshape(batch_size, updates)}

    with ThreadPoolExecutor(READING, thread_name_prefix="read") as threads:
        ahead = deque(threads.submit(load, first_step + step) for step in range(AHEAD))
        for step in itertools.count(first_step + AHEAD):
            yield ahead.popleft().result()
            ahead.append(threads.submit(load, step))


def _steps(
    records: Records, info: DatasetInfo, batch_size: int, updates: int, seed: int, group: int
) -> Callable[[int], np.ndarray]:
    """Which clips a step reads: its number → [batch, updates]."""
    groups = Groups(records.labels, group) if group > 1 and len(info.classes) > 1 else None
    order, per_step = Order(len(records), seed, groups), batch_size * updates
    return lambda step: order(step * per_step, per_step).reshape(updates, batch_size).T


def clips(records: Records, info: DatasetInfo, indices: npt.ArrayLike) -> dict[str, np.ndarray]:
    """The clips at `indices` [n] as arrays: "audio" float32 [n, time, channels], "label", "source" and "start" [n]."""
    return records.parsed(lambda read: read_examples(read, info.length, info.channels), indices)
