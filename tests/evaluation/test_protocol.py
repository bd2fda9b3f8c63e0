"""What sounds are scored against: which clips, in which units, how many at once, and what is reported of it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from preprocess import drumkit
from preprocess.convert import prepare
from preprocess.options import Options
from tests.conftest import TINY
from tests.evaluation.page.test_page import sounds as sounds_of
from tests.evaluation.test_evaluate import LENGTH, RATE, ROUNDED, drums, mean, scalars
from wavegan.audio.mel import LogMel, in_blocks
from wavegan.audio.wav import write_wav
from wavegan.base.errors import UserError
from wavegan.cli import evaluate as evaluate_command
from wavegan.cli import train as train_command
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation import protocol, scores, store, terminal
from wavegan.evaluation.judge import embedding
from wavegan.evaluation.judge.embedding import Real
from wavegan.evaluation.memorised import Distances, heard, rows
from wavegan.evaluation.protocol import GENERATED, NOISE, TEST, TRAIN, Evaluation
from wavegan.evaluation.yardsticks import Yardstick, cells_of
from wavegan.models.latents import Uniform


def normal(n, width=4, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width))


def predictions(n, classes=3, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), n)


# The yardstick


@pytest.mark.parametrize(("clips", "cells"), [(6, 2), (60, 6), (499, 49), (500, 50), (5000, 50)])
def test_cells_are_50_from_500_clips_at_once_on_and_fewer_below(clips, cells):
    assert cells_of(clips) == cells


@pytest.mark.parametrize(("at_once", "cells"), [(60, 6), (500, 50)])
def test_kinds_of_sounds_are_counted_in_these_cells(at_once, cells):
    judge = Yardstick(Real(normal(600), None), (), at_once)
    assert judge.centres.shape == (cells, 4) and judge.counts.sum() == 600
    found = judge(normal(at_once, seed=1) + 1, None)
    counts = scores.cell_counts(judge.centres, judge.standard(normal(at_once, seed=1) + 1))
    assert mean(found, "ndb") == scores.different_bins(judge.counts, counts) > 0.2
    assert mean(found, "jsd") == scores.jensen_shannon_divergence(judge.counts, counts) > 0.05


def test_scores_do_not_depend_on_the_units_of_the_embeddings():
    train, clips = normal(300), normal(100, seed=1) + 0.5
    plain = Yardstick(Real(train, None), (), 100)(clips, None)
    other = Yardstick(Real(1000 * train + 70, None), (), 100)(1000 * clips + 70, None)
    assert {key: value["mean"] for key, value in other.items()} == pytest.approx(
        {key: value["mean"] for key, value in plain.items()}, rel=1e-6
    )


def test_recordings_are_a_reference_all_of_them_but_those_that_are_scored_themselves():
    train, scored = normal(300), np.arange(0, 300, 3)
    train[scored] += 30
    judge = Yardstick(Real(train, None), scored, 100)
    assert mean(judge(train[scored], None), "precision") == 0
    others = judge.standard(np.delete(train, scored, axis=0))
    expected = scores.frechet_distance(judge.standard(train[scored]), others)
    assert mean(judge(train[scored], None), "frechet_distance") == pytest.approx(expected)


def test_only_their_predictions_say_how_often_classes_come():
    scored = np.arange(0, 300, 3)
    labels = np.where(np.isin(np.arange(300), scored), 0, 1 + np.arange(300) // 150)
    judge = Yardstick(Real(normal(300), np.eye(3)[labels]), scored, 100)
    found = judge(normal(100, seed=1), np.eye(3)[1 + np.arange(100) // 50])
    assert mean(found, "am_score") == pytest.approx(0, abs=1e-9)
    found = judge(normal(100, seed=1), np.tile([0, 0.75, 0.25], (100, 1)))
    entropy = -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    assert mean(found, "am_score") == pytest.approx(entropy + 0.5 * np.log(0.5 / 0.75) + 0.5 * np.log(0.5 / 0.25))


def test_precision_and_recall_are_of_sets_of_one_size_drawn_from_all_recordings():
    """As many recordings as clips: coverage is that of equal sets. In the order of classes the first are of one."""
    train = normal(1000)
    train[500:] += 20
    clips = np.concatenate([normal(50, seed=1), normal(50, seed=2) + 20])
    found = Yardstick(Real(train, None), (), 100)(clips, None)
    assert mean(found, "coverage") == pytest.approx(1 - 2**-5, abs=0.04)
    assert mean(found, "precision") > 0.9 and mean(found, "recall") > 0.9
    half = Yardstick(Real(train, None), (), 100)(clips[:50].repeat(2, axis=0) + 0.01 * normal(100, seed=3), None)
    assert mean(half, "precision") > 0.9 and mean(half, "recall") < 0.6


def test_a_score_is_the_mean_of_its_parts_and_its_spread_theirs():
    judge = Yardstick(Real(normal(200), predictions(200)), (), 40)
    embeddings = normal(120, seed=1) + np.arange(120)[:, None] / 60
    probabilities = predictions(120, seed=1)
    parts = [judge(embeddings[first : first + 40], probabilities[first : first + 40]) for first in (0, 40, 80)]
    whole = judge(embeddings, probabilities)
    for key, found in whole.items():
        alone = [mean(part, key) for part in parts]
        assert found == pytest.approx({"mean": np.mean(alone), "spread": np.std(alone)}) and found["spread"] > 0, key
        assert parts[0][key]["spread"] is None, key
    longer = np.concatenate([embeddings, normal(39, seed=2) + 9]), np.concatenate([probabilities, predictions(39)])
    assert judge(*longer) == whole  # a part that is not full does not count


def test_the_spread_of_the_inception_score_is_over_its_splits_of_100():
    probabilities = predictions(400)
    found = Yardstick(Real(normal(200), predictions(200)), (), 200)(normal(400), probabilities)["inception_score"]
    splits = [probabilities[first : first + 200][split::2] for first in (0, 200) for split in (0, 1)]
    alone = [scores.inception_score(split, 1)[0] for split in splits]
    assert found == pytest.approx({"mean": np.mean(alone), "spread": np.std(alone)})
    one = Yardstick(Real(normal(200), predictions(200)), (), 200)(normal(200), probabilities[:200])
    assert one["inception_score"]["spread"] > 0 and one["am_score"]["spread"] is None


# Which clips


@pytest.fixture(scope="module")
def snares(tmp_path_factory):
    """A data set without classes: 228 clips for training, 55 held out."""
    return drums(tmp_path_factory.mktemp("snares") / "wav", ("snare",), count=300)


@pytest.fixture(scope="module")
def of_snares(snares):
    return Evaluation(snares, DatasetInfo.load(snares), 1000)


def drawn(evaluation):
    """Latents for all clips of an evaluation."""
    return Uniform().draw(evaluation.n, (5,), evaluation.seed)


def noisy(latents):
    """What stands for a generator: noise that its latent seeds."""
    return np.stack([np.random.default_rng(z.view("uint32")).uniform(-1, 1, (LENGTH, 1)) for z in latents]) / 2


def test_half_of_the_training_clips_stay_to_compare_the_others_with(of_snares):
    assert (of_snares.at_once, of_snares.n, len(of_snares.train)) == (55, 990, 228)
    scored, reference = of_snares.sets[TRAIN].embeddings, of_snares.yardstick
    assert len(scored) == 2 * 55 and of_snares.levels[TRAIN]["recall"]["spread"] is not None
    assert len(reference.embeddings) == 228 - 110
    assert scores.nearest(reference.standard(scored), reference.embeddings)[0].min() > 1e-6


def test_without_held_out_recordings_half_of_the_training_clips_are_scored(tmp_path):
    data = drums(tmp_path / "wav", ("tom",), count=70)
    found = Evaluation(data, DatasetInfo.load(data), 1000)
    assert found.at_once == len(found.train) // 2 == len(found.yardstick.embeddings)
    # Some of them stand for unseen ones: else their distance, the unit, would be that of copies.
    assert found.unit > 1 and mean(found.levels[NOISE], "d_train") < 100


def test_distances_are_of_as_many_clips_as_are_scored_at_once(of_snares):
    sounds = of_snares.generated(noisy, drawn(of_snares))
    first = protocol.Sounds(sounds.rows[:55], sounds.heard[:55], sounds.embeddings[:55], None)
    for key in ("d_self", "d_train"):
        assert of_snares.measure(sounds)[key] == of_snares.measure(first)[key]
    own = scores.nearest(sounds.rows[:55], sounds.rows[:55], skip_self=True)[0].mean()
    held = of_snares.sets[TEST].rows
    unit = scores.nearest(held[:55], held[:55], skip_self=True)[0].mean()
    assert mean(of_snares.measure(sounds), "d_self") == pytest.approx(own / unit)


def test_a_seed_is_that_of_the_clips_the_noise_and_the_latents_and_part_of_the_method(snares, of_snares):
    info = DatasetInfo.load(snares)
    one, same, other = (Evaluation(snares, info, 55, seed, distances=False) for seed in (1, 1, 2))
    assert one.levels == same.levels and one.method == same.method
    for name in (TRAIN, NOISE):
        assert one.sets[name].embeddings.shape == other.sets[name].embeddings.shape
        assert not np.isin(one.sets[name].embeddings, other.sets[name].embeddings).all(), name
    assert len({one.method, other.method, Evaluation(snares, info, 110, 1, distances=False).method}) == 3
    taken = []
    drawn = Uniform().draw(55, (5,), 1)
    one.generated(lambda latents: taken.append(latents) or noisy(latents), drawn)
    np.testing.assert_array_equal(np.concatenate(taken), drawn)


def test_white_noise_is_as_loud_as_the_recordings(of_snares):
    loudness = of_snares.info.loudness["rms_mean"]["linear"]
    audio = np.clip(loudness * np.random.default_rng(9).standard_normal((110, LENGTH, 1)), -1, 1)
    expected = of_snares.embedding.front(audio).mean()
    assert of_snares.sets[NOISE].rows.mean() == pytest.approx(expected, abs=0.02)


def test_clips_are_made_a_few_at_a_time_and_told_to_the_progress(of_snares, monkeypatch):
    whole, made, told = of_snares.generated(noisy, drawn(of_snares)), [], []
    monkeypatch.setattr(protocol, "AT_ONCE", 300 * LENGTH)
    sounds = of_snares.generated(
        lambda latents: made.append(len(latents)) or noisy(latents),
        drawn(of_snares),
        SimpleNamespace(update=told.append),
    )
    assert made == told == [300, 300, 300, 90]
    np.testing.assert_allclose(sounds.embeddings, whole.embeddings, atol=ROUNDED)


# Distances


def test_what_is_heard_is_the_mean_of_4_frames_and_2_bins_above_50_db_below_the_loudest_spot():
    spectrograms = np.random.default_rng(0).uniform(-9, 0, (2, 6, 3))
    shown = [np.maximum(one - one.max() + 2.5 * np.log(10), 0) for one in spectrograms]
    expected = [
        [one[frames, bins].mean() for frames in (slice(4), slice(4, 6)) for bins in (slice(2), slice(2, 3))]
        for one in shown
    ]
    np.testing.assert_allclose(heard(spectrograms), expected, rtol=1e-6)


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_clip_that_is_left_out_is_the_right_one_in_every_block(in_memory):
    blocks, times = np.split(normal(12, 32).reshape(12, 8, 4), [5, 9]), []
    found = Distances(lambda: times.append(0) or iter(blocks), 12 if in_memory else 10**9, (8, 4))
    everything = rows(np.concatenate(blocks))
    for left_out in range(12):
        distances = found.nearest(everything, (left_out,))
        np.testing.assert_array_equal(np.flatnonzero(distances), [left_out])
    assert len(times) == (1 if in_memory else 12)  # what fits in memory is read once
    for left_out in range(12):
        distances, indices = found.nearest_heard(heard(np.concatenate(blocks)), (left_out,))
        np.testing.assert_array_equal(np.flatnonzero(distances), [left_out])
        np.testing.assert_array_equal(np.flatnonzero(indices != np.arange(12)), [left_out])


# The front end


@pytest.mark.parametrize("loudness", [1.0, 1e-5])
def test_a_window_that_is_no_power_of_2_is_padded_and_a_quiet_clip_stands_on_the_floor(loudness):
    front, audio = LogMel(11025, 8192), np.random.default_rng(0).uniform(-1, 1, (1, 8192, 1)).astype("float32")
    frame, hop, width, size = 40, round(0.008 * 11025), round(0.064 * 11025), 1024
    window = np.pad(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(width) / width), (size - width) // 2)
    first = frame * hop - size // 2
    magnitudes = front.filters @ np.abs(np.fft.rfft(window * loudness * audio[0, first : first + size, 0]))
    np.testing.assert_allclose(front(loudness * audio)[0, frame], np.log(magnitudes + 1e-6), atol=1e-3)
    assert loudness == 1 or 1e-7 < magnitudes.min() < magnitudes.max() < 1e-4


def test_blocks_are_whole_clips_one_at_least_and_all_of_them():
    for samples, sizes in ((250, [2, 2, 1]), (50, [1] * 5), (1000, [5])):
        assert [len(block) for block in in_blocks(np.empty((5, 100, 2)), samples)] == sizes
    front = LogMel(RATE, LENGTH)
    assert front(np.empty((0, LENGTH, 1))).shape == (0, *front.shape)


# The embedding


def test_a_change_in_any_file_of_the_data_set_makes_another_embedding(snares, tmp_path, monkeypatch):
    data = Path(shutil.copytree(snares, tmp_path / "data"))
    info, hashes = DatasetInfo.load(data), set()
    files = [data / file["name"] for split in info.splits.values() for file in split["files"]]
    for file in files:
        content = file.read_bytes()
        file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        hashes.add(embedding._content_hash(data, info))
        file.write_bytes(content)
    hashes.add(embedding._content_hash(data, info))
    monkeypatch.setattr(embedding, "FORMAT", -1)
    hashes.add(embedding._content_hash(data, info))
    assert len(hashes) == len(files) + 2 > 4


def test_validation_clips_stand_for_test_clips_where_there_are_none(tmp_path):
    for name, options in {"a": {"validation": 20.0, "test": 0.0}, "b": {"validation": 20.0, "test": 10.0}}.items():
        for index in range(60):
            (tmp_path / name).mkdir(exist_ok=True)
            write_wav(tmp_path / name / f"{index}.wav", drumkit.render("tom", index, RATE)[:, None], RATE)
        prepare([str(tmp_path / name)], tmp_path / f"data {name}",
                Options(sample_rate=RATE, length=LENGTH, slices="first", workers=1, **options))  # fmt: skip
        info = DatasetInfo.load(tmp_path / f"data {name}")
        held = embedding.embedding_of(tmp_path / f"data {name}", info, pytest.fail).real["test"].embeddings
        assert len(held) == info.splits["validation" if name == "a" else "test"]["clips"] > 0
        assert info.splits["validation"]["clips"] != info.splits["test"]["clips"]


def test_a_large_data_set_is_learned_from_in_part_the_same_each_time(snares, of_snares, monkeypatch):
    info, front, learned = DatasetInfo.load(snares), of_snares.embedding.front, []
    monkeypatch.setattr(embedding, "MOST", 50 * int(np.prod(front.shape)))
    real = embedding._projected
    monkeypatch.setattr(embedding, "_projected", lambda part: learned.append(len(part)) or real(part))
    first, second = (embedding._made(snares, info, front, "") for _ in range(2))
    assert learned == [50, 50] and len(first["train/embeddings"]) == 228
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], name)


def test_folders_that_training_has_no_clips_of_are_no_classes(snares, of_snares):
    info = replace(DatasetInfo.load(snares), classes=("snare", "silent"))
    arrays = embedding._made(snares, info, of_snares.embedding.front, "")
    assert embedding.Embedding(info, of_snares.embedding.front, "", arrays).classes == ()


def test_a_projection_weighs_every_place_alike_and_bears_what_never_changes():
    spectrograms = normal(40, 20 * 40).reshape(40, 20, 40)
    louder = spectrograms * np.where(np.arange(40) < 20, 1, 1000)
    averages = embedding._averaged(spectrograms).reshape(40, 16, 32)
    np.testing.assert_allclose(averages[:, 0, 0], spectrograms[:, :2, :2].mean(axis=(1, 2)))
    np.testing.assert_allclose(averages[:, -1, -1], spectrograms[:, -1, -1])
    made = [embedding._projection(embedding._projected(each))(each) for each in (spectrograms, louder)]
    np.testing.assert_allclose(*made, atol=0.05)
    still = np.zeros_like(spectrograms)
    assert np.isfinite(embedding._projection(embedding._projected(still))(still)).all()


def test_a_bin_is_standardised_alike_in_all_frames():
    found = embedding._standard(normal(40, 6).reshape(40, 3, 2))
    assert found["mean"].shape == found["deviation"].shape == (2,)


# What is left behind


def test_the_scores_of_an_earlier_file_come_back_whatever_their_method(tmp_path):
    path = tmp_path / "evaluation.json"
    rows = [{"step": step, "method": method, "scores": {"d_self": step}} for method in "xy" for step in (4, 8)]
    path.write_text(json.dumps({"format": 1, "checkpoints": rows[:2], "others": rows[2:], "data": "drums"}))
    assert store.earlier(path) == rows
    path.write_text(json.dumps({"format": 2, "checkpoints": rows[:2], "others": rows[2:]}))
    assert store.earlier(path) == []
    for text in ("", "[]", "{}", "\udcff", '{"format": 1, "checkpoints": [{"step": 4}], "others": []}'):
        path.write_bytes(text.encode(errors="surrogateescape"))
        assert store.earlier(path) == [], text
    assert store.earlier(tmp_path / "missing") == []


def test_the_scores_of_each_step_and_the_levels_beside_them_replace_what_was_logged(tmp_path):
    levels = {TEST: {"d_self": {"mean": 2.0}}, NOISE: {"d_self": {"mean": 3.0}}}
    for factor in (10.0, 1.0):
        checkpoints = [{"step": step, "scores": {"d_self": {"mean": factor * step}}} for step in (4, 8)]
        store.log(tmp_path, checkpoints, levels)
    assert scalars(tmp_path / GENERATED, "quality/d_self") == {4: 4.0, 8: 8.0}
    assert scalars(tmp_path / TEST, "quality/d_self") == {4: 2.0, 8: 2.0}
    assert scalars(tmp_path / NOISE, "quality/d_self") == {4: 3.0, 8: 3.0}


@pytest.mark.parametrize(
    ("mean", "spread", "shown"),
    [
        (12.345, None, "12.3"),
        (12.345, 0.0, "12.3 ± 0"),
        (0.5, 0.0123, "0.5 ± 0.012"),
        (123.4, 99.7, "123 ± 100"),
        (-1234567.8, None, "-1,234,568"),
        (-0.0012345, None, "-0.0012"),
        (0.00002, None, "0"),
        (-0.00002, None, "0"),
        (0.00006, None, "0.0001"),
        (999.96, None, "1,000"),
    ],
)
def test_a_figure_has_the_digits_that_count(mean, spread, shown):
    assert terminal.text({"mean": mean, "spread": spread}) == shown


def test_the_tables_have_a_column_for_every_set_in_their_order():
    def scored(number):
        return {"mean": number, "spread": None}

    values = {NOISE: scored(3.0), GENERATED: scored(1.0)}
    report = {
        "sets": [GENERATED, TEST, NOISE],
        "scores": [{"key": "recall", "name": "recall", "better": "higher", "values": values}],
        "checkpoints": [{"step": step, "scores": {"recall": scored(step / 4000)}} for step in (1000, 2000)],
        "step": 2000,
        "best_step": 1000,
        "histogram": {GENERATED: {"kick": 0.25, "tom": 0.75}, NOISE: {"kick": 1.0, "tom": 0.0}},
    }
    assert [line.split() for line in terminal.table(report).splitlines()] == [
        ["generated", "test", "data", "white", "noise"], ["recall,", "higher", "1", "–", "3"]
    ]  # fmt: skip
    assert [line.split() for line in terminal.curve(report).splitlines()] == [
        ["step", "recall"], ["1,000", "0.25", "best"], ["2,000", "0.5"]
    ]  # fmt: skip
    assert [line.split() for line in terminal.shares(report).splitlines()] == [
        ["class", "generated", "white", "noise"], ["kick", "25.0%", "100.0%"], ["tom", "75.0%", "0.0%"]
    ]  # fmt: skip
    assert terminal.shares({"histogram": {}}) == ""


def test_a_classifier_is_described_by_the_held_out_clips_it_was_tried_on():
    held = {"train": Real(np.empty((90, 2)), None), "test": Real(np.empty((40, 2)), None)}
    for accuracy, words in ((0.975, "right about 97.5% of 40 "), (0.0, "right about 0.0% of 40 "), (None, "never tri")):
        known = SimpleNamespace(name="judge", classes=("a", "b"), test_accuracy=accuracy, real=held)
        assert words in terminal.described(known)
    assert terminal.described(SimpleNamespace(name="judge", classes=())) == "judge"


def test_a_report_that_cannot_be_written_says_where(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="evaluation .*file cannot be written"):
        store.save(tmp_path / "file", {}, "")


def test_a_stereo_run_is_scored_and_its_page_is_stereo(tmp_path, capsys):
    random = np.random.default_rng(0)
    (tmp_path / "wav").mkdir()
    for index in range(80):
        drum = drumkit.render("tom", index, RATE)[:, None] * [1, random.uniform(0.1, 0.9)]
        write_wav(tmp_path / "wav" / f"{index}.wav", drum.astype("float32"), RATE)
    prepare([str(tmp_path / "wav")], tmp_path / "data",
            Options(sample_rate=RATE, length=LENGTH, channels=2, slices="first", workers=1))  # fmt: skip
    run = tmp_path / "run"
    assert train_command.main(["--data", str(tmp_path / "data"), "--run", str(run), "--steps", "1", *TINY]) == 0
    assert evaluate_command.main(["--run", str(run), "--n", "50"]) == 0, capsys.readouterr().err
    report = json.loads((run / "evaluation" / "evaluation.json").read_text())
    assert report["config"]["channels"] == 2 and {score["key"] for score in report["scores"]} >= {"recall", "d_train"}
    shown = sounds_of((run / "evaluation" / "evaluation.html").read_text(encoding="utf-8"))
    assert len(shown) > 50 and all(samples.shape == (LENGTH, 2) and rate == RATE for samples, rate in shown)
    assert any((samples[:, 0] != samples[:, 1]).any() for samples, _ in shown)
