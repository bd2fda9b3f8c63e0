import json
import math
import re
import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from preprocess import drumkit
from preprocess.convert import prepare
from preprocess.options import Options
from tests.conftest import TINY
from wavegan.audio.mel import LogMel
from wavegan.audio.wav import write_wav
from wavegan.base import files
from wavegan.cli import evaluate as evaluate_command
from wavegan.cli import train as train_command
from wavegan.data.batches import clips
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation.answers import answers
from wavegan.evaluation.evaluate import _memorised, _verdict
from wavegan.evaluation.judge import classifier, embedding
from wavegan.evaluation.memorised import Distances
from wavegan.evaluation.protocol import GENERATED, NOISE, TEST, TRAIN, Evaluation
from wavegan.runs.run import Run
from wavegan.training import scoring

RATE, LENGTH = 4000, 1024
ROUNDED = 1e-4  # a clip's features are rounded by its place in the block, on some processors
KINDS = ("kick", "snare", "tom")


def drums(folder, kinds=KINDS, count=120):
    for kind in kinds:
        (folder / kind).mkdir(parents=True)
        for index in range(count):
            write_wav(folder / kind / f"{index}.wav", drumkit.render(kind, index, RATE)[:, None], RATE)
    options = Options(sample_rate=RATE, length=LENGTH, slices="first", workers=1, test=20.0)
    prepare([str(folder)], folder.parent / "data", options)
    return folder.parent / "data"


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    """A data set of three kinds of drums, some 60 of them held out, whose classifier is trained already."""
    return drums(tmp_path_factory.mktemp("kit") / "wav")


@pytest.fixture(scope="module")
def evaluation(kit):
    return Evaluation(kit, DatasetInfo.load(kit), 100)


