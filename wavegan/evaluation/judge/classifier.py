"""A small convolutional network that tells the classes of a data set apart: its accuracy says how far to trust it."""

from collections.abc import Callable, Mapping

import keras
import numpy as np
from keras import layers

from wavegan.audio.mel import FLOOR
from wavegan.backend import autodiff
from wavegan.base.progress import Progress

CHANNELS = (16, 32, 64, 128)
EMBEDDING = 64  # width of the layer before the classes
MOST_FRAMES = 192  # of a spectrogram; longer ones are averaged over neighbours, or long clips would take too long
BATCH = 32
LEARNING_RATE = 2e-3
LOWER = 3  # the divisor of the rate from one attempt to the next
ROUNDS, MOST_LOOKS, FEWEST_LOOKS = 40, 60_000, 6_400
WARM_UP, FALL = 0.05, 0.5  # the shares of all looks until the rate is full, and until it falls
CHECKS, PATIENCE, BETTER = 15, 3, 0.98  # checks in all looks; checks without a loss that is lower by so much
ENOUGH = 0.03  # a loss that is as good as 0
SHIFT, STRETCH, MASK = 0.1, 0.15, 0.125  # in time: the largest shift, change of speed and mask, as shares
SHIFT_BINS, STRETCH_BINS = 0.02, 0.08  # the same of frequency: other voices, drums of other sizes
LOUDER = np.log(4)  # largest change of the loudness, 12 dB
MOST_STANDARD = 4096  # clips whose mean and standard deviation standardise
NOISE = np.log([1e-4, 0.3])  # laid under a clip, as factors of its own mean magnitude: -80 to some -10 dB
SPREAD = np.float32(0.5)  # of the noise, from bin to bin

Progressed = Callable[[int, int], object]


