"""The sweep of recipes at equal time: what is trained, what goes on, what is scored, what is written."""

import json
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from benchmarks import quality
from benchmarks.__main__ import main, parser
from benchmarks.trial import KEPT_EVERY, Clock, Unfinished, held_out_distances, train, trial
from tests.evaluation.support import normal, prepared_drums
from wavegan.base.errors import UserError
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo
from wavegan.models.gan.family import GAN
from wavegan.training.setup import new_config

SMALLEST = "--preset small --model-dim 2 --precision float32"
FLAT = {"fd": 0.5, "is": 7.0}


def line(recipe, fd, minutes=2, seed=0, data="drums", **found):
    return {"data": data, "fingerprint": "x", "recipe": recipe, "minutes": minutes, "seed": seed, "n": 100, "steps": 10,
            "steps_per_second": 5.0, "clips": 100, "clips_at_once": 50, "judge": 0.95,
            "found": {"fd": fd, **found}, "recordings": {"test data": FLAT}}  # fmt: skip


@pytest.mark.parametrize("comparison", quality.COMPARISONS)
def test_every_comparison_has_its_name_and_recipes_that_are_possible(comparison):
    words = ["quality", "--data", "x", "--out", "x", "--compare", comparison]
    assert parser().parse_args(words).compare == comparison
    for text in quality.COMPARISONS[comparison].values():
        assert quality.recipe(text)


def test_a_recipe_is_flags_of_the_training():
    assert quality.recipe("--preset small --model-dim 24") == (GAN, {"preset": "small", "model_dim": 24})
    family, given = quality.recipe("train_diffusion.py --width 24")
    assert (family.name, given) == ("diffusion", {"width": 24})
    with pytest.raises(UserError, match="is no recipe: expected flags"):
        quality.recipe("--colour 3")
    with pytest.raises(UserError, match="has --steps, which the sweep decides"):
        quality.recipe("--preset small --steps 10")
    with pytest.raises(UserError, match="--spectral-window must be"):
        quality.recipe("--spectral-window 100")


def test_the_better_half_goes_on_by_the_geometric_mean_over_data_sets():
    recipes = {"one": "1", "two": "2", "three": "3"}
    lines = [line("1", 10), line("2", 8), line("3", 30), line("1", 1, data="digits"), line("2", 2, data="digits"),
             line("3", 0.1, data="digits")]  # fmt: skip
    assert list(quality.better_half(recipes, lines)) == ["one", "three"]  # √10 and √3, before √16
    assert list(quality.better_half({"one": "1", "two": "2"}, lines)) == ["one"]


def test_recipes_are_chosen_by_validation_clips_and_not_by_those_to_train_on_or_report_on():
    recipes = {"one": "1", "two": "2"}
    lines = [line("1", 8, fd_validation=10, fd_test=11), line("2", 9, fd_validation=9, fd_test=12)]
    assert list(quality.better_half(recipes, lines)) == ["two"]
    older = [line("1", 8, seed=1), line("2", 9, seed=1)]
    assert list(quality.better_half(recipes, [*lines, *older])) == ["one"]  # all by what all have
    other = [line("1", 8, data="digits"), line("2", 7.5, data="digits")]
    assert list(quality.better_half(recipes, [*lines, *other])) == ["two"]  # each data set by what its own lines have


def test_a_sweep_trains_what_is_not_there_and_only_the_better_half_for_longer(drums, tmp_path, monkeypatch, capsys):
    made = []

    def child(command, **_):
        asked = json.loads(command[-1])
        made.append((asked["text"], asked["minutes"], asked["seed"]))
        found = line("", {"--ema 0.5": 3.0}.get(asked["text"], 5.0) / asked["minutes"])
        own = {name: value for name, value in found.items() if name not in quality.Trial("", "", 0, 0, 0).key({"": ""})}
        return SimpleNamespace(returncode=code, stdout=json.dumps(own) + "\n")

    code = 0
    monkeypatch.setattr(quality.subprocess, "run", child)
    monkeypatch.setattr(quality, "on_cores", lambda count: None)
    words = ["quality", "--data", str(drums), "--out", str(tmp_path / "sweep"), "--seeds", "0", "--minutes", "1", "2"]
    words += ["--recipe", "--ema 0.9", "--ema 0.5"]
    assert main(words) == 0
    assert made == [("--ema 0.9", 1.0, 0), ("--ema 0.5", 1.0, 0), ("--ema 0.5", 2.0, 0)]
    table = (tmp_path / "sweep" / "table.md").read_text()
    assert capsys.readouterr().out.strip() == table.strip()
    assert table.index("| --ema 0.5 | 5 | 3 |") < table.index("| --ema 0.9 | 5 | 5 |") < table.index("2 minutes")
    assert (tmp_path / "sweep" / "curves.png").stat().st_size > 1000
    made.clear()
    assert main(words) == 0 and not made  # all is there
    assert main([*words, "--keep-all"]) == 0 and made == [("--ema 0.9", 2.0, 0)]
    assert len((tmp_path / "sweep" / "lines.jsonl").read_text().splitlines()) == 4
    assert main([*words, "--n", "50"]) == 0 and len(made) == 1 + 3  # other scores
    code = 2
    assert main([*words[:-2], "--ema 0.1"]) == 2
    assert "the training of --ema 0.1 stopped with exit code 2" in capsys.readouterr().err


