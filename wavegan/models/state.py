"""What a checkpoint holds of a model: names of its variables that stay the same, and the way back from arrays."""

from collections.abc import Mapping, Sequence

import numpy as np

from wavegan.backend.start import keras


def named(parts: Mapping[str, Sequence[keras.Variable]]) -> dict[str, keras.Variable]:
    """{name: variable} of {part: variables}, each name with its part and number."""
    # Numbered, because Keras counts seed generators over the whole process and so their paths are not stable.
    return {
        f"{part}/{number:03d}/{variable.name}": variable
        for part, variables in parts.items()
        for number, variable in enumerate(variables)
    }


def restore(variables: Mapping[str, keras.Variable], arrays: Mapping[str, np.ndarray]) -> None:
    """Assign `arrays` to the `variables` of the same names. Raises ValueError where names or shapes are others."""
    mine = {name: tuple(variable.shape) for name, variable in variables.items()}
    theirs = {name: array.shape for name, array in arrays.items()}
    if mine != theirs:
        first = sorted(set(mine.items()) ^ set(theirs.items()))[0][0]
        raise ValueError(f"{first}: expected shape {mine.get(first)}. Received: {theirs.get(first)}.")
    for name, variable in variables.items():
        variable.assign(arrays[name])


def set_weights(weights: Sequence[keras.Variable], arrays: Mapping[str, np.ndarray]) -> None:
    """Assign `arrays` to `weights` in their order. Raises ValueError where the shapes are others."""
    mine = [tuple(weight.shape) for weight in weights]
    theirs = [array.shape for array in arrays.values()]
    if mine != theirs:
        raise ValueError(f"expected weights of the shapes {mine}. Received: {theirs}.")
    for weight, array in zip(weights, arrays.values(), strict=True):
        weight.assign(array)
