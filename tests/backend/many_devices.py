"""Twenty steps of each model on one CPU device of JAX and on several, as a script: … many_devices OUT

The process must have four devices. OUT is a NumPy archive: "gan/2/fact/critic/loss" [steps] and "gan/2/state/…" are of
two devices, "gan/2/held" is the shape of the clips that each of these held, "gan/4/gathered" is how many bytes each of
four devices is brought from the others in a step, sums aside.
"""

import sys

import jax
import keras
import numpy as np
import tensorflow as tf

from wavegan.backend import distribution, processes
from wavegan.backend.exchange import exchanged, program_of_step
from wavegan.models.diffusion.family import DIFFUSION
from wavegan.models.gan.family import GAN
from wavegan.runs.flags import resolve

SMALL = {"model_dim": 2, "kernel_length": 9, "latent_size": 8, "phase_shuffle": 2}
# {name: (family, settings, numbers of devices)}. Clips by class, in groups; the penalty at every 8th step; a spectral
# critic, the gain of a sound, an average and falling rates are of the preset. The paper's has weights between clips.
KINDS = {
    "gan": (GAN, {**SMALL, "preset": "tiny", "batch_size": 16, "spectral_window": 64}, (1, 2, 4)),
    "paper": (GAN, {**SMALL, "preset": "paper", "batch_size": 4, "critic_updates": 2}, (1, 4)),
    "flow": (DIFFUSION, {"width": 4, "blocks": 1, "batch_size": 4, "precision": "float32"}, (1, 2, 4)),
}
LENGTH, STEPS, CLASSES = 256, 20, {"kick": 3, "snare": 5, "tom": 4}


def batches(batch_size, updates):
    """Noise of another loudness for each class, four of a class beside each other: the rows of this process."""
    rng = np.random.default_rng(0)
    labels = np.repeat(rng.integers(len(CLASSES), size=(STEPS, batch_size // 4, updates)), 4, axis=1)
    audio = rng.normal(0, 0.1, (STEPS, batch_size, updates, LENGTH, 1)) * (1 + labels[..., None, None])
    progress = np.tile(np.arange(STEPS)[:, None] / STEPS, (1, batch_size))
    arrays = {"audio": audio.astype("float32"), "label": labels, "progress": progress.astype("float32")}
    mine = slice(*distribution.rows(batch_size))
    return tf.data.Dataset.from_tensor_slices({name: array[:, mine] for name, array in arrays.items()})


class Notes(keras.callbacks.Callback):
    """Keeps what every step returns."""

    def __init__(self):
        super().__init__()
        self.facts = []

    def on_train_batch_end(self, batch, logs=None):
        self.facts.append({name: float(value) for name, value in logs.items()})


def trained(family, given, devices, told=False):
    """{name: array} of a model that `devices` of each process trained.

    What they tell each other in a step is added where that is `told`.
    """
    with distribution.shared(devices):
        assert distribution.count() == devices * processes.size()
        config = resolve(given, family, gpu=False, length=LENGTH, classes=CLASSES, rms=0.25)
        model, notes, held = config.build_model(), Notes(), []
        step = model.train_step

        def observed(state, data):
            note = lambda sharding: held.append(sharding.shard_shape(data["audio"].shape))  # noqa: E731
            jax.debug.inspect_array_sharding(data["audio"], callback=note)
            return step(state, data)

        model.train_step = observed
        data = batches(given["batch_size"], family.updates(config.model))
        model.fit(data, steps_per_epoch=STEPS, shuffle=False, verbose=0, callbacks=[notes])
        facts = {f"fact/{name}": [each[name] for each in notes.facts] for name in notes.facts[0]}
        if told:
            model.train_step = step
            facts["gathered"] = exchanged(program_of_step(model, next(data.as_numpy_iterator()))).get("all-gather", 0)
        return {"held": held[0], **facts, **{f"state/{name}": array for name, array in model.state().items()}}


def main(out):
    assert len(jax.devices()) == 4
    found = {}
    for kind, (family, given, counts) in KINDS.items():
        for devices in counts:
            arrays = trained(family, given, devices, told=devices == counts[-1])
            found |= {f"{kind}/{devices}/{name}": array for name, array in arrays.items()}
    np.savez(out, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
