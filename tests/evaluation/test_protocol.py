"""What is scored against what: which clips, in which units, how many at once."""

from types import SimpleNamespace

import numpy as np
import pytest

from tests.evaluation.support import LENGTH, ROUNDED, mean, prepared_drums, recordings
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation import protocol, scores
from wavegan.evaluation.features import Features
from wavegan.evaluation.protocol import NOISE, TEST, TRAIN, Evaluation
from wavegan.models.latents import Uniform


def drawn(evaluation):
    """Latents for all clips of an evaluation."""
    return Uniform().draw(evaluation.n, (5,), evaluation.seed)


def noisy(latents):
    """What stands for a generator: noise that its latent seeds."""
    return np.stack([np.random.default_rng(z.view("uint32")).uniform(-1, 1, (LENGTH, 1)) for z in latents]) / 2


def test_half_of_the_training_clips_stay_to_compare_the_others_with(of_snares):
    assert (of_snares.at_once, of_snares.n, len(of_snares.train)) == (55, 990, 228)
    scored, reference = of_snares.sets[TRAIN].embeddings, of_snares.yardstick
    assert len(scored) == 2 * 55 and of_snares.references[TRAIN]["recall"]["spread"] is not None
    assert len(reference.embeddings) == 228 - 110
    assert scores.nearest(reference.standard(scored), reference.embeddings)[0].min() > 1e-6


def test_without_held_out_recordings_half_of_the_training_clips_are_scored(tmp_path):
    data = prepared_drums(tmp_path / "wav", ("tom",), count=70)
    found = Evaluation(data, DatasetInfo.load(data), 1000)
    assert found.at_once == len(found.train) // 2 == len(found.yardstick.embeddings)
    # Some of them stand for unseen ones: else their distance, the unit, would be that of copies.
    assert found.unit > 1 and mean(found.references[NOISE], "d_train") < 100


def test_distances_are_of_as_many_clips_as_are_scored_at_once(of_snares):
    sounds = of_snares.generated(noisy, drawn(of_snares))
    first = Features(sounds.log_mel[:55], sounds.copy_features[:55], sounds.embeddings[:55], None)
    for key in ("d_self", "d_train"):
        assert of_snares.measure(sounds)[key] == of_snares.measure(first)[key]
    own = scores.nearest(sounds.log_mel[:55], sounds.log_mel[:55], skip_self=True)[0].mean()
    held = of_snares.sets[TEST].log_mel
    unit = scores.nearest(held[:55], held[:55], skip_self=True)[0].mean()
    assert mean(of_snares.measure(sounds), "d_self") == pytest.approx(own / unit)


def test_a_seed_is_that_of_the_clips_the_noise_and_the_latents_and_part_of_the_method(snares, of_snares):
    info = DatasetInfo.load(snares)
    one, same, other = (Evaluation(snares, info, 55, seed, distances=False) for seed in (1, 1, 2))
    assert one.references == same.references and one.method == same.method
    for name in (TRAIN, NOISE):
        assert one.sets[name].embeddings.shape == other.sets[name].embeddings.shape
        assert not np.isin(one.sets[name].embeddings, other.sets[name].embeddings).all(), name
    assert len({one.method, other.method, Evaluation(snares, info, 110, 1, distances=False).method}) == 3
    taken = []
    one.generated(lambda latents: taken.append(latents) or noisy(latents), drawn(one))
    np.testing.assert_array_equal(np.concatenate(taken), drawn(one))


def test_white_noise_is_as_loud_as_the_recordings(of_snares):
    loudness = of_snares.info.loudness["rms_mean"]["linear"]
    audio = np.clip(loudness * np.random.default_rng(9).standard_normal((110, LENGTH, 1)), -1, 1)
    expected = of_snares.embedding.front(audio).mean()
    assert of_snares.sets[NOISE].log_mel.mean() == pytest.approx(expected, abs=0.02)


def test_clips_are_made_a_few_at_a_time_and_counted_by_the_progress(of_snares, monkeypatch):
    whole, made, counted = of_snares.generated(noisy, drawn(of_snares)), [], []
    monkeypatch.setattr(protocol, "AT_ONCE", 300 * LENGTH)
    sounds = of_snares.generated(
        lambda latents: made.append(len(latents)) or noisy(latents),
        drawn(of_snares),
        SimpleNamespace(update=counted.append),
    )
    assert made == counted == [300, 300, 300, 90]
    np.testing.assert_allclose(sounds.embeddings, whole.embeddings, atol=ROUNDED)


@pytest.mark.parametrize("name", [TEST, TRAIN])
def test_what_is_known_of_recordings_belongs_to_the_clips_that_are_scored(evaluation, name):
    sounds = evaluation.sets[name]
    made = evaluation.embedding(sounds.log_mel.reshape(-1, *evaluation.embedding.front.shape))
    for found, expected in zip((sounds.embeddings, sounds.probabilities), made, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_held_out_recordings_score_far_better_than_noise(evaluation):
    for key, higher in {"inception_score": True, "am_score": False, "frechet_distance": False, "ndb": False,
                        "kernel_distance": False, "coverage": True, "recall": True}.items():  # fmt: skip
        held_out, noise = (mean(evaluation.references[name], key) for name in (TEST, NOISE))
        assert (held_out > noise) is higher, key
    for name, key in ((TEST, "d_self"), (TEST, "d_train")):
        assert mean(evaluation.references[name], key) == pytest.approx(1)
    assert mean(evaluation.references[TRAIN], "d_train") < ROUNDED
    assert mean(evaluation.references[NOISE], "d_train") > 2


def test_every_set_has_the_same_number_of_clips(kit, evaluation):
    assert evaluation.at_once == evaluation.n == DatasetInfo.load(kit).splits["test"]["clips"] < 100
    assert evaluation.references[TEST]["frechet_distance"]["spread"] is None  # there is one such part
    more = Evaluation(kit, evaluation.info, 3 * evaluation.at_once)
    assert more.at_once == evaluation.at_once
    assert more.references[NOISE]["frechet_distance"]["spread"] > 0


def test_a_missing_kind_of_sound_shows(kit, evaluation):
    found = recordings(kit)
    there = evaluation.measure(evaluation.features(found["audio"][found["label"] > 0][:100]))
    held_out = evaluation.references[TEST]
    assert mean(there, "recall") < 0.8 * mean(held_out, "recall")
    assert mean(there, "inception_score") < 0.8 * mean(held_out, "inception_score")
    assert mean(there, "jsd") > mean(held_out, "jsd") and mean(there, "precision") > 0.9


def test_equal_clips_show_in_the_distance_to_each_other(kit, evaluation):
    alike = evaluation.measure(evaluation.features(np.repeat(recordings(kit, "test")["audio"][:1], 100, axis=0)))
    assert mean(alike, "d_self") < ROUNDED and mean(alike, "recall") < 0.2


def test_without_enough_held_out_clips_there_is_no_test_data(tmp_path):
    data = prepared_drums(tmp_path / "wav", ("tom",), count=70)
    found = Evaluation(data, DatasetInfo.load(data), 50)
    assert TEST not in found.references and mean(found.references[TRAIN], "d_self") == pytest.approx(1)
    assert found.unseen_distances.min() > ROUNDED  # some training clips stand for unseen ones
