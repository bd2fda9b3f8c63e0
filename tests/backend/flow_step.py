"""A flow matching step on given weights, clips and noise, and sounds, as a script: KERAS_BACKEND=… … IN OUT

IN and OUT are NumPy archives. Run by tests, in an environment of the backend's own.
"""

import sys

import numpy as np
from keras import ops

from tests.models.diffusion.conftest import CLIP, SETTINGS, batch_of
from wavegan.models.diffusion.family import DIFFUSION
from wavegan.models.family import Start


def model_of(seed=0):
    """The model of the test; its random numbers are the backend's own."""
    return DIFFUSION.model(DIFFUSION.settled(DIFFUSION.Settings(**SETTINGS), CLIP), CLIP, seed, "float32")


def main(source, target):
    """Reads a state and noise from `source`; writes losses, the new state and sounds to `target`."""
    given, model = dict(np.load(source)), model_of()
    state = {name.removeprefix("state/"): array for name, array in given.items() if name.startswith("state/")}
    seed = {name: array for name, array in model.state().items() if name.startswith("seed/")}
    model.restore({**state, **seed})
    batch = batch_of(0)
    clips = model.spectrogram(batch["audio"][:, 0] / CLIP.rms)
    classes = np.eye(3, dtype="float32")[batch["label"][:, 0]]
    facts = model.update(*map(ops.convert_to_tensor, (clips, given["noise"], given["times"], classes)))
    found = {f"fact/{name}": np.array(value) for name, value in facts.items()}
    found |= {f"state/{name}": array for name, array in model.state().items() if not name.startswith("seed/")}
    sampler = model.sampler()
    found["seen"] = np.array(clips)
    # Phases are found anew for every sound, and rounding leads to other ones: what is told is of the spectrograms.
    for name, audio in {
        "sounds": sampler(given["noise"], classes),
        "varied": sampler.varied(given["noise"], classes, Start(batch["audio"][0, 0], 0.5)),
    }.items():
        found[name] = np.array(model.spectrogram(audio / CLIP.rms))
    found["inverted"] = sampler.inverted(batch["audio"][:, 0], classes)
    assert np.isfinite(model.train_on_batch(batch, return_dict=True)["loss/all"]) and model.step == 2
    np.savez(target, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
