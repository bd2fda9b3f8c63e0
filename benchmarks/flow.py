"""A step of flow matching: its share of the matrix-product peak; and `generate.py` as a whole process."""

from benchmarks import generate, step


def figures(config, repeats):
    """{name: figure} of the step that `config` describes, and of fifty sounds. Arguments as of `benchmarks.step`."""
    return step.figures(config, repeats) | generate.whole_process(config, repeats)