def test_a_table_has_every_seed_and_recordings_below():
    recipes = {"one": "1", "two": "2"}
    lines = [line("1", 10, seed=0, recognised=0.5), line("1", 12, seed=1, recognised=0.75), line("2", 8.25)]
    rows = quality.tables(lines, recipes).splitlines()
    assert rows[0] == "### drums, 2 minutes" and rows[2] == "| | steps/s | FD | recognised |"
    assert rows[4] == "| two | 5 | 8.25 |  |"
    assert rows[5] == "| one | 5, 5 | 10, 12 | 50%, 75% |"
    assert rows[6] == "| *test data* |  | 0.5 |  |"
    assert rows[8].endswith("right about 95.0% of held-out recordings. Seeds, in turn: 0, 1.")


def test_a_clock_ends_a_training_by_time_and_rates_fall_by_it(drums, tmp_path):
    info = DatasetInfo.load(drums)
    records = Records(drums, info)
    config = new_config(drums, info, quality.recipe(SMALLEST)[1], GAN, records)
    model = config.build_model()
    first, ticks = model.state(), iter(np.arange(1e6))
    seconds = [0.0]
    clock = Clock(1.0, now=lambda: seconds[0])
    shares = []

    class Ticks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seconds[0] += 20.0
            shares.append(float(model.optimizer.learning_rate.numpy()))

    fit = model.fit

    def fitted(*arguments, callbacks=(), **words):
        if not callbacks:  # the steps that are compiled
            assert next(ticks) == 0
            return fit(*arguments, **words)
        assert all(np.array_equal(first[name], array) for name, array in model.state().items())
        return fit(*arguments, callbacks=[Ticks(), *callbacks], **words)

    model.fit = fitted
    train(model, config, records, info, clock, Unfinished(tmp_path / "kept.npz", clock, config))
    assert clock.steps == 3 and clock.spent == 60.0 and model.step == 3
    assert shares == sorted(shares, reverse=True) and shares[0] > shares[-1] >= 0.05 * 1e-3


def test_a_training_that_was_interrupted_goes_on_from_what_was_kept(drums, tmp_path, capsys):
    info = DatasetInfo.load(drums)
    records = Records(drums, info)
    config = new_config(drums, info, quality.recipe(SMALLEST)[1], GAN, records)
    seconds, kept = [0.0], tmp_path / "kept.npz"

    class Ticks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seconds[0] += KEPT_EVERY
            if self.stopped and batch == 1:
                raise KeyboardInterrupt

    def trained(stopped, config=config):
        model, clock, ticks = config.build_model(), Clock(4 * KEPT_EVERY / 60, now=lambda: seconds[0]), Ticks()
        fit, ticks.stopped = model.fit, stopped
        model.fit = lambda *arguments, callbacks=(), **words: fit(
            *arguments, callbacks=[*([ticks] if callbacks else []), *callbacks], **words
        )
        train(model, config, records, info, clock, Unfinished(kept, clock, config))
        return model, clock

    with pytest.raises(KeyboardInterrupt):
        trained(stopped=True)
    with np.load(kept) as arrays:
        assert (arrays["steps"], arrays["seconds"]) == (1, KEPT_EVERY)
    content = kept.read_bytes()
    trained(stopped=False, config=config.changed({"seed": 5}))  # another training: begun anew
    assert "is of another training" in capsys.readouterr().err
    kept.write_bytes(content)
    seconds[0] = 2 * KEPT_EVERY
    model, clock = trained(stopped=False)
    assert clock.steps == model.step == 4 and clock.spent == 4 * KEPT_EVERY and seconds[0] == (2 + 3) * KEPT_EVERY


def test_a_trial_is_scored_and_pictured(tmp_path):
    kit = prepared_drums(tmp_path / "kit" / "wav")
    found = trial(str(kit), SMALLEST, 0.01, 0, 50, tmp_path / "sheet.png")
    assert found["steps"] >= 1 and found["clips"] == 50 and found["precision"] == "float32"
    assert {
        "fd",
        "fd_validation",
        "fd_test",
        "is",
        "recall",
        "recognised",
        "least_frequent",
        "loudness",
        "very_near",
    } <= found["found"].keys()
    assert 0 <= found["found"]["recognised"] <= 1 and found["recordings"]["white noise"]["fd"] > 0
    assert [path.name for path in tmp_path.glob("sheet*")] == ["sheet.png"]
    assert (tmp_path / "sheet.png").stat().st_size > 1000


def test_held_out_recordings_are_halved_for_choosing_and_for_reporting():
    recordings = normal(100) + np.arange(100)[:, None] % 2  # the mean of every other one is 1 higher
    chosen_by, reported = (
        held_out_distances(recordings[::2], recordings),
        held_out_distances(recordings[1::2], recordings),
    )
    assert chosen_by["fd_validation"] == pytest.approx(0, abs=1e-6) and chosen_by["fd_test"] > 1
    assert reported["fd_test"] == pytest.approx(0, abs=1e-6) and reported["fd_validation"] > 1
