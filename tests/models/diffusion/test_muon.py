"""Muon against its formulas, in numpy's float64."""

import keras
import numpy as np
import pytest

from wavegan.models.diffusion.muon import LENGTH, Muon, orthogonal

SHAPES = {"hidden/kernel": (3, 8, 6), "dense/kernel": (5, 9), "hidden/bias": (6,), "last/kernel": (6, 4)}


@pytest.mark.parametrize("shape", [(40, 40), (24, 90), (90, 24), (1, 7)])
def test_a_matrix_keeps_its_singular_vectors_and_all_its_values_come_near_to_one(shape):
    matrix = np.random.default_rng(0).normal(size=shape).astype("float32")
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    found = left.T @ np.asarray(orthogonal(keras.ops.convert_to_tensor(matrix))) @ right.T
    assert len(values) < 2 or values[0] > 2 * values[-1]
    between = values / np.linalg.norm(values) > 0.01  # what is less takes longer
    assert (np.abs(np.diag(found)[between] - 0.95) < 0.3).all()
    np.testing.assert_allclose(found - np.diag(np.diag(found)), 0, atol=1e-3)


def test_a_matrix_is_as_long_as_it_is_asked_to_be():
    matrix = keras.ops.convert_to_tensor(np.random.default_rng(0).normal(size=(9, 4)).astype("float32"))
    np.testing.assert_allclose(orthogonal(matrix, 3.0), 3.0 * np.asarray(orthogonal(matrix)), rtol=1e-5)
    assert not np.any(orthogonal(keras.ops.zeros((9, 4)), 3.0))  # nothing, where there is no slope


def variables(rng):
    """Of layers whose names stand in their paths."""
    made = {}
    for path, shape in SHAPES.items():
        layer, name = path.split("/")
        with keras.name_scope(layer):
            made[path] = keras.Variable(rng.normal(size=shape), name=name)
    return made


def steps(optimizer, seed=1):
    made, rng = variables(np.random.default_rng(0)), np.random.default_rng(seed)
    slopes = [[rng.normal(size=shape).astype("float32") for shape in SHAPES.values()] for _ in range(4)]
    optimizer.build(list(made.values()))
    for each in slopes:
        optimizer.apply([keras.ops.convert_to_tensor(slope) for slope in each], list(made.values()))
    return {path: np.asarray(variable) for path, variable in made.items()}, slopes


def test_hidden_kernels_take_steps_of_one_length_in_all_directions():
    found, slopes = steps(Muon(0.01, momentum=0.8, adam_for=["last"]))
    begun = variables(np.random.default_rng(0))
    for place, path in enumerate(list(SHAPES)[:2]):
        shape, mean = SHAPES[path], 0.0
        expected = np.asarray(begun[path]).reshape(-1, shape[-1]).astype("float64")
        for each in slopes:
            slope = each[place].reshape(expected.shape)
            mean = 0.8 * mean + slope
            ahead = (slope + 0.8 * mean).astype("float32")
            straight = np.asarray(orthogonal(keras.ops.convert_to_tensor(ahead)))
            expected = expected - 0.01 * LENGTH * np.sqrt(max(expected.shape)) * straight
        np.testing.assert_allclose(found[path].reshape(expected.shape), expected, rtol=1e-5, atol=1e-6)


def test_all_else_takes_adams():
    found, _ = steps(Muon(0.01, (0.7, 0.95), adam_for=["last"]))
    adam, _ = steps(keras.optimizers.Adam(0.01, 0.7, 0.95))
    for path in ("hidden/bias", "last/kernel"):
        np.testing.assert_allclose(found[path], adam[path], rtol=1e-5, atol=1e-6)
    assert np.abs(found["dense/kernel"] - adam["dense/kernel"]).max() > 1e-3
    every, _ = steps(Muon(0.01, (0.7, 0.95)))
    assert np.abs(every["last/kernel"] - adam["last/kernel"]).max() > 1e-3


def test_a_step_is_about_as_long_as_adams():
    (muons, _), (adams, _) = steps(Muon(0.01)), steps(keras.optimizers.Adam(0.01, 0.9, 0.99))
    begun = variables(np.random.default_rng(0))
    for path in ("hidden/kernel", "dense/kernel"):
        lengths = [np.sqrt(np.mean((found[path] - np.asarray(begun[path])) ** 2)) for found in (muons, adams)]
        assert 0.2 < lengths[0] / lengths[1] < 2
