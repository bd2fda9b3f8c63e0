"""A step of flow matching: its share of the matrix-product peak; and `generate.py` as a whole process."""

from importlib.util import find_spec

from benchmarks import generate, step
from wavegan.backend import devices


def figures(config, repeats):
    """{name: figure} of the step that `config` describes, and of fifty sounds. Arguments as of `benchmarks.step`."""
    found = step.figures(config, repeats)
    # Without TensorFlow there is nothing to compare with, and two processes do not share the memory of a GPU.
    if find_spec("tensorflow") and not devices.accelerators():
        found |= generate.whole_process(config, repeats)
    return found
