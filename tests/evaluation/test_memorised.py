"""Copies of training clips are found, recordings that were not trained on are none, and what is said of it."""

import numpy as np
import pytest

from tests.evaluation.support import RATE, ROUNDED, normal, recordings
from wavegan.evaluation.memorised import Distances, copy_features, flattened, near_share, verdict


def near(evaluation, audio):
    """The share of clips that are as near to a training clip as hardly any other recording."""
    found = evaluation.nearest_copies(evaluation.features(audio))
    return near_share(found.unseen, found.distances)[1], found.indices


def words(evaluation, threshold, share, trained_on=True):
    unseen = len(evaluation.unseen_distances)
    return verdict(threshold, share, evaluation.n, unseen, evaluation.has_test, trained_on)


def later(audio, samples):
    return np.pad(audio, ((0, 0), (samples, 0), (0, 0)))[:, : audio.shape[1]]


@pytest.mark.parametrize(
    "change",
    [
        lambda audio, noise: audio,
        lambda audio, noise: audio + 1e-3 * noise,
        lambda audio, noise: audio / 2,
        lambda audio, noise: later(audio, RATE // 500),
        lambda audio, noise: np.round(audio * 128) / 128,
    ],
    ids=["the same", "noise at -60 dBFS", "half as loud", "2 ms later", "8 bits"],
)
def test_copies_of_training_clips_are_found_whatever_a_generator_does_to_them(kit, evaluation, change):
    chosen = recordings(kit)["audio"][::2][:60]
    noise = np.random.default_rng(0).standard_normal(chosen.shape, "float32")
    share, indices = near(evaluation, change(chosen, noise).astype("float32"))
    assert share > 0.5 and words(evaluation, 0.3, share).endswith("smaller model help.")
    assert np.mean(indices == 2 * np.arange(60)) > 0.9


def test_recordings_that_were_not_trained_on_are_no_copies(kit, evaluation):
    share, _ = near(evaluation, recordings(kit, "test")["audio"])
    assert share < 0.1 and words(evaluation, 0.3, share).startswith("No sign")
    assert "Unknown: " in words(evaluation, 0.0, 1.0)


def test_a_few_copies_among_many_clips_are_reported():
    assert verdict(0.3, 0.011, clips=2000, unseen=300).startswith(
        "No sign of memorising: 1.1% of the clips are very near to a"
    )
    assert verdict(0.3, 0.03, clips=2000, unseen=300).startswith(
        "Perhaps a few: 3.0% of the clips are very near to a training"
    )
    assert verdict(0.3, 0.12, clips=2000, unseen=300).startswith("Perhaps: 12.0% of the clips are very near")


def test_a_training_set_that_is_not_held_in_memory_gives_the_same(kit, evaluation):
    queries = evaluation.features(recordings(kit, "test")["audio"]).log_mel
    kept = Distances(evaluation._spectrograms, len(evaluation.train), evaluation.embedding.front.shape)
    streamed = Distances(evaluation._spectrograms, 10**9, evaluation.embedding.front.shape)
    assert kept.fits and not streamed.fits
    for left_out in ((), (0, 5, len(evaluation.train) - 1)):
        np.testing.assert_array_equal(kept.nearest(queries, left_out), streamed.nearest(queries, left_out))


def test_clips_that_are_left_out_are_nobodys_neighbours(kit, evaluation):
    sounds = evaluation.features(recordings(kit)["audio"][3:6])
    assert evaluation.distances.nearest(sounds.log_mel).max() < ROUNDED
    assert evaluation.distances.nearest(sounds.log_mel, (3, 4, 5)).min() > 1
    distances, indices = evaluation.distances.nearest_copy(sounds.copy_features, (3, 4, 5))
    assert distances.min() > 1 and not set(indices) & {3, 4, 5}


def test_copy_features_are_the_mean_of_4_frames_and_2_bins_above_50_db_below_the_loudest_spot():
    spectrograms = np.random.default_rng(0).uniform(-9, 0, (2, 6, 3))
    shown = [np.maximum(one - one.max() + 2.5 * np.log(10), 0) for one in spectrograms]
    expected = [
        [one[frames, bins].mean() for frames in (slice(4), slice(4, 6)) for bins in (slice(2), slice(2, 3))]
        for one in shown
    ]
    np.testing.assert_allclose(copy_features(spectrograms), expected, rtol=1e-6)


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_clip_that_is_left_out_is_the_right_one_in_every_block(in_memory):
    blocks, times = np.split(normal(12, 32).reshape(12, 8, 4), [5, 9]), []
    found = Distances(lambda: times.append(0) or iter(blocks), 12 if in_memory else 10**9, (8, 4))
    everything = flattened(np.concatenate(blocks))
    for left_out in range(12):
        distances = found.nearest(everything, (left_out,))
        np.testing.assert_array_equal(np.flatnonzero(distances), [left_out])
    assert len(times) == (1 if in_memory else 12)  # what fits in memory is read once
    for left_out in range(12):
        distances, indices = found.nearest_copy(copy_features(np.concatenate(blocks)), (left_out,))
        np.testing.assert_array_equal(np.flatnonzero(distances), [left_out])
        np.testing.assert_array_equal(np.flatnonzero(indices != np.arange(12)), [left_out])
