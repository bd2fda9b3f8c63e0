"""What several tests of the evaluation share: small data sets of drums, and how to read what came of them."""

import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from preprocess import drumkit
from preprocess.convert import prepare
from preprocess.options import Options
from wavegan.audio.wav import write_wav
from wavegan.data.batches import clips
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo

RATE, LENGTH = 4000, 1024  # Hz, samples
ROUNDED = 1e-4  # a clip's features are rounded by its place in the block, on some processors
KINDS = ("kick", "snare", "tom")


def prepared_drums(folder, kinds=KINDS, count=120, test=20.0):
    """A data set of those kinds of drums in `folder`, a fifth of them held out; its folder, beside that."""
    for kind in kinds:
        (folder / kind).mkdir(parents=True)
        for index in range(count):
            write_wav(folder / kind / f"{index}.wav", drumkit.render(kind, index, RATE)[:, None], RATE)
    options = Options(sample_rate=RATE, length=LENGTH, slices="first", workers=1, test=test)
    prepare([str(folder)], folder.parent / "data", options)
    return folder.parent / "data"


def scalars(folder, tag):
    """{step: value} of what was logged as `tag` in a folder of events."""
    found = EventAccumulator(str(folder)).Reload().Tensors(tag)
    assert len({event.step for event in found}) == len(found)
    return {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in found}


def recordings(data, split="train"):
    """All clips of a split: {"audio", "label", …}."""
    info = DatasetInfo.load(data)
    records = Records(data, info, split)
    return clips(records, info, np.arange(len(records)))


def mean(scores, key):
    return scores[key]["mean"]


def normal(n, width=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width))


def predictions(n, classes=3, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), n)
