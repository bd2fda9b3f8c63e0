"""One WaveGAN step on given weights, batch and noise, as a script: KERAS_BACKEND=… python backend_step.py IN OUT

IN and OUT are NumPy archives. Run by tests, in an environment of the backend's own.
"""

import sys

import keras
import numpy as np

from wavegan.models.gan.family import GAN
from wavegan.runs.flags import resolve

CONFIG = {
    "preset": "tiny", "model_dim": 4, "batch_size": 4, "kernel_length": 9, "latent_size": 8, "critic_updates": 2,
    "phase_shuffle": 2, "ema": 0.9,
}  # fmt: skip
LENGTH = 1024


def gan_of(state=None):
    """The model of the test, with the weights and optimizers of `state`; seeds stay the backend's own."""
    gan = resolve(CONFIG, GAN, gpu=False, length=LENGTH).build_model()
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
    """Reads state and batch from `source`; writes losses and the new state to `target`."""
    given = dict(np.load(source))
    gan = gan_of({name[6:]: array for name, array in given.items() if name.startswith("state/")})
    given_noise({kind: given[kind] for kind in ("uniform", "randint")})
    facts = gan.train_on_batch({"audio": given["audio"]}, return_dict=True)
    assert gan.step == 1
    np.savez(target, **{f"fact/{name}": value for name, value in facts.items()}, **gan.state())


if __name__ == "__main__":
    main(*sys.argv[1:])
