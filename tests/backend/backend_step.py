"""One step on given weights, batch and noise, as a script: KERAS_BACKEND=… python backend_step.py IN OUT

One of the paper's WaveGAN, and one of the modern form. IN and OUT are NumPy archives. Run by tests, in an environment
of the backend's own.
"""

import sys

import keras
import numpy as np

from wavegan.models.gan.family import GAN
from wavegan.runs.flags import resolve

SMALL = {"model_dim": 4, "batch_size": 4, "kernel_length": 9, "latent_size": 8, "phase_shuffle": 2, "ema": 0.9}
CONFIGS = {
    "paper": SMALL
    | {"preset": "paper", "critic_updates": 2, "critic_learning_rate": 1e-3, "generator_learning_rate": 1e-3},
    "modern": SMALL | {"preset": "tiny", "spectral_window": 64},
}
LENGTH = 1024
CLASSES = {"kick": 3, "snare": 5}


def gan_of(name, state=None):
    """The model of a test, with the weights and optimizers of `state`; seeds stay the backend's own."""
    gan = resolve(CONFIGS[name], GAN, gpu=False, length=LENGTH, classes=CLASSES, rms=0.25).build_model()
    if state is not None:
        own = gan.state()
        gan.restore({name: own[name] if "seed" in name.split("/")[-1] else array for name, array in state.items()})
    return gan


def given_noise(noise):
    """Makes `keras.random` give the rows of `noise`, {kind: array in [0, 1)}, one after the other."""
    taken = {"uniform": 0, "randint": 0}

    def draw(kind, shape):
        count = int(np.prod(shape, dtype=int))
        start = taken[kind]
        taken[kind] += count
        return noise[kind][start : start + count].reshape(shape)

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        return keras.ops.convert_to_tensor(minval + (maxval - minval) * draw("uniform", shape), "float32")

    def randint(shape, minval, maxval, dtype="int32", seed=None):
        return keras.ops.convert_to_tensor(np.floor(minval + (maxval - minval) * draw("randint", shape)), dtype)

    keras.random.uniform, keras.random.randint = uniform, randint


def main(source, target):
    """Reads states and batches from `source`; writes losses and the new states to `target`."""
    given, found = dict(np.load(source)), {}
    for name in CONFIGS:
        prefix = f"{name}/state/"
        gan = gan_of(name, {key.removeprefix(prefix): given[key] for key in given if key.startswith(prefix)})
        given_noise({kind: given[kind] for kind in ("uniform", "randint")})
        batch = {key: given[f"{name}/{key}"] for key in ("audio", "label", "progress")}
        facts = gan.train_on_batch(batch, return_dict=True)
        assert gan.step == 1
        found |= {f"{name}/fact/{key}": value for key, value in facts.items()}
        found |= {f"{name}/{key}": array for key, array in gan.state().items()}
        sampler = gan.sampler()
        latents = batch["audio"][:, 0, :: LENGTH // SMALL["latent_size"], 0][:, : SMALL["latent_size"]]
        weights = np.full((len(latents), sampler.classes), 0.5, "float32") if sampler.classes else None
        slopes = sampler.slopes(lambda audio: keras.ops.mean(keras.ops.square(audio), axis=(1, 2)))(latents, weights)
        found |= {f"{name}/slopes/{place}": array for place, array in enumerate(slopes) if array is not None}
    np.savez(target, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