@pytest.fixture(scope="module")
def run_of_8(kit, tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    assert train_command.main(["--data", str(kit), "--run", str(path), "--steps", "8", *TINY]) == 0
    return path


@pytest.fixture
def run(run_of_8, tmp_path):
    """A run of 8 steps with checkpoints of the steps 0, 4 and 8."""
    return Path(shutil.copytree(run_of_8, tmp_path / "run"))


def scalars(folder, tag):
    """{step: value} of what was logged as `tag` in a folder of events."""
    found = EventAccumulator(str(folder)).Reload().Tensors(tag)
    assert len({event.step for event in found}) == len(found)
    return {event.step: float(tf.make_ndarray(event.tensor_proto)) for event in found}


def real(kit, split="train"):
    info = DatasetInfo.load(kit)
    records = Records(kit, info, split)
    return clips(records, info, np.arange(len(records)))


def mean(scores, key):
    return scores[key]["mean"]


# The front end


def test_log_mel_is_the_papers():
    """One frame against the formula: 64 ms, Hann, magnitudes, 128 bins from 40 to 7,800 Hz, log(x + 1e-6)."""
    front = LogMel(16000, 16384)
    assert front.shape == (129, 128)
    audio = np.random.default_rng(0).uniform(-1, 1, (2, 16384, 1)).astype("float32")
    frame = 64  # its window is centred at 64 × 128 samples
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    spectrum = np.abs(np.fft.rfft(window * audio[1, frame * 128 - 512 : frame * 128 + 512, 0]))
    np.testing.assert_allclose(front(audio)[1, frame], np.log(front.filters @ spectrum + 1e-6), atol=1e-3)
    frequencies = np.fft.rfftfreq(1024, 1 / 16000)
    heard = frequencies[front.filters.sum(axis=0) > 0]
    assert 40 <= heard.min() < 60 and 7700 < heard.max() <= 7800


@pytest.mark.filterwarnings("error::UserWarning")
@pytest.mark.parametrize(("rate", "length"), [(100, 64), (1000, 256), (8000, 8192), (16000, 64), (44100, 4096)])
def test_log_mel_of_any_rate_and_length_has_no_empty_bins(rate, length):
    front = LogMel(rate, length)
    assert (front.filters.sum(axis=1) > 0).all()
    made = front(np.zeros((3, length, 2), "float32"))
    assert made.shape == (3, *front.shape) and made.dtype == np.float32
    np.testing.assert_allclose(made, np.log(1e-6), rtol=1e-6)


def test_channels_are_averaged():
    front, audio = LogMel(RATE, LENGTH), np.random.default_rng(0).normal(size=(2, LENGTH, 2)).astype("float32")
    np.testing.assert_array_equal(front(audio), front(audio.mean(axis=2, keepdims=True)))


# The embedding


def test_the_classifier_tells_drums_apart_and_says_how_well(evaluation):
    judge = evaluation.embedding
    assert judge.name == "own classifier" and judge.classes == KINDS
    assert judge.test_accuracy >= 0.95
    assert judge.real["test"].embeddings.shape[1] == classifier.EMBEDDING
    np.testing.assert_allclose(judge.real["test"].probabilities.sum(axis=1), 1)


def test_it_is_trained_once_and_kept_with_the_data(kit, evaluation, monkeypatch):
    monkeypatch.setattr(classifier, "train", lambda *_: pytest.fail("trained again"))
    again = embedding.embedding_of(kit, DatasetInfo.load(kit), warn=pytest.fail)
    spectrograms = again.front(real(kit, "test")["audio"])
    for made, before in zip(again(spectrograms), evaluation.embedding(spectrograms), strict=True):
        np.testing.assert_array_equal(made, before)
    np.testing.assert_allclose(again(spectrograms)[0], again.real["test"].embeddings, rtol=1e-4, atol=1e-5)


def test_a_damaged_cache_is_made_again_and_one_that_cannot_be_written_is_no_error(tmp_path, monkeypatch):
    monkeypatch.setattr(classifier, "passes", lambda _: 64)
    data, told = drums(tmp_path / "wav", count=20), []
    info = DatasetInfo.load(data)
    judge = embedding.embedding_of(data, info, told.append)
    right = judge.real["test"].probabilities.argmax(axis=1) == real(data, "test")["label"]
    assert judge.test_accuracy == right.mean()
    (path,) = data.glob("embedding-*.npz")
    path.write_bytes(path.read_bytes()[:-100])
    monkeypatch.setattr(files, "write_whole", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left")))
    assert embedding.embedding_of(data, info, told.append).test_accuracy is not None
    assert re.search("damaged.*made again", told[0]) and re.search("cannot be written.*No space", told[1])


def test_other_recordings_get_another_classifier(tmp_path, monkeypatch):
    monkeypatch.setattr(classifier, "passes", lambda _: 64)
    hashes = set()
    for name, kinds in {"a": ("kick", "snare"), "b": ("kick", "tom")}.items():
        data = drums(tmp_path / name / "wav", kinds, count=20)
        hashes.add(embedding.embedding_of(data, DatasetInfo.load(data), pytest.fail).content_hash)
    assert len(hashes) == 2


def test_without_classes_a_projection_is_used_and_named(tmp_path):
    data = drums(tmp_path / "wav", ("snare",), count=300)
    found = Evaluation(data, DatasetInfo.load(data), 50)
    assert found.embedding.name == "random projection of log-mel statistics" and not found.embedding.classes
    for levels in found.levels.values():
        assert "frechet_distance" in levels and "inception_score" not in levels
    assert mean(found.levels[NOISE], "frechet_distance") > 10 * mean(found.levels[TEST], "frechet_distance")


def test_training_a_classifier_leaves_keras_random_numbers_alone():
    draws = []
    for train in (False, True):
        keras.utils.set_random_seed(3)
        if train:
            network = classifier.build((9, 8), 2, np.zeros(8, "float32"), np.ones(8, "float32"))
            features = np.random.default_rng(0).normal(size=(40, 9, 8)).astype("float32")
            classifier.train(network, features, np.arange(40) % 2, lambda _: None)
        draws.append(keras.ops.convert_to_numpy(keras.random.normal((4,))))
    np.testing.assert_array_equal(*draws)


def test_the_classifier_is_right_about_95_of_100_spoken_digits(shared_data, tmp_path):
    prepare([str(shared_data / "fsdd")], tmp_path / "digits", Options(sample_rate=8000))
    judge = embedding.embedding_of(tmp_path / "digits", DatasetInfo.load(tmp_path / "digits"), pytest.fail)
    assert judge.test_accuracy >= 0.95


# The scores


@pytest.mark.parametrize("name", [TEST, TRAIN])
def test_what_is_known_of_recordings_belongs_to_the_clips_that_are_scored(evaluation, name):
    sounds = evaluation.sets[name]
    made = evaluation.embedding(sounds.rows.reshape(-1, *evaluation.embedding.front.shape))
    for found, expected in zip((sounds.embeddings, sounds.probabilities), made, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_held_out_recordings_score_far_better_than_noise(evaluation):
    for key, higher in {"inception_score": True, "am_score": False, "frechet_distance": False, "ndb": False,
                        "kernel_distance": False, "coverage": True, "recall": True}.items():  # fmt: skip
        held_out, noise = (mean(evaluation.levels[name], key) for name in (TEST, NOISE))
        assert (held_out > noise) is higher, key
    for name, key in ((TEST, "d_self"), (TEST, "d_train")):
        assert mean(evaluation.levels[name], key) == pytest.approx(1)
    assert mean(evaluation.levels[TRAIN], "d_train") < ROUNDED
    assert mean(evaluation.levels[NOISE], "d_train") > 2


def test_every_set_has_the_same_number_of_clips(kit, evaluation):
    assert evaluation.at_once == evaluation.n == DatasetInfo.load(kit).splits["test"]["clips"] < 100
    assert evaluation.levels[TEST]["frechet_distance"]["spread"] is None  # there is one such part
    more = Evaluation(kit, evaluation.info, 3 * evaluation.at_once)
    assert more.at_once == evaluation.at_once
    assert more.levels[NOISE]["frechet_distance"]["spread"] > 0


def test_a_missing_kind_of_sound_shows(kit, evaluation):
    found = real(kit)
    there = evaluation.measure(evaluation.sounds(found["audio"][found["label"] > 0][:100]))
    held_out = evaluation.levels[TEST]
    assert mean(there, "recall") < 0.8 * mean(held_out, "recall")
    assert mean(there, "inception_score") < 0.8 * mean(held_out, "inception_score")
    assert mean(there, "jsd") > mean(held_out, "jsd") and mean(there, "precision") > 0.9


def test_equal_clips_show_in_the_distance_to_each_other(kit, evaluation):
    alike = evaluation.measure(evaluation.sounds(np.repeat(real(kit, "test")["audio"][:1], 100, axis=0)))
    assert mean(alike, "d_self") < ROUNDED and mean(alike, "recall") < 0.2


def memorised(evaluation, audio):
    """The share of clips that are as near to a training clip as hardly any other recording."""
    distances, indices = evaluation.distances.nearest_heard(evaluation.sounds(audio).heard)
    return _memorised(evaluation.held_heard, distances)[1], indices


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
    chosen = real(kit)["audio"][::2][:60]
    noise = np.random.default_rng(0).standard_normal(chosen.shape, "float32")
    share, indices = memorised(evaluation, change(chosen, noise).astype("float32"))
    assert share > 0.5 and _verdict(evaluation, 0.3, share).endswith("smaller model help.")
    assert np.mean(indices == 2 * np.arange(60)) > 0.9


def test_recordings_that_were_not_trained_on_are_no_copies(kit, evaluation):
    share, _ = memorised(evaluation, real(kit, "test")["audio"])
    assert share < 0.1 and _verdict(evaluation, 0.3, share).startswith("No sign")
    assert "cannot be told" in _verdict(evaluation, 0.0, 1.0)


def test_a_few_copies_among_many_clips_are_told():
    facts = SimpleNamespace(n=2000, held_heard=np.ones(300), trained_on=True, has_test=True)
    assert _verdict(facts, 0.3, 0.011).startswith("No sign of memorising: 1.1% of the clips are very near to a")
    assert _verdict(facts, 0.3, 0.03).startswith("Perhaps a few: 3.0% of the clips are very near to a training")
    assert _verdict(facts, 0.3, 0.12).startswith("Perhaps: 12.0% of the clips are very near")


def test_a_training_set_that_is_not_held_in_memory_gives_the_same(kit, evaluation):
    queries = evaluation.sounds(real(kit, "test")["audio"]).rows
    kept = Distances(evaluation._spectrograms, len(evaluation.train), evaluation.embedding.front.shape)
    streamed = Distances(evaluation._spectrograms, 10**9, evaluation.embedding.front.shape)
    assert kept.fits and not streamed.fits
    for left_out in ((), (0, 5, len(evaluation.train) - 1)):
        np.testing.assert_array_equal(kept.nearest(queries, left_out), streamed.nearest(queries, left_out))


def test_clips_that_are_left_out_are_nobodys_neighbours(kit, evaluation):
    sounds = evaluation.sounds(real(kit)["audio"][3:6])
    assert evaluation.distances.nearest(sounds.rows).max() < ROUNDED
    assert evaluation.distances.nearest(sounds.rows, (3, 4, 5)).min() > 1
    distances, indices = evaluation.distances.nearest_heard(sounds.heard, (3, 4, 5))
    assert distances.min() > 1 and not set(indices) & {3, 4, 5}


def test_without_enough_held_out_clips_there_is_no_test_data(tmp_path):
    data = drums(tmp_path / "wav", ("tom",), count=70)
    found = Evaluation(data, DatasetInfo.load(data), 50)
    assert TEST not in found.levels and mean(found.levels[TRAIN], "d_self") == pytest.approx(1)
    assert found.held_heard.min() > ROUNDED  # some training clips stand for unseen ones


# The command


def test_all_checkpoints_are_scored_and_the_best_is_found(kit, run, capsys):
    flags = ["--run", str(run), "--checkpoint", "all", "--n", "60"]
    assert evaluate_command.main(flags) == 0
    printed = capsys.readouterr().out
    assert "right about" in printed and "white noise" in printed and "FD (own classifier), lower" in printed
    report = json.loads((run / "evaluation" / "evaluation.json").read_text())
    assert [row["step"] for row in report["checkpoints"]] == [0, 4, 8]
    distances = {row["step"]: mean(row["scores"], "frechet_distance") for row in report["checkpoints"]}
    assert set(report["histogram"]) == {"generated", TEST, TRAIN, NOISE} and "class" in printed
    assert report["best_step"] == report["step"] == Run(run).best() == min(distances, key=distances.get)
    for score in report["scores"]:
        assert set(score["values"]) == {"generated", TEST, TRAIN, NOISE}, score["key"]
    page = (run / "evaluation" / "evaluation.html").read_text(encoding="utf-8")
    assert page.count("<audio") + page.count("data:audio") > 50
    logged = scalars(run / "evaluation" / "generated", "quality/frechet_distance")
    assert logged == pytest.approx(distances, rel=1e-5)

    evaluate_command.main(flags)
    assert json.loads((run / "evaluation" / "evaluation.json").read_text())["scores"] == report["scores"]
    assert scalars(run / "evaluation" / "generated", "quality/frechet_distance") == logged


def test_what_was_evaluated_before_stays_on_the_curve(run, capsys):
    for step in ("4", "8"):
        assert evaluate_command.main(["--run", str(run), "--checkpoint", step, "--n", "60"]) == 0
    steps = [row["step"] for row in json.loads((run / "evaluation" / "evaluation.json").read_text())["checkpoints"]]
    assert steps == [4, 8]
    evaluate_command.main(["--run", str(run), "--checkpoint", "8", "--n", "61", "--seed", "1"])  # these do not compare
    report = json.loads((run / "evaluation" / "evaluation.json").read_text())
    steps, kept = ([row["step"] for row in report[key]] for key in ("checkpoints", "others"))
    assert (steps, kept) == ([8], [4, 8])
    evaluate_command.main(["--run", str(run), "--checkpoint", "8", "--n", "60"])
    report = json.loads((run / "evaluation" / "evaluation.json").read_text())
    assert [len(report[key]) for key in ("checkpoints", "others")] == [2, 1]


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--checkpoint", "best"], "has a score"),
        (["--checkpoint", "7"], "no checkpoint of step 7"),
        (["--checkpoint", "newest"], "must be latest, best"),
        (["--n", "10"], "must be a whole number of 50 or more"),
        (["--data", "nowhere"], "no data set in nowhere"),
    ],
)
def test_a_wrong_flag_is_one_line(run, flags, complaint, capsys):
    with pytest.raises(SystemExit) if flags[0] == "--n" else nullcontext() as stopped:
        code = evaluate_command.main(["--run", str(run), *flags])
    assert (stopped.value.code if flags[0] == "--n" else code) == 2
    assert complaint in capsys.readouterr().err


def test_another_kind_of_data_and_too_few_recordings_are_told(kit, run, trained, drum_files, tmp_path, capsys):
    prepare([str(drum_files)], tmp_path / "other", Options(sample_rate=RATE, length=4096, slices="first", workers=1))
    assert evaluate_command.main(["--run", str(run), "--data", str(tmp_path / "other")]) == 2
    assert "has length 4096" in capsys.readouterr().err
    assert evaluate_command.main(["--run", str(trained)]) == 2
    assert re.search("has 2[0-9] training clips: expected 50 or more", capsys.readouterr().err)


def test_a_checkpoint_that_vanishes_or_is_damaged_is_passed_over(run, capsys):
    path = Run(run).checkpoint_path(4)
    path.write_bytes(b"x" + path.read_bytes()[1:])
    assert evaluate_command.main(["--run", str(run), "--checkpoint", "all", "--n", "50"]) == 0
    assert "passed over" in capsys.readouterr().err
    assert [row["step"] for row in json.loads((run / "evaluation" / "evaluation.json").read_text())["checkpoints"]] == [
        0,
        8,
    ]


def test_scores_of_another_method_do_not_choose_the_best(run):
    run = Run(run)
    run.set_score(0, -5.0, "many")
    run.set_score(4, -4.0, "many")
    run.set_score(8, -6.0, "many")
    run.set_score(8, 99.0, "few")
    assert run.best() == 4
    for step in (0, 4, 8):
        run.set_score(step, step / 10, "as many, later")
    assert run.best() == 8


def test_the_best_by_every_method_stays(run):
    run = Run(run, keep=1)
    run.set_score(0, 1.0, "few")
    for step in (4, 8):
        run.set_score(step, step / 10, "many")
    run.save(9, run.load(8))
    assert run.steps() == [0, 8, 9]


def test_other_recordings_than_those_of_the_training_are_told_and_give_no_score(run, tmp_path, capsys):
    other = drums(tmp_path / "wav", ("kick", "tom"))
    assert evaluate_command.main(["--run", str(run), "--data", str(other), "--n", "50"]) == 0
    printed = capsys.readouterr().out
    assert "note: These are not the recordings that the run was trained on" in printed
    assert "Did it memorise? Whether it memorised cannot be told" in printed and Run(run).best() is None
    assert "Which checkpoint is best? No checkpoint has a score: that takes the recordings" in printed
    # What is known by the run's own recordings stays as it is.
    assert (run / "evaluation by data" / "evaluation.html").exists() and not (run / "evaluation").exists()


def test_a_data_set_that_is_gone_is_told_with_the_flag_that_helps(run, tmp_path, capsys):
    config = Run(run).config()
    replace(config, data=str(tmp_path / "moved")).save(run / "config.json")
    assert evaluate_command.main(["--run", str(run)]) == 2
    assert re.search("moved, the data set of .*, is not there any more. Give it with --data", capsys.readouterr().err)


def test_a_folder_that_cannot_be_made_is_told_before_the_work(run, monkeypatch, capsys):
    (run / "evaluation").write_text("in the way")
    monkeypatch.setattr("wavegan.evaluation.evaluate.Evaluation", lambda *_: pytest.fail("worked first"))
    assert evaluate_command.main(["--run", str(run)]) == 2
    assert "evaluation cannot be written" in capsys.readouterr().err


def test_sounds_that_are_not_finite_are_passed_over_or_told(run, capsys):
    arrays = Run(run).load(8)
    broken = {name: np.full_like(array, np.inf) if "generator/" in name else array for name, array in arrays.items()}
    Run(run).save(8, broken)
    assert evaluate_command.main(["--run", str(run), "--checkpoint", "all", "--n", "50"]) == 0
    assert "step 8 passed over: the generator makes sounds that are not finite" in capsys.readouterr().err
    assert evaluate_command.main(["--run", str(run), "--n", "50"]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: the generator makes sounds that are not finite")


def test_a_missing_shard_of_held_out_clips_is_told(kit, run, tmp_path, capsys):
    data = shutil.copytree(kit, tmp_path / "data")
    next(data.glob("test-*.tfrecord")).unlink()
    assert evaluate_command.main(["--run", str(run), "--data", str(data)]) == 2
    assert "cannot be read (No such file or directory)" in capsys.readouterr().err.splitlines()[-1]


def answered(evaluation, audio):
    """What is said of `audio`: whether it is any good, whether it collapses."""
    found = {GENERATED: evaluation.measure(evaluation.sounds(audio.astype("float32"))), **evaluation.levels}
    report = {
        "scores": [{"key": key, "values": {name: each[key] for name, each in found.items()}} for key in found[TEST]],
        **{
            "histogram": {},
            "memorised": {"verdict": ""},
            "checkpoints": [{"step": 1, "scores": found[GENERATED]}],
            "others": [],
            "best_step": None,
            "step": 1,
        },
    }
    return [each["answer"] for each in answers(report, "x")[:2]]


def test_neither_silence_nor_noise_nor_hiss_misleads(kit, evaluation):
    random, found = np.random.default_rng(0), real(kit, "test")["audio"]
    noise = random.standard_normal((evaluation.n, LENGTH, 1))
    for hiss in (0.0, 0.003, 0.01):
        three = np.repeat(found[::20][:3], -(-evaluation.n // 3), axis=0)[: evaluation.n] + hiss * noise
        assert answered(evaluation, three)[1].startswith(("Yes: the sounds are", "Perhaps: hardly anything")), hiss
    for share, words in ((0.3, "In part: "), (0.7, "Yes: ")):
        some = np.arange(evaluation.n) < share * evaluation.n
        for other in (0.0, found[0]):  # silence, or one sound, beside good ones
            mixed = np.where(some[:, None, None], other, found[np.arange(evaluation.n) % len(found)])
            assert answered(evaluation, mixed)[1].startswith(words), (share, other)
    for good, collapsing in (answered(evaluation, 0 * noise), answered(evaluation, 0.3 * noise)):
        assert good.startswith("No: ") and collapsing.startswith(("Yes: ", "Perhaps: "))
    good, collapsing = answered(evaluation, real(kit)["audio"][: evaluation.n])
    assert good.startswith("Near the recordings") and collapsing.startswith("No: ")


# While training


def test_evaluations_keep_the_best_checkpoint_and_do_not_change_the_training(kit, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scoring, "SHARE", math.inf)
    monkeypatch.setattr(scoring, "CLIPS", 60)
    path, plain = tmp_path / "judged", tmp_path / "plain"
    flags = ["--data", str(kit), "--steps", "40", *TINY, "--checkpoint-every", "100"]
    assert train_command.main([*flags, "--run", str(path), "--evaluate-every", "5"]) == 0
    told = capsys.readouterr().err
    quality = r"quality at step \d+.*FD \(own classifier\) [\d.]+ \(test data [\d.]+, white noise [\d.]+\)"
    assert len(re.findall(quality, told)) == 8
    assert re.search(r"8 evaluations took [\d.]+% of the time", told)
    found = scalars(path, "quality/frechet_distance")
    assert list(found) == [5, 10, 15, 20, 25, 30, 35, 40]
    assert Run(path).best() == min(found, key=found.get) and Run(path).best() in Run(path).steps()
    assert len(set(scalars(path / "levels" / "test data", "quality/frechet_distance").values())) == 1

    assert train_command.main([*flags, "--run", str(plain)]) == 0
    for name, array in Run(plain).load(40).items():
        np.testing.assert_array_equal(Run(path).load(40)[name], array)


def test_evaluations_wait_until_they_are_a_twentieth_of_the_time(kit, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(scoring, "CLIPS", 60)
    flags = ["--data", str(kit), "--run", str(tmp_path / "run"), "--steps", "10", *TINY, "--evaluate-every", "1"]
    assert train_command.main(flags) == 0
    told = capsys.readouterr().err
    # Compiling counts as time of the training, so that there may be one; how much they take, a set clock tells.
    assert re.search(r"evaluations? took [\d.]+% of the time|no evaluation was made yet: one takes about", told)
    assert told.count("has to wait") == 1
