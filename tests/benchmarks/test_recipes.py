"""Recipes of training: what their names mean, which clips stand beside each other, and the losses."""

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.recipes.__main__ import batch_of
from benchmarks.recipes.networks import augmented
from benchmarks.recipes.recipe import RECIPES, Recipe, recipe_of
from benchmarks.recipes.trainer import LOSS
from wavegan.models.gan.layers import GroupSpread
from wavegan.models.gan.losses import LOSSES
from wavegan.models.gan.spectrogram import log_magnitudes


def test_a_recipe_is_a_name_and_what_differs():
    assert recipe_of("ns") == Recipe()
    assert recipe_of("stages,gamma=10,conditional=0,projection=flat") == Recipe(
        group=4, group_spread=True, stages=True, gamma=10.0, conditional=False, projection="flat"
    )
    for name in RECIPES:
        assert recipe_of(name).batch % recipe_of(name).group == 0
    with pytest.raises(KeyError):
        recipe_of("ns,colour=3")


def test_clips_of_a_group_are_of_one_class_which_the_networks_are_given_or_any():
    labels = np.repeat(np.arange(3), [5, 50, 45])
    recipe, random = recipe_of("stages"), np.random.default_rng(0)
    batches = [batch_of(labels, recipe, random) for _ in range(300)]
    chosen, given = (np.concatenate(each, axis=1).reshape(-1, recipe.group) for each in zip(*batches, strict=True))
    assert (given == given[:, :1]).all()
    of_class = given[:, 0] < 3
    assert (labels[chosen[of_class]] == given[of_class]).all()
    assert np.mean(~of_class) == pytest.approx(recipe.any_share, abs=0.02)
    shares = np.bincount(given[of_class][:, 0]) / of_class.sum()
    assert shares == pytest.approx([0.05, 0.5, 0.45], abs=0.05)  # as often as in the recordings


def test_the_losses_have_their_closed_forms():
    real, fake = np.float64([[0.5], [-1.0]]), np.float64([[0.25], [2.0]])
    softplus = np.logaddexp
    assert float(LOSSES[LOSS["ns"]].critic(real, fake)) == pytest.approx(
        softplus(0, -real).mean() + softplus(0, fake).mean()
    )
    assert float(LOSSES[LOSS["pairs"]].critic(real, fake)) == pytest.approx(softplus(0, fake - real).mean())
    assert float(LOSSES[LOSS["wgan-gp"]].critic(real, fake)) == pytest.approx(fake.mean() - real.mean())
    assert float(LOSSES[LOSS["ns"]].generator(None, fake)) == pytest.approx(softplus(0, -fake).mean())
    assert float(LOSSES[LOSS["pairs"]].generator(real, fake)) == pytest.approx(softplus(0, real - fake).mean())
    assert float(LOSSES[LOSS["wgan-gp"]].generator(None, fake)) == pytest.approx(-fake.mean())


def test_the_spread_of_a_group_is_0_where_its_clips_are_one():
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    alike = GroupSpread(4)(np.repeat(x, 4, axis=0)).numpy()
    assert alike.shape == (8, 5, 4) and np.abs(alike[..., 3]).max() < 1e-3
    differing = np.random.default_rng(1).normal(size=(8, 5, 3)).astype("float32")
    expected = differing.reshape(2, 4, 5, 3).std(axis=1).mean(axis=-1)
    np.testing.assert_allclose(GroupSpread(4)(differing).numpy()[..., 3], np.repeat(expected, 4, axis=0), atol=1e-4)


def test_the_spectral_input_of_silence_has_finite_slopes_of_second_order():
    audio = tf.zeros((1, 1024, 1))
    with tf.GradientTape() as outer:
        outer.watch(audio)
        with tf.GradientTape() as inner:
            inner.watch(audio)
            total = tf.reduce_sum(log_magnitudes(audio, 256))
        slope = tf.reduce_sum(inner.gradient(total, audio) ** 2)
    assert np.isfinite(outer.gradient(slope, audio)).all()


def test_augmentation_keeps_what_it_does_not_name():
    audio = np.random.default_rng(0).normal(size=(6, 64, 1)).astype("float32")
    np.testing.assert_array_equal(augmented(tf.constant(audio), ""), audio)
    np.testing.assert_array_equal(np.abs(augmented(tf.constant(audio), "polarity")), np.abs(audio))
