"""A small convolutional network that tells the classes of a data set apart: its accuracy says how far to trust it."""

from collections.abc import Callable, Mapping

import keras
import numpy as np
from keras import layers

from wavegan.backend import autodiff
from wavegan.base.progress import Progress

CHANNELS = (16, 32, 64, 128)
EMBEDDING = 64  # width of the layer before the classes
BATCH = 32
LEARNING_RATE = 2e-3
LOWER = 3  # the divisor of the rate from one attempt to the next
SHIFT, MASK = 0.1, 0.125  # largest shift in time and largest mask, as shares of all frames or bins
LOUDER = np.log(4)  # largest change of the loudness, 12 dB
MOST_STANDARD = 4096  # clips whose mean and standard deviation standardise
FLOORS = np.log([1e-6, 0.03])  # of the noise that is laid under the clips, log mel magnitude: up to some -30 dBFS


def build(shape: tuple[int, int], classes: int, mean: np.ndarray, deviation: np.ndarray, seed: int = 0) -> keras.Model:
    """Log-mel [n, frames, bins] → [n, 64 + classes]: the embedding, then the logits.

    `mean` and `deviation` [bins] standardise the bins. Strided 3 × 3 convolutions with batch normalisation, the mean
    and the maximum over time, and a dense layer, which is the embedding. The weights start from `seed`.
    """
    random = np.random.default_rng(seed)
    features = keras.Input(shape)
    x = layers.Reshape((*shape, 1))((features - mean) / deviation)
    for channels in CHANNELS:
        x = layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False, kernel_initializer=_start(random, 2))(
            x
        )
        x = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    # Not over the bins: where a sound lies on the frequency axis tells a kick from a hat.
    pooled = layers.Concatenate()([keras.ops.mean(x, axis=1), keras.ops.max(x, axis=1)])
    x = layers.Dense(EMBEDDING, use_bias=False, kernel_initializer=_start(random, 2))(layers.Flatten()(pooled))
    # Without it the first steps, which move all that all clips have in common, leave most units dead.
    embedding = layers.ReLU()(layers.BatchNormalization(momentum=0.9)(x))
    logits = layers.Dense(classes, kernel_initializer=_start(random, 1))(embedding)
    return keras.Model(features, layers.Concatenate()([embedding, logits]))


def _start(random: np.random.Generator, gain: float) -> Callable[..., np.ndarray]:
    """An initializer: normal, with a variance of `gain` over the inputs of a unit. Keras' own differ by backend."""

    def draw(shape: tuple[int, ...], dtype: str | None = None) -> np.ndarray:
        return np.sqrt(np.float32(gain / np.prod(shape[:-1]))) * random.standard_normal(shape, "float32")

    return draw


def passes(clips: int) -> int:
    """How many clips training looks at, for a data set of so many: twenty rounds at most, six at least."""
    return max(6 * clips, min(20 * clips, 30_000), 3_200)


def train(
    network: keras.Model,
    features: np.ndarray,
    labels: np.ndarray,
    progress: Callable[[int], object],
    attempt: int = 0,
) -> None:
    """Trains `network` to tell the classes apart.

    Args:
        network: what `build` made.
        features: log-mel [n, frames, bins] of the training clips.
        labels: their classes, int [n].
        progress: called with the number of clips it looked at since the last call.
        attempt: how many came to nothing before; it has other random numbers and a lower rate.
    """
    steps, rate = passes(len(features)) // BATCH, LEARNING_RATE / LOWER**attempt
    schedule = keras.optimizers.schedules.CosineDecay(rate / 20, steps, warmup_target=rate, warmup_steps=steps // 10)
    logits = keras.Model(network.input, network.output[:, EMBEDDING:])
    logits.compile(
        keras.optimizers.AdamW(schedule, weight_decay=1e-3), keras.losses.SparseCategoricalCrossentropy(True)
    )
    random = np.random.default_rng(attempt)
    quietest = features.min(axis=(0, 1))
    for _ in range(steps):
        chosen = random.integers(len(features), size=BATCH)
        logits.train_on_batch(augmented(features[chosen], quietest, random), labels[chosen])
        progress(BATCH)


def augmented(features: np.ndarray, quietest: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """`features` [n, frames, bins] shifted in time by up to a tenth, louder or softer, masked, with noise under them.

    `quietest` [bins] is what the masks, a stretch of frames and one of bins, and what a shift leaves behind are filled
    with. The noise is what generated sounds have and the padding of recordings lacks: digital silence must not decide.
    """
    count, frames, bins = features.shape
    largest = int(SHIFT * frames)
    source = np.arange(frames) - random.integers(-largest, largest + 1, size=(count, 1))  # [n, frames]
    shifted = features[np.arange(count)[:, None], source.clip(0, frames - 1)]
    empty = (source < 0) | (source >= frames) | _stretches(count, frames, random)
    masked = empty[:, :, None] | _stretches(count, bins, random)[:, None, :]
    louder = random.uniform(-LOUDER, LOUDER, size=(count, 1, 1)).astype("float32")
    noise = random.uniform(FLOORS[0], FLOORS[1], size=(count, 1, 1)) + 0.5 * random.standard_normal(
        features.shape, "float32"
    )
    return np.logaddexp(np.where(masked, quietest, shifted + louder), noise.astype("float32"))


def _stretches(count: int, size: int, random: np.random.Generator) -> np.ndarray:
    """bool [count, size]: in each row one stretch, of up to an eighth of it, is True."""
    widths = random.integers(0, int(MASK * size) + 1, size=(count, 1))
    firsts = random.integers(0, size, size=(count, 1))
    return (np.arange(size) >= firsts) & (np.arange(size) < firsts + widths)


def fit(spectrograms: np.ndarray, labels: np.ndarray, classes: int, attempt: int = 0) -> dict[str, np.ndarray]:
    """The arrays of a network that was trained to tell the classes apart, with a progress bar.

    Args:
        spectrograms: log-mel [n, frames, bins] of the training clips.
        labels: their classes, int [n].
        classes: how many there are.
        attempt: how many came to nothing before.
    """
    scale = standard(spectrograms)
    network = build(spectrograms.shape[1:], classes, **scale, seed=attempt)
    progress = Progress(passes(len(spectrograms)), "classifier, once for this data set", "clips")
    try:
        train(network, spectrograms, labels, progress.update, attempt)
    finally:
        progress.close()
    weights = {f"weights/{number:03d}": array for number, array in enumerate(network.get_weights())}
    return {**scale, **weights, "accuracy": np.array(np.nan)}


def forward(shape: tuple[int, int], classes: int, arrays: Mapping[str, np.ndarray]) -> Callable[[np.ndarray], object]:
    """The network with these arrays, compiled: log-mel [n, *shape] → [n, 64 + classes], the backend's tensor."""
    network = build(shape, classes, arrays["mean"], arrays["deviation"])
    network.set_weights([array for name, array in sorted(arrays.items()) if name.startswith("weights/")])
    return autodiff.compiled(network)


def standard(values: np.ndarray) -> dict[str, np.ndarray]:
    """Mean and standard deviation of `values` [n, ..., d] over all but the last axis, the latter never near 0.

    Of 4,096 of them at most, evenly spaced: NumPy makes a copy for it.
    """
    axes, some = tuple(range(values.ndim - 1)), values[:: -(-len(values) // MOST_STANDARD)]
    return {"mean": some.mean(axis=axes), "deviation": some.std(axis=axes) + 1e-3}
