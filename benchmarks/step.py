"""One training step: seconds, its share of the matrix-product peak, and a WaveGAN's ratio to a plain Keras WaveGAN."""

import statistics

from keras import ops, random

from benchmarks.arithmetic import step_flop
from benchmarks.measure import in_turns, matrix_products, median_ratio, peak_memory
from benchmarks.plain import plain_gan_from
from wavegan.backend import devices
from wavegan.base.machine import keep_freed
from wavegan.models.family import family_named
from wavegan.models.gan.family import GAN

SHORT_STEPS = 8  # of a family whose steps are short, for the first one after something else is slower


def figures(config, repeats, against_others=True):
    """{name: figure} of the step that `config` describes.

    Rounds of `steps_in_round` steps are timed, so that a rare penalty counts as often as `step_flop` counts it.

    Args:
        config: a `wavegan.runs.config.Config`.
        repeats: rounds of timing.
        against_others: also time the matrix products, the plain WaveGAN, and float32 where the precision is another.
    """
    keep_freed()  # both as a training does
    devices.one_core_an_operation()
    timed = {"step": round_of_steps(config.build_model(), config)}
    timed["step"]()
    memory = peak_memory() / 2**30  # of this step alone
    if against_others:
        products, products_flop = matrix_products(config.training.precision)
        timed["products"] = products
        if _has_plain(config):
            timed["plain"] = round_of_steps(plain_gan_from(config), config)
        if config.training.precision != "float32":
            exact = config.changed({"precision": "float32"})
            timed["float32"] = round_of_steps(exact.build_model(), exact)
    times = in_turns(timed, repeats)

    steps = steps_in_round(config)
    seconds = statistics.median(times["step"]) / steps
    flop = step_flop(config)
    clip_seconds = config.data.length / config.data.sample_rate
    found = {
        "seconds_per_step": seconds,
        "steps_per_second": 1 / seconds,
        "audio_seconds_per_second": _updates(config) * config.training.batch_size * clip_seconds / seconds,
        "gflop_per_second": flop / seconds / 1e9,
        "peak_memory_gib": memory,
    }
    if against_others:
        found["peak_gflop_per_second"] = products_flop / statistics.median(times["products"]) / 1e9
        found["share_of_peak"] = steps * flop / products_flop * median_ratio(times["products"], times["step"])
        if "plain" in times:
            found["baseline_ratio"] = median_ratio(times["plain"], times["step"])
    if "float32" in times:
        found["float32_ratio"] = median_ratio(times["float32"], times["step"])
    return found


def _has_plain(config):
    if config.family != GAN.name or config.classes:
        return False
    return config.model.loss == "wgan-gp" and config.model.networks == "paper" and config.model.penalty_every == 1


def _updates(config):
    return family_named(config.family).updates(config.model)


def steps_in_round(config):
    """Steps from one with the gradient penalty to the next; `SHORT_STEPS` for a model without one."""
    return getattr(config.model, "penalty_every", SHORT_STEPS)


def round_of_steps(model, config):
    """A callable that makes `steps_in_round` steps of `model`, on noise of any class that is on the device already."""
    batch_size, updates = config.training.batch_size, _updates(config)
    audio = random.uniform((batch_size, updates, config.data.length, config.data.channels), -1, 1, seed=0)
    batch = {"audio": ops.convert_to_tensor(audio)}
    if config.classes:
        batch["label"] = random.randint((batch_size, updates), 0, len(config.classes), seed=0)

    def steps():
        for _ in range(steps_in_round(config)):
            model.train_on_batch(batch, return_dict=True)

    return steps
