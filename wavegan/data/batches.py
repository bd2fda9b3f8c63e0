"""TFRecords → seeded, shuffled batches from any step on.

The order is a formula, not a state: epoch e visits the clips in the permutation drawn from (seed, e), and step s takes
the next `updates × batch_size` of that endless row. A run that goes on at step s therefore sees just what it
would have seen, without reading what came before, and a data set smaller than a batch is no special case.
"""

# Our own order: tf.data's shuffle mixes within a buffer, and a saved iterator of it holds that buffer's clips.

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo, parse_examples

EPOCHS_HELD = 2  # permutations in memory


class Order:
    """The endless shuffled row of clips, epoch after epoch.

    The permutations of the two epochs read last are held: 4 bytes a clip each. Once half of an epoch is read the next
    one is drawn in the background, so that no step waits for it. Safe to call from several threads.

    Args:
        clips: how many there are.
        seed: of every permutation, together with the epoch's number.
    """

    def __init__(self, clips: int, seed: int) -> None:
        self.clips, self.seed = clips, seed
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
            drawn = self._drawn.pop(number, None) or self._background.submit(
                _permutation, self.clips, self.seed, number
            )
            self._drawn[number] = drawn
            while len(self._drawn) > EPOCHS_HELD:
                del self._drawn[next(iter(self._drawn))]
            return drawn


def _permutation(clips: int, seed: int, epoch: int) -> np.ndarray:
    """The same as `default_rng((seed, epoch)).permutation(clips)` in half the memory where the numbers allow it."""
    row = np.arange(clips, dtype=np.uint32 if clips <= 2**32 else np.int64)
    np.random.default_rng((seed, epoch)).shuffle(row)
    return row


def training_batches(
    records: Records,
    info: DatasetInfo,
    batch_size: int,
    updates: int,
    seed: int,
    first_step: int = 0,
    last_step: int | None = None,
) -> tf.data.Dataset:
    """The steps `first_step` to `last_step` (endless when None) as a `tf.data.Dataset`.

    Args:
        records: the `Records` to train on.
        info: the `DatasetInfo` they belong to.
        batch_size: clips in a batch.
        updates: batches in a step.
        seed: of the order.
        first_step, last_step: of a run; what came before is not read.

    Each element is one step: {"audio": float32 [batch, updates, time, channels] in [-1, 1), "label": int64 [batch,
    updates]}. The batch comes first, so that it can be shared out among devices.
    """
    order, per_step = Order(len(records), seed), batch_size * updates

    def read(step: np.ndarray) -> np.ndarray:
        chosen = order(int(step) * per_step, per_step)
        return records.read(chosen.reshape(updates, batch_size).T.reshape(-1))

    def load(step: tf.Tensor) -> dict[str, tf.Tensor]:
        serialized = tf.numpy_function(read, [step], tf.string)
        examples = parse_examples(tf.ensure_shape(serialized, [per_step]), info.length, info.channels)
        shape = (batch_size, updates)
        return {
            "audio": tf.reshape(examples["audio"], (*shape, info.length, info.channels)),
            "label": tf.reshape(examples["label"], shape),
        }

    steps = tf.data.Dataset.range(first_step, 2**62 if last_step is None else last_step)
    return steps.map(load, num_parallel_calls=2, deterministic=True).prefetch(4)


def clips(records: Records, info: DatasetInfo, indices: npt.ArrayLike) -> dict[str, np.ndarray]:
    """The clips at `indices` [n] as arrays: "audio" float32 [n, time, channels], "label", "source" and "start" [n]."""
    serialized = tf.constant(records.read(indices))
    with records.explained():
        examples = parse_examples(serialized, info.length, info.channels)
    return {name: value.numpy() for name, value in examples.items()}
