"""The classifier of a data set: how its training ends, and what it learns from."""

import numpy as np
import pytest

from tests.evaluation.support import normal
from wavegan.evaluation.judge import classifier


def spectrograms(count, shape=(33, 16), seed=0):
    """Log-mel [count, *shape] of noise that sounds louder in half of the bins, and which half it is."""
    labels = np.arange(count) % 2
    low = np.arange(shape[1]) < shape[1] // 2
    features = normal(count, shape[0] * shape[1], seed).reshape(count, *shape)
    return (features + 6 * (low == labels[:, None])[:, None, :] - 6).astype("float32"), labels


def looks(monkeypatch, check, most=16_000):
    """How many clips a training looked at that may look at so many."""
    monkeypatch.setattr(classifier, "passes", lambda _: most)
    features, labels = spectrograms(64)
    network, seen = classifier.build(features.shape[1:], 2, **classifier.standard(features)), []
    classifier.train(network, features, labels, lambda *done: seen.append(done), check=check)
    looked, in_all = (np.array(one) for one in zip(*seen, strict=True))
    assert in_all[0] == most // classifier.BATCH * classifier.BATCH
    assert (np.cumsum(looked)[:-1] < in_all[:-1]).all() and looked.sum() == in_all[-1]  # what the terminal shows
    return looked.sum()


def test_training_ends_when_other_clips_gain_no_more(monkeypatch):
    assert looks(monkeypatch, spectrograms(40, seed=1)) <= 12_800


def test_training_takes_all_its_looks_where_there_are_no_other_clips(monkeypatch):
    assert looks(monkeypatch, None, most=3_200) == 3_200


def test_training_goes_on_while_other_clips_gain(monkeypatch):
    monkeypatch.setattr(classifier, "ENOUGH", 0)
    monkeypatch.setattr(classifier, "BETTER", 1e9)
    assert looks(monkeypatch, spectrograms(40, seed=1), most=3_200) == 3_200


def test_the_rate_rises_stays_and_falls_to_nothing():
    rates = np.array([classifier.rate(step, 50, 500, 1000) for step in range(1000)])
    assert rates[0] < rates[49] / 40 and (rates[49:500] == classifier.LEARNING_RATE).all()
    assert (np.diff(rates[500:]) < 0).all() and rates[-1] < classifier.LEARNING_RATE / 400


def test_the_largest_data_sets_are_not_looked_at_for_longer():
    assert classifier.passes(20) == 6_400 and classifier.passes(300) == 12_000
    assert classifier.passes(5000) == classifier.passes(500_000) == 60_000


@pytest.mark.parametrize("level", [0.0, -4.0])
def test_the_noise_under_a_clip_follows_its_own_loudness(level):
    """Noise of one loudness for all would cover soft speech."""
    features = np.full((200, 33, 16), -12.0, "float32")
    features[:, :16] = level
    made = classifier.augmented(features, features.min(axis=(0, 1)), np.random.default_rng(0))
    quiet = np.median(made[:, -3:], axis=(1, 2)) - np.quantile(made, 0.9, axis=(1, 2))
    assert -1 > np.quantile(quiet, 0.9) > -4 and np.quantile(quiet, 0.1) < -6


def test_the_noise_under_a_clip_also_rises_and_falls_with_it():
    """Generators make such noise, and where a recording is silent beside its tones, steady noise alone teaches none."""
    features = np.full((400, 33, 16), -12.0, "float32")
    features[:, 10:22, 3] = 0.0  # one tone, in the middle third
    made = classifier.augmented(features, features.min(axis=(0, 1)), np.random.default_rng(0))
    beside, after = np.median(made[:, 14:18, 8:], axis=(1, 2)), np.median(made[:, -3:, 8:], axis=(1, 2))
    assert np.quantile(beside - after, 0.9) > 2 and np.quantile(beside - after, 0.1) < 1.2


def test_augmented_clips_are_finite_and_as_many_even_of_silence():
    silence = np.full((5, 33, 16), np.log(1e-6), "float32")
    made = classifier.augmented(silence, silence.min(axis=(0, 1)), np.random.default_rng(0))
    assert made.shape == silence.shape and made.dtype == np.float32 and np.isfinite(made).all()


def test_places_are_moved_and_stretched_about_the_middle():
    still = classifier._places(3, 11, 0, 0, np.random.default_rng(0))
    np.testing.assert_array_equal(still, np.tile(np.arange(11), (3, 1)))
    stretched = classifier._places(500, 101, 0, 0.2, np.random.default_rng(0))
    assert (stretched[:, 50] == 50).all()
    spans = (stretched[:, -1] - stretched[:, 0]) / 100
    assert 0.8 < spans.min() < 0.85 and 1.18 < spans.max() < 1.24
    moved = classifier._places(500, 101, 0.1, 0, np.random.default_rng(0)) - np.arange(101)
    assert (moved == moved[:, :1]).all() and -10 <= moved.min() < -8 and 8 < moved.max() <= 10


def test_long_clips_are_averaged_so_that_they_cost_no_more():
    networks = [classifier.build((frames, 16), 2, np.zeros(16), np.ones(16)) for frames in (192, 1000)]
    shapes = [[layer.output.shape for layer in network.layers if "conv" in layer.name][0] for network in networks]
    assert shapes[0][1] == 96 and 80 <= shapes[1][1] <= 96
