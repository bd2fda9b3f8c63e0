"""TFRecords → seeded, shuffled batches from any step on.

The order is a formula, not a state: epoch e visits the clips in the permutation drawn from (seed, e), and step s takes
the next `critic_updates × batch_size` of that endless row. A run that goes on at step s therefore sees just what it
would have seen, without reading what came before, and a data set smaller than a batch is no special case.
"""

import numpy as np
import tensorflow as tf

from wavegan.data.schema import parse_examples


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


def training_batches(records, info, batch_size, updates, seed, first_step=0, last_step=None):
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
    clips, per_step = len(records), batch_size * updates

    def read(step):
        chosen = order(clips, int(step) * per_step, per_step, seed)
        return records.read(chosen.reshape(updates, batch_size).T.reshape(-1))

    def load(step):
        serialized = tf.numpy_function(read, [step], tf.string)
        examples = parse_examples(tf.ensure_shape(serialized, [per_step]), info.length, info.channels)
        shape = (batch_size, updates)
        return {
            "audio": tf.reshape(examples["audio"], (*shape, info.length, info.channels)),
            "label": tf.reshape(examples["label"], shape),
        }

    steps = tf.data.Dataset.range(first_step, 2**62 if last_step is None else last_step)
    return steps.map(load, num_parallel_calls=2, deterministic=True).prefetch(4)


def clips(records, info, indices):
    """The clips at `indices` [n] as arrays: "audio" float32 [n, time, channels], "label", "source" and "start" [n]."""
    serialized = tf.constant(records.read(np.asarray(indices)))
    with records.explained():
        examples = parse_examples(serialized, info.length, info.channels)
    return {name: value.numpy() for name, value in examples.items()}
