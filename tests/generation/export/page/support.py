"""What the tests of the page share: the page of a run, and what it is asked in the browser."""

import base64

import keras
import numpy as np

from wavegan.generation.export.web import _described
from wavegan.models.family import ClipFormat, family_named
from wavegan.models.gan.settings import Settings

# Functions of a test, given to the page: what it would save is caught, and promises are waited for.
CAUGHT = "window.saved = {}; window.save = (name, content) => (saved[name] = content)"
AS_TEXT = """
let text = "";
for (const byte of saved[arguments[0]] ?? []) text += String.fromCharCode(byte);
return btoa(text);
"""


def opened(browser, address, width=1280):
    """The page at `address`, once it is ready to play."""
    browser.look(prefers_color_scheme="light")
    browser.width(width)
    browser.get("about:blank")  # so that another hash is another page
    browser.get_log("browser")
    browser.get(address)
    browser.wait(lambda: browser.execute_script("return document.documentElement.dataset.ready"), "the page is ready")
    browser.execute_script(CAUGHT)
    return browser


def said(browser):
    return browser.execute_script("return document.getElementById('status').textContent")


def awaited(browser, expression, *arguments):
    """What a promise of the page gives."""
    script = (
        "const done = arguments[arguments.length - 1]; Promise.resolve((() => %s)()).then(done, (e) => done(String(e)))"
    )
    return browser.execute_async_script(script % expression, *arguments)


def sounds(browser):
    """The audio of the eight voices."""
    return np.array(browser.execute_script("return audios.map((audio) => Array.from(audio))"), "float32")


def saved(browser, name):
    """The bytes of a file that the page saved; empty before."""
    return base64.b64decode(browser.execute_script(AS_TEXT, name))


def a_model(length=4096, channels=1, classes=0, seed=0, **settings):
    """A sampler with random weights, everywhere, and its operations as the page gets them."""
    keras.utils.set_random_seed(seed)
    names = tuple(map(str, range(classes)))
    settings = Settings(**{"model_dim": 2, "conditional": "yes" if classes else "no", **settings})
    clip = ClipFormat(8000, length, channels, names)
    family = family_named("gan")
    sampler = family.sampler(settings, clip, "float32")
    rng = np.random.default_rng(seed)
    arrays = {}
    for place, weight in enumerate(sampler.generator.weights):
        values = np.asarray(weight)
        arrays[f"sampler/{place:03d}"] = values + 0.1 * rng.standard_normal(values.shape).astype("float32")
    sampler.restore(arrays)
    return sampler, [_described(each) for each in family.operations(settings, clip, arrays)]
