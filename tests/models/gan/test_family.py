"""The WaveGAN as a model family: names of older checkpoints, what it takes and what it refuses."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from wavegan.models.family import ClipFormat
from wavegan.models.gan.family import EXPECTATION, GAN
from wavegan.models.gan.settings import Settings

QUALITY = Path(__file__).resolve().parents[3] / "docs" / "quality.jsonl"
SMALL = Settings(model_dim=2, kernel_length=9, latent_size=5)


def arrays(*names):
    return {f"{name}/000/kernel": np.full(2, number) for number, name in enumerate(names)}


def test_checkpoints_of_0_1_make_their_sounds_with_the_average_or_else_with_the_generator():
    averaged = arrays("generator", "critic", "averaged_generator")
    assert GAN.renamed(averaged).keys() == arrays("generator", "critic", "sampler").keys()
    assert GAN.renamed(averaged)["sampler/000/kernel"] is averaged["averaged_generator/000/kernel"]
    plain = arrays("generator", "critic")  # of the preset paper, which takes no average
    assert GAN.renamed(plain).keys() == arrays("sampler", "critic").keys()
    assert GAN.renamed(plain)["sampler/000/kernel"] is plain["generator/000/kernel"]


def test_names_of_today_stay():
    for today in (arrays("sampler", "critic"), arrays("sampler", "generator", "critic")):
        assert GAN.renamed(today) == today


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_the_sampler_alone_makes_the_sounds_of_the_model_in_float32(ema, precision):
    clip = ClipFormat(8000, 256, 1)
    settings = Settings(model_dim=2, kernel_length=9, latent_size=5, ema=ema)
    model = GAN.model(settings, clip, seed=3, precision=precision)
    alone, sampler = GAN.sampler(settings, clip), model.sampler()
    drawn = {name: np.cos(np.arange(array.size)).reshape(array.shape) for name, array in model.state().items()}
    weights = {name: array for name, array in drawn.items() if name.startswith(("sampler/", "generator/"))}
    model.restore(model.state() | weights)
    alone.restore({name: array for name, array in weights.items() if name.startswith("sampler/")})
    latents = GAN.latents.draw(4, GAN.latent_shape(settings, clip), seed=0)
    assert alone.latent_shape == (5,)
    np.testing.assert_array_equal(alone(latents), sampler(latents))


def test_classes_are_refused_by_a_model_that_knows_none():
    sampler = GAN.sampler(SMALL, ClipFormat(8000, 256, 1))
    with pytest.raises(ValueError, match="Expected no classes"):
        sampler(np.zeros((1, 5), "float32"), np.eye(1))


def test_weights_of_other_sizes_are_refused():
    sampler = GAN.sampler(SMALL, ClipFormat(8000, 256, 1))
    with pytest.raises(ValueError, match="expected weights of the shapes"):
        sampler.restore({"sampler/000/kernel": np.zeros((5, 7))})


def test_what_to_expect_is_what_was_measured():
    """Each share and its steps beside the lines of that training: `--preset`, minutes and every seed, in bfloat16."""
    lines = map(json.loads, QUALITY.read_text(encoding="utf-8").splitlines())
    # Some are of what is not in the program, and some of a machine that makes other steps.
    measured = [line for line in lines if "changed" not in line and line["precision"] == "bfloat16"]
    kit, digits = EXPECTATION.split(". ")[0].split(";")
    trainings = {
        ("drums-8k", kit): [("--preset tiny", 2), ("--preset small", 10), ("--preset small", 35)],
        ("digits-8k", digits): [("--preset small", 15), ("--preset small", 60)],
    }
    for (data, words), asked in trainings.items():
        told = re.findall(r"(\d+) %[^%]* after (?:some )?([\d,]+)", words)
        for (share, steps), (recipe, minutes) in zip(told, asked, strict=True):
            what = (data, recipe, minutes)
            lines = [line for line in measured if (line["data"], line["recipe"], line["minutes"]) == what]
            assert lines and all(abs(int(steps.replace(",", "")) / line["steps"] - 1) < 0.05 for line in lines), what
            lowest = min(line["found"]["recognised"] for line in lines)
            assert lowest - 0.02 < int(share) / 100 <= lowest, what
