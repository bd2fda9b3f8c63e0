"""What sounds are compared by: the classifier of a data set, the projection in its place, and where they are kept."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest
from scipy import signal

from preprocess import drumkit
from preprocess.convert import prepare
from preprocess.options import Options
from tests.evaluation.support import KINDS, LENGTH, RATE, mean, normal, prepared_drums, recordings
from wavegan.audio.wav import write_wav
from wavegan.base import files
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.judge import cache, classifier, embedding, projection
from wavegan.evaluation.protocol import NOISE, TEST, Evaluation


def test_the_classifier_tells_drums_apart_and_says_how_well(evaluation):
    judge = evaluation.embedding
    assert judge.name == "own classifier" and judge.classes == KINDS
    assert judge.test_accuracy >= 0.95
    assert judge.real["test"].embeddings.shape[1] == classifier.EMBEDDING
    np.testing.assert_allclose(judge.real["test"].probabilities.sum(axis=1), 1)


@pytest.mark.parametrize("decibels", [-60, -50, -40])
def test_a_faint_hiss_that_goes_with_a_drum_makes_no_other_drum_of_it(decibels, kit, evaluation):
    """What is hardly heard must not decide: each recording with noise under it that rises and falls as it does."""
    clips, judge = recordings(kit, "test"), evaluation.embedding
    loudness = signal.oaconvolve(np.abs(clips["audio"]), np.hanning(257)[None, :, None] / 128, mode="same", axes=1)
    hiss = 10 ** (decibels / 20) * loudness * np.random.default_rng(0).standard_normal(loudness.shape)
    probabilities = judge(judge.front((clips["audio"] + hiss).astype("float32")))[1]
    assert np.mean(probabilities.argmax(axis=1) == clips["label"]) >= 0.95


def test_it_is_trained_once_and_kept_with_the_data(kit, evaluation, monkeypatch):
    monkeypatch.setattr(classifier, "train", lambda *_: pytest.fail("trained again"))
    again = cache.embedding_of(kit, DatasetInfo.load(kit), warn=pytest.fail)
    spectrograms = again.front(recordings(kit, "test")["audio"])
    for made, before in zip(again(spectrograms), evaluation.embedding(spectrograms), strict=True):
        np.testing.assert_array_equal(made, before)
    np.testing.assert_allclose(again(spectrograms)[0], again.real["test"].embeddings, rtol=1e-4, atol=1e-5)


def test_a_damaged_cache_is_made_again_and_one_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(classifier, "passes", lambda _: 960)
    data, warnings = prepared_drums(tmp_path / "wav", count=20), []
    info = DatasetInfo.load(data)
    judge = cache.embedding_of(data, info, warnings.append)
    right = judge.real["test"].probabilities.argmax(axis=1) == recordings(data, "test")["label"]
    assert judge.test_accuracy == right.mean()
    (path,) = data.glob("embedding-*.npz")
    path.write_bytes(path.read_bytes()[:-100])
    monkeypatch.setattr(files, "write_whole", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert cache.embedding_of(data, info, warnings.append).test_accuracy is not None
    assert re.search("damaged.*made again", warnings[0]) and re.search("cannot be written.*No space", warnings[1])


def test_other_recordings_get_another_classifier(tmp_path, monkeypatch):
    monkeypatch.setattr(classifier, "passes", lambda _: 960)
    hashes = set()
    for name, kinds in {"a": ("kick", "snare"), "b": ("kick", "tom")}.items():
        data = prepared_drums(tmp_path / name / "wav", kinds, count=20)
        hashes.add(cache.embedding_of(data, DatasetInfo.load(data), pytest.fail).content_hash)
    assert len(hashes) == 2


def test_without_classes_a_projection_is_used_and_named(tmp_path):
    data = prepared_drums(tmp_path / "wav", ("snare",), count=300)
    found = Evaluation(data, DatasetInfo.load(data), 50)
    assert found.embedding.name == "random projection of log-mel statistics" and not found.embedding.classes
    for scores in found.references.values():
        assert "frechet_distance" in scores and "inception_score" not in scores
    assert mean(found.references[NOISE], "frechet_distance") > 10 * mean(found.references[TEST], "frechet_distance")


def test_the_weights_start_alike_whatever_the_backend():
    network = classifier.build((9, 8), 2, np.zeros(8, "float32"), np.ones(8, "float32"), seed=5)
    expected = np.sqrt(2 / 9) * np.random.default_rng(5).standard_normal((3, 3, 1, 16), "float32")
    np.testing.assert_allclose(network.get_weights()[0], expected, rtol=1e-6)


def test_training_a_classifier_leaves_keras_random_numbers_alone():
    draws = []
    for train in (False, True):
        keras.utils.set_random_seed(3)
        if train:
            network = classifier.build((9, 8), 2, np.zeros(8, "float32"), np.ones(8, "float32"))
            features = np.random.default_rng(0).normal(size=(40, 9, 8)).astype("float32")
            classifier.train(network, features, np.arange(40) % 2, lambda *_: None)
        draws.append(keras.ops.convert_to_numpy(keras.random.normal((4,))))
    np.testing.assert_array_equal(*draws)


def test_the_classifier_is_right_about_95_of_100_spoken_digits_and_all_of_its_embedding_lives(shared_data, tmp_path):
    prepare([str(shared_data / "fsdd")], tmp_path / "digits", Options(sample_rate=8000))
    judge = cache.embedding_of(tmp_path / "digits", DatasetInfo.load(tmp_path / "digits"), pytest.fail)
    assert judge.test_accuracy >= 0.95
    spread = judge.real["test"].embeddings.std(axis=0)
    assert np.mean(spread > 0.1 * spread.max()) >= 0.9


def test_validation_clips_stand_for_test_clips_where_there_are_none(tmp_path):
    for name, options in {"a": {"validation": 20.0, "test": 0.0}, "b": {"validation": 20.0, "test": 10.0}}.items():
        for index in range(60):
            (tmp_path / name).mkdir(exist_ok=True)
            write_wav(tmp_path / name / f"{index}.wav", drumkit.render("tom", index, RATE)[:, None], RATE)
        prepare([str(tmp_path / name)], tmp_path / f"data {name}",
                Options(sample_rate=RATE, length=LENGTH, slices="first", workers=1, **options))  # fmt: skip
        info = DatasetInfo.load(tmp_path / f"data {name}")
        held = cache.embedding_of(tmp_path / f"data {name}", info, pytest.fail).real["test"].embeddings
        assert len(held) == info.splits["validation" if name == "a" else "test"]["clips"] > 0
        assert info.splits["validation"]["clips"] != info.splits["test"]["clips"]


def test_a_large_data_set_is_learned_from_in_part_the_same_each_time(snares, of_snares, monkeypatch):
    info, front, learned = DatasetInfo.load(snares), of_snares.embedding.front, []
    monkeypatch.setattr(embedding, "MOST", 50 * int(np.prod(front.shape)))
    real = projection.fit
    monkeypatch.setattr(projection, "fit", lambda part: learned.append(len(part)) or real(part))
    first, second = (embedding.learned(snares, info, front, "", pytest.fail) for _ in range(2))
    assert learned == [50, 50] and len(first["train/embeddings"]) == 228
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], name)


def test_folders_that_training_has_no_clips_of_are_no_classes(snares, of_snares):
    info = replace(DatasetInfo.load(snares), classes=("snare", "silent"))
    arrays = embedding.learned(snares, info, of_snares.embedding.front, "", pytest.fail)
    assert embedding.Embedding(info, of_snares.embedding.front, "", arrays).classes == ()


def test_a_projection_weighs_every_place_alike_and_bears_what_never_changes():
    spectrograms = normal(40, 20 * 40).reshape(40, 20, 40)
    louder = spectrograms * np.where(np.arange(40) < 20, 1, 1000)
    averages = projection.averaged(spectrograms).reshape(40, 16, 32)
    np.testing.assert_allclose(averages[:, 0, 0], spectrograms[:, :2, :2].mean(axis=(1, 2)))
    np.testing.assert_allclose(averages[:, -1, -1], spectrograms[:, -1, -1])
    made = [projection.forward(projection.fit(each))(each) for each in (spectrograms, louder)]
    np.testing.assert_allclose(*made, atol=0.05)
    still = np.zeros_like(spectrograms)
    assert np.isfinite(projection.forward(projection.fit(still))(still)).all()


def test_a_bin_is_standardised_alike_in_all_frames():
    found = classifier.standard(normal(40, 6).reshape(40, 3, 2))
    assert found["mean"].shape == found["deviation"].shape == (2,)
