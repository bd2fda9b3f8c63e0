"""The generator in the browser computes what Keras does, for every kind of WaveGAN."""

import numpy as np
import pytest

from tests.generation.export.support import a_model
from wavegan.generation.export.web import _base64, _described, _file

MADE = "return Array.from(new Network(arguments[0]).sound(Float32Array.from(arguments[1])))"


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    """One that has the network alone."""
    path = tmp_path_factory.mktemp("network") / "network.html"
    path.write_text(f"<script>{_file('network.js')}</script>")
    browser.get(path.as_uri())
    return browser


@pytest.mark.parametrize(
    "model",
    [
        {"networks": "paper"},
        {"networks": "modern", "sound_gain": "yes", "classes": 3},
        {"networks": "modern", "classes": 2, "channels": 2},
        {"networks": "paper", "classes": 2, "channels": 2, "length": 1024},
        {"networks": "modern", "length": 8192, "kernel_length": 24},
        {"networks": "paper", "length": 512, "kernel_length": 9, "latent_size": 7},
        {"networks": "modern", "sound_gain": "yes", "length": 1024, "kernel_length": 4, "classes": 5},
        {"networks": "paper", "length": 2048, "kernel_length": 5, "model_dim": 3},
        {"networks": "modern", "length": 256, "kernel_length": 33},
    ],
    ids=str,
)
def test_the_page_makes_the_sounds_of_the_trainer(page, model):
    sampler, operations = a_model(**model)
    rng = np.random.default_rng(1)
    latents = rng.uniform(-1, 1, (3, *sampler.latent_shape)).astype("float32")
    weights = rng.dirichlet(np.ones(model["classes"]), 3).astype("float32") if "classes" in model else None
    expected = sampler(latents, weights)
    assert np.abs(expected).max() > 0.05
    given = latents if weights is None else np.concatenate([latents, weights], axis=1)
    for one, sound in zip(given.tolist(), expected, strict=True):
        made = np.array(page.execute_script(MADE, [_described(each) for each in operations], one)).reshape(sound.shape)
        np.testing.assert_allclose(made, sound, atol=2e-4)


def test_the_difference_is_the_largest_from_what_the_trainer_made(page):
    sampler, operations = a_model(networks="modern")
    latent = np.random.default_rng(1).uniform(-1, 1, (1, 100)).astype("float32")
    sound = np.rint(32768 * sampler(latent)[0])
    sound[1234] += 3277
    test = {"given": _base64(latent, "<f4"), "sound": _base64(sound, "<i2")}
    script = "return new Network(arguments[0]).difference(arguments[1])"
    described = [_described(each) for each in operations]
    assert page.execute_script(script, described, test) == pytest.approx(0.1, abs=1e-3)
