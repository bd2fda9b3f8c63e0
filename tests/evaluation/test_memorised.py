"""Copies of training clips are found, recordings that were not trained on are none, and what is said of it."""

import numpy as np
import pytest

from tests.evaluation.support import RATE, ROUNDED, normal, prepared_drums, recordings
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation import memorised
from wavegan.evaluation.memorised import Distances, copy_features, flattened, verdict, very_near
from wavegan.evaluation.protocol import Evaluation


def near(evaluation, audio):
    """What `very_near` says of the clips, and the indices of the training clips they are nearest to."""
    found = evaluation.nearest_copies(evaluation.features(audio))
    return very_near(found.unseen, found.compared), found.indices


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
    found, indices = near(evaluation, change(chosen, noise).astype("float32"))
    assert found.share > 0.5 and verdict(found).endswith("smaller model help.")
    assert np.mean(indices == 2 * np.arange(60)) > 0.9


def test_recordings_that_were_not_trained_on_are_no_copies(kit, evaluation):
    found, _ = near(evaluation, recordings(kit, "test")["audio"])
    assert found.share < 0.1 and verdict(found).startswith("No sign")


def distances(random, n, copies=0.0):
    """Of n clips to the nearest training clip, as those of any clips that were not trained on; a share are copies."""
    found = random.gamma(9, 1 / 9, n)
    found[: round(copies * n)] *= 0.01
    return found


def alarms(m, n, copies=0.0, times=4000):
    """How often n generated clips are called copies beside m unseen recordings of the same distribution."""
    random = np.random.default_rng((m, n))
    sides = ((distances(random, m), distances(random, n, copies)) for _ in range(times))
    return sum(verdict(very_near(*side)).startswith("Perhaps") for side in sides) / times


@pytest.mark.parametrize(("m", "n"), [(10, 100), (55, 50), (203, 256), (203, 2030), (1000, 2000)])
def test_a_generator_that_copies_nothing_is_hardly_ever_said_to_copy(m, n):
    """Once in a thousand times: of 4,000 that is 4, and 12 or more come with a probability of 0.001."""
    assert alarms(m, n) < 12 / 4000


def test_the_rate_of_false_alarms_is_used_up_and_not_less():
    assert 4 <= 20_000 * alarms(203, 2030, times=20_000) <= 40  # 19 are expected


@pytest.mark.parametrize(
    ("m", "n", "copies"), [(55, 100, 0.3), (55, 2000, 0.25), (203, 256, 0.09), (203, 2030, 0.06), (1000, 2000, 0.03)]
)
def test_copies_are_found_as_soon_as_they_are_more_than_chance_can_bring(m, n, copies):
    assert alarms(m, n, copies, times=500) > 0.99


def test_what_is_said_goes_with_the_share_that_is_very_near():
    unseen = np.linspace(0.3, 1.7, 300)
    for copies, words in (
        (20, "No sign of memorising: 1.0% of the clips are very near to a training recording, of held-out recordings"),
        (100, "Perhaps a few: 5.0% of the clips are very near to a training recording, of held-out recordings 1.0%"),
        (240, "Perhaps: 12.0% of the clips are very near to a training recording, of held-out recordings 1.0%"),
    ):
        assert verdict(very_near(unseen, np.repeat([0.2, 1.0], [copies, 2000 - copies]))).startswith(words)
    found = very_near(unseen, np.repeat([0.2, 1.0], [20, 1980]))
    assert verdict(found, held_out=False).endswith("of other recordings 1.0%; a sign would be 4.0% or more.")
    assert verdict(found, trained_on=False).startswith("Unknown: it was trained on other recordings")
    assert verdict(very_near(unseen / 100, unseen)).startswith("Unknown: some held-out recordings are copies")


def test_clips_as_near_as_the_threshold_itself_do_not_count():
    """Where many distances are one number, as those of silence, nothing is nearer than that."""
    found = very_near(np.full(300, 0.5), np.full(2000, 0.5))
    assert found.share == 0 and verdict(found).startswith("No sign")


def test_without_held_out_recordings_generated_clips_meet_the_training_clips_that_unseen_ones_met(tmp_path):
    """Who has more training clips around is nearer to one of them."""
    folder = prepared_drums(tmp_path / "wav", ("snare",), count=80, test=0.0)
    evaluation = Evaluation(folder, DatasetInfo.load(folder), 50)
    assert not evaluation.has_test and len(evaluation.left_out) == len(evaluation.train) // 5
    audio = recordings(folder)["audio"]
    found = evaluation.nearest_copies(evaluation.features(audio))
    np.testing.assert_allclose(found.distances, 0, atol=ROUNDED)
    np.testing.assert_allclose(found.compared[evaluation.left_out], found.unseen, atol=ROUNDED)
    assert np.mean(found.compared < ROUNDED) == pytest.approx(0.8, abs=0.05)


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


def test_copy_features_that_do_not_fit_into_memory_lie_in_a_file_and_give_the_same(monkeypatch):
    """Of a million clips of a second they take 8 GB."""
    blocks = np.split(normal(50, 32).reshape(50, 8, 4), [7, 20, 33])
    queries = copy_features(normal(9, 32, seed=1).reshape(9, 8, 4))
    found = []
    for most in (10**6, 60):
        monkeypatch.setattr(memorised, "IN_MEMORY", most)
        distances = Distances(lambda: iter(blocks), 50, (8, 4))
        found.append([distances.nearest_copy(queries, left_out) for left_out in ((), (0, 21, 49))])
        assert isinstance(distances._copy_features, np.memmap) == (most == 60)
    np.testing.assert_array_equal(*found)


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
