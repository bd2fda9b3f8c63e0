"""Some WaveGAN steps on one or two CPU devices of JAX, as a script: python two_devices.py OUT DEVICES

The process must have two devices. Leaves the state of the model, and how many clips of a batch each device held.
"""

import sys

import jax
import keras
import numpy as np
import tensorflow as tf

from wavegan.models.gan.family import GAN
from wavegan.runs.flags import resolve

GIVEN = {
    "preset": "tiny", "model_dim": 4, "batch_size": 4, "kernel_length": 9, "latent_size": 8, "critic_updates": 3,
}  # fmt: skip
LENGTH, STEPS = 256, 2


def main(out, devices):
    names = keras.distribution.list_devices("cpu")
    assert len(names) == 2
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=names[: int(devices)]))
    model = resolve(GIVEN, GAN, gpu=False, length=LENGTH).build_model()
    shape = (STEPS, GIVEN["batch_size"], GIVEN["critic_updates"], LENGTH, 1)
    audio = np.random.default_rng(0).normal(0, 0.1, shape).astype("float32")
    held = []
    original = type(model).adversarial_step

    def observed(self, data):
        inspect = jax.debug.inspect_array_sharding
        inspect(data["audio"], callback=lambda sharding: held.append(sharding.shard_shape(shape[1:])))
        return original(self, data)

    type(model).adversarial_step = observed
    labels = np.zeros(shape[:3], "int64")
    batches = tf.data.Dataset.from_tensor_slices({"audio": audio, "label": labels})
    model.fit(batches, steps_per_epoch=STEPS, shuffle=False, verbose=0)
    np.savez(out, held=held[0], **model.state())


if __name__ == "__main__":
    main(*sys.argv[1:])