def build(shape: tuple[int, int], classes: int, mean: np.ndarray, deviation: np.ndarray, seed: int = 0) -> keras.Model:
    """Log-mel [n, frames, bins] → [n, 64 + classes]: the embedding, then the logits.

    `mean` and `deviation` [bins] standardise the bins. Strided 3 × 3 convolutions with batch normalisation, the mean
    and the maximum over time, and a dense layer, which is the embedding. The weights start from `seed`.
    """
    random = np.random.default_rng(seed)
    features = keras.Input(shape)
    x = layers.Reshape((*shape, 1))((features - mean) / deviation)
    if shape[0] > MOST_FRAMES:
        x = layers.AveragePooling2D((-(-shape[0] // MOST_FRAMES), 1), padding="same")(x)
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
    """How many clips training looks at, at most, for a data set of so many."""
    return max(FEWEST_LOOKS, min(ROUNDS * clips, MOST_LOOKS))


def train(
    network: keras.Model,
    features: np.ndarray,
    labels: np.ndarray,
    progress: Progressed,
    attempt: int = 0,
    check: tuple[np.ndarray, np.ndarray] | None = None,
) -> None:
    """Trains `network` to tell the classes apart, by a rate that in the end falls to 0.

    Args:
        network: what `build` made.
        features: log-mel [n, frames, bins] of the training clips.
        labels: their classes, int [n].
        progress: called with the number of clips it looked at since the last call, and with how many it will have
            looked at in all.
        attempt: how many came to nothing before; it has other random numbers and a lower rate.
        check: features and labels of other clips. When the loss of these is no lower any more, the rate falls earlier:
            to learn for longer draws training clips together, and not others.
    """
    logits = keras.Model(network.input, network.output[:, EMBEDDING:])
    logits.compile(
        keras.optimizers.AdamW(LEARNING_RATE, weight_decay=1e-3), keras.losses.SparseCategoricalCrossentropy(True)
    )
    random = np.random.default_rng(attempt)
    quietest = features.min(axis=(0, 1))
    end = passes(len(features)) // BATCH
    warm, fall, every = int(WARM_UP * end), int(FALL * end), max(1, end // CHECKS)
    losses, step = [np.inf], 0
    while step < end:
        logits.optimizer.learning_rate = rate(step, warm, fall, end, attempt)
        chosen = random.integers(len(features), size=BATCH)
        logits.train_on_batch(augmented(features[chosen], quietest, random), labels[chosen])
        step += 1
        if check and step < fall and step % every == 0:
            losses.append(float(logits.test_on_batch(*check)))
            if losses[-1] < ENOUGH or min(losses[-PATIENCE:]) > BETTER * min(losses[:-PATIENCE], default=np.inf):
                fall, end = step, min(end, 2 * step)
        progress(BATCH, BATCH * end)


def rate(step: int, warm: int, fall: int, end: int, attempt: int = 0) -> float:
    """The learning rate of a step: it rises until the step `warm`, and falls from the step `fall` to 0 at `end`."""
    share = min(1, (step + 1) / max(1, warm), (end - step) / (end - fall))
    return LEARNING_RATE / LOWER**attempt * share


def augmented(features: np.ndarray, quietest: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """`features` [n, frames, bins] moved, stretched, masked, louder or softer, with noise under them.

    `quietest` [bins] is what the masks, a stretch of frames and one of bins, and what a shift leaves behind are filled
    with. Frequencies are moved and stretched a little, too: recordings are of few voices. Noise is what generated
    sounds have and recordings often lack: digital silence must not decide, and where a recording is silent between
    its partials, that must not either. So one noise is steady, by the loudness of the clip, or it would cover soft
    ones, and one beside it rises and falls, by that of each frame as it was before the clip was moved.
    """
    count, frames, bins = features.shape
    times = _places(count, frames, SHIFT, STRETCH, random)
    bands = _places(count, bins, SHIFT_BINS, STRETCH_BINS, random).clip(0, bins - 1)
    empty = (times < 0) | (times >= frames) | _stretches(count, frames, random)
    masked = empty[:, :, None] | _stretches(count, bins, random)[:, None, :]
    moved = features[np.arange(count)[:, None, None], times.clip(0, frames - 1)[:, :, None], bands[:, None, :]]
    louder, steady, moving = (
        random.uniform(low, high, size=(count, 1, 1)).astype("float32")
        for low, high in ((-LOUDER, LOUDER), NOISE, NOISE)
    )
    magnitudes = np.exp(features).mean(axis=2, keepdims=True)
    under = magnitudes.mean(axis=1, keepdims=True) * np.exp(steady) + magnitudes * np.exp(moving)
    noise = under * np.exp(SPREAD * random.standard_normal(features.shape, "float32"))
    sound = (np.exp(np.where(masked, quietest, moved)) + noise) * np.exp(louder)
    return np.log(sound + FLOOR, dtype="float32")


def _places(count: int, size: int, shift: float, stretch: float, random: np.random.Generator) -> np.ndarray:
    """int [count, size]: where each place of a row comes from, when all are moved and stretched about the middle."""
    factors = np.exp(random.uniform(-stretch, stretch, size=(count, 1)))
    shifts = size * random.uniform(-shift, shift, size=(count, 1))
    middle = (size - 1) / 2
    return np.rint(middle + (np.arange(size) - middle) * factors + shifts).astype(int)


def _stretches(count: int, size: int, random: np.random.Generator) -> np.ndarray:
    """bool [count, size]: in each row one stretch, of up to an eighth of it, is True."""
    widths = random.integers(0, int(MASK * size) + 1, size=(count, 1))
    firsts = random.integers(0, size, size=(count, 1))
    return (np.arange(size) >= firsts) & (np.arange(size) < firsts + widths)


def fit(
    spectrograms: np.ndarray,
    labels: np.ndarray,
    classes: int,
    attempt: int = 0,
    check: tuple[np.ndarray, np.ndarray] | None = None,
) -> dict[str, np.ndarray]:
    """The arrays of a network that was trained to tell the classes apart, with a progress bar.

    Args:
        spectrograms: log-mel [n, frames, bins] of the training clips.
        labels: their classes, int [n].
        classes: how many there are.
        attempt: how many came to nothing before.
        check: the same of clips by which the training sees that it gains no more.
    """
    scale = standard(spectrograms)
    network = build(spectrograms.shape[1:], classes, **scale, seed=attempt)
    progress = Progress(passes(len(spectrograms)), "classifier, once for this data set", "clips")

    def report(looked: int, in_all: int) -> None:
        progress.expect(in_all)
        progress.update(looked)

    try:
        train(network, spectrograms, labels, report, attempt, check)
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
