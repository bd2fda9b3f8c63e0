"""The comparison of variants: what is trained, what is scored, what is written."""

import json
from types import SimpleNamespace

import pytest

from benchmarks import quality
from benchmarks.__main__ import parser
from wavegan.base.errors import UserError
from wavegan.evaluation.protocol import NOISE, TEST
from wavegan.models.gan.family import GAN
from wavegan.runs.flags import resolve


def row(variant, seed, step, averaged=True, distance=1.0):
    return {"variant": variant, "averaged": averaged, "seed": seed, "step": step, "minutes": step / 10,
            "scores": {"frechet_distance": distance, "d_self": 1.0}}  # fmt: skip


VARIANTS = quality.COMPARISONS["settings"][1]


@pytest.mark.parametrize("comparison", ["settings", "tiny", "default"])
def test_variants_differ_from_the_first_in_one_setting_each(comparison):
    _, variants = quality.COMPARISONS[comparison]
    (_, base), *others = variants.values()
    for _, flags in others:
        assert flags[::2] == base[::2]
        assert sum(mine != its for mine, its in zip(flags, base, strict=True)) == 1


def test_every_comparison_has_its_name_on_the_command_line():
    words = ["quality", "--data", "x", "--runs", "x", "--out", "x", "--compare"]
    assert [parser().parse_args([*words, name]).compare for name in quality.COMPARISONS] == [*quality.COMPARISONS]


def test_a_run_that_is_done_stays_and_one_that_was_interrupted_goes_on(monkeypatch, tmp_path):
    started = []
    code = SimpleNamespace(returncode=0)
    monkeypatch.setattr(quality.subprocess, "run", lambda command, **_: started.append(command[1:]) or code)
    run = SimpleNamespace(
        path=tmp_path, exists=lambda: True, latest=lambda: 10, config=lambda: resolve({}, GAN, gpu=True)
    )
    quality._train(run, None, "small", ())
    assert started == [["train_wavegan.py", "--run", str(tmp_path)]]
    run.config = lambda: resolve({"steps": 10}, GAN, gpu=True)
    quality._train(run, None, "small", ())
    assert len(started) == 1
    run.config, code.returncode = lambda: resolve({}, GAN, gpu=True), 130
    with pytest.raises(UserError, match=r"exit code 130: train_wavegan.py --run .*\. To go on, start again"):
        quality._train(run, None, "small", ())


def test_what_is_scored_are_the_planned_checkpoints_also_of_a_training_that_was_interrupted(monkeypatch, tmp_path):
    found = {"frechet_distance": {"mean": 1.0}}
    evaluation = SimpleNamespace(n=4, seed=0, generated=lambda *_: None, measure=lambda _: found)
    sampler = SimpleNamespace(latent_shape=(3,))
    monkeypatch.setattr(quality, "load_sampler", lambda run, step: (sampler, None, step))
    run = SimpleNamespace(path=tmp_path, config=lambda: resolve({"checkpoint_every": 12}, GAN, gpu=True))
    run.load = lambda step, prefix: {}
    run.steps = lambda: [0, 12, 19, 24]  # it was stopped at step 19
    flags = SimpleNamespace(points=2, minutes=1.0)
    rows = [*quality._scored("x", 0, run, evaluation, flags, None)]
    assert [row["step"] for row in rows] == [12, 12, 24, 24] and rows[0]["minutes"] == 0.5
    with pytest.raises(UserError, match="has 2 checkpoints: expected 3"):
        [*quality._scored("x", 0, run, evaluation, SimpleNamespace(points=3, minutes=1.0), None)]


def test_the_table_has_the_mean_and_every_seed_of_the_last_checkpoints():
    rows = [row("base", seed, step, averaged, 10 * seed + step + (not averaged))
            for seed in (0, 1) for step in (5, 10) for averaged in (True, False)]  # fmt: skip
    rows += [row(variant, seed, 10) for variant in ("critic2", "noshuffle") for seed in (0, 1)]
    references = {TEST: {"frechet_distance": 0.5, "d_self": 1.0}}
    lines = quality.markdown(quality.lines_of(rows, VARIANTS), references).splitlines()
    assert lines[0] == "| | FD | \\|D\\|self |"
    assert "| 15 (10, 20) |" in lines[2] and lines[2].startswith("| 5 critic updates, phase shuffle 2, average |")
    assert lines[5].startswith("| no average | 16 (11, 21) |")
    assert lines[6] == "| test data | 0.5 | 1 |"


def test_the_picture_shows_a_line_for_each_seed_and_the_references():
    rows = [row(variant, seed, step) for variant in VARIANTS for seed in (0, 1) for step in (5, 10)]
    rows += [row("base", seed, step, averaged=False) for seed in (0, 1) for step in (5, 10)]
    references = {name: {"frechet_distance": value, "d_self": 1.0} for name, value in ((TEST, -0.3), (NOISE, 70.0))}
    (axes,) = quality._draw(quality.lines_of(rows, VARIANTS), references, "x").axes
    assert len(axes.lines) == 4 * (2 + 1) + 2
    assert json.loads(json.dumps(rows)) == rows and -10 < axes.get_ylim()[0] <= -0.3
