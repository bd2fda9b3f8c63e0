"""TFRecords → seeded, shuffled batches from any step on.

The order is a formula, not a state: epoch e visits the clips in the permutation drawn from (seed, e), and step s takes
the next `critic_updates × batch_size` of that endless row. A run that goes on at step s therefore sees just what it
would have seen, without reading what came before, and a data set smaller than a batch is no special case.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf

from preprocess import UserError
from preprocess.records import parse_examples
from wavegan import autodiff

autodiff.keep_gpu_from(tf)

HEADER = 12  # bytes of a TFRecord before its data: length and its checksum
LARGEST_REST = 1 << 16  # bytes of a record beside its samples, at most
FOOTER = 4  # bytes after it: the data's checksum


class Records:
    """Random access to the records of one split, memory-mapped: the operating system keeps in memory what fits.

    Args:
        directory: a data set made by `python -m preprocess`.
        info: its `DatasetInfo`.
        split: "train", "validation" or "test".

    Raises UserError for a missing, truncated or miscounted file.
    """

    def __init__(self, directory, info, split="train"):
        self.shards = []
        places = []  # (shard, first byte, bytes) of each record
        for listed in info.splits[split]["files"]:
            path = Path(directory) / listed["name"]
            data = _map(path)
            spans = _spans(data, path)
            pcm = 2 * info.length * info.channels
            if any(not pcm <= size < pcm + LARGEST_REST for _, size in spans):
                raise UserError(
                    f"{path} holds records that are no clips of {info.length} samples and {info.channels} channels, as "
                    "dataset.json expects. Make the data set again with python -m preprocess … --overwrite."
                )
            if len(spans) != listed["clips"]:
                raise UserError(
                    f"{path} holds {len(spans)} clips where dataset.json expects {listed['clips']}. "
                    "Make the data set again with python -m preprocess … --overwrite."
                )
            places += [(len(self.shards), start, size) for start, size in spans]
            self.shards.append(data)
        self.places = np.array(places, np.int64).reshape(-1, 3)

    def __len__(self):
        return len(self.places)

    def read(self, indices):
        """The serialised records at `indices` [n], as an object array of bytes [n]."""
        rows = self.places[indices]
        return np.array([self.shards[s][start : start + size].tobytes() for s, start, size in rows], object)


def _map(path):
    try:
        return np.asarray(np.memmap(path, np.uint8, mode="r")) if path.stat().st_size else np.empty(0, np.uint8)
    except OSError as problem:
        raise UserError(
            f"{path} cannot be read ({problem.strerror}). Make the data set again with python -m preprocess."
        ) from None


def _spans(data, path):
    """[(first byte, bytes)] of every record in a shard, from the lengths alone."""
    spans, position = [], 0
    while position < len(data):
        size = int.from_bytes(data[position : position + 8].tobytes(), "little")
        start = position + HEADER
        position = start + size + FOOTER
        if position > len(data):
            raise UserError(
                f"{path} ends in the middle of record {len(spans)}. "
                "Make the data set again with python -m preprocess … --overwrite."
            )
        spans.append((start, size))
    return spans


def order(clips, first, count, seed):
    """Which clips come `first` to `first + count` in the endless shuffled row. Returns int64 [count]."""
    parts = []
    while count:
        epoch, offset = divmod(first, clips)
        permutation = np.random.default_rng((seed, epoch)).permutation(clips)
        part = permutation[offset : offset + count]
        parts.append(part)
        first, count = first + len(part), count - len(part)
    return np.concatenate(parts)


def training_batches(records, info, batch_size, critic_updates, seed, first_step=0, last_step=None):
    """The steps `first_step` to `last_step` (endless when None) as a `tf.data.Dataset`.

    Each element is one step: {"audio": float32 [critic_updates, batch, time, channels] in [-1, 1),
    "label": int64 [critic_updates, batch]}.
    """
    clips, per_step = len(records), batch_size * critic_updates

    def read(step):
        return records.read(order(clips, int(step) * per_step, per_step, seed))

    def load(step):
        serialized = tf.numpy_function(read, [step], tf.string)
        examples = parse_examples(tf.ensure_shape(serialized, [per_step]), info.length, info.channels)
        shape = (critic_updates, batch_size)
        return {
            "audio": tf.reshape(examples["audio"], (*shape, info.length, info.channels)),
            "label": tf.reshape(examples["label"], shape),
        }

    steps = tf.data.Dataset.range(first_step, 2**62 if last_step is None else last_step)
    return steps.map(load, num_parallel_calls=2, deterministic=True).prefetch(4)


def clips(records, info, indices):
    """The clips at `indices` [n] as arrays: "audio" float32 [n, time, channels], "label", "source" and "start" [n]."""
    examples = parse_examples(tf.constant(records.read(np.asarray(indices))), info.length, info.channels)
    return {name: value.numpy() for name, value in examples.items()}
