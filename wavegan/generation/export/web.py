"""A run as a web page: one HTML file with the generator inside, which makes new sounds from disk, without a network.

The weights are 16-bit whole numbers with a scale for each channel of a layer's output, in base64: 2.7 bytes each.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import wavegan
from wavegan.audio.wav import PLAYABLE_HZ, to_pcm16
from wavegan.base.errors import UserError
from wavegan.base.files import write_new
from wavegan.base.text import tell
from wavegan.generation.export.drums import drum_notes
from wavegan.generation.generate import load_sampler, load_weights
from wavegan.models import classes
from wavegan.models.family import family_named
from wavegan.models.portable import Operation
from wavegan.runs.config import Config
from wavegan.runs.run import Run

PAGE = "wavegan.generation.export.page"
SCRIPTS = (  # in this order: the last one begins
    *("latents.js", "sounds.js", "pictures.js", "audio.js", "files.js", "state.js", "controls.js"),
    *("machine.js", "making.js", "playing.js", "saving.js", "begin.js"),
)
STEEPEST = 32767  # the largest whole number of a weight
GRID = 127  # steps of a latent's number from 0 to 1, as the page keeps them
VOICES = 8  # of the drum machine
ORDER = (36, 38, 42, 46, 39, 37, 45, 56)  # of drums on it


@dataclass(frozen=True)
class Page:
    """What `web` made: where, from which checkpoint, its bytes, and how far its weights are from the trainer's.

    Attributes:
        difference: the largest that the rounding of the weights makes in a sound, where 1 is full scale.
    """

    path: Path
    step: int
    size: int
    difference: float


def web(
    run: Run,
    step: int | None = None,
    out: str | Path | None = None,
    warn: Callable[[str], object] = tell,
) -> Page:
    """Write the page of a run.

    Args:
        run: a `runs.Run`.
        step: the checkpoint's; the newest that is whole when None.
        out: the file; `exported/<run>.html` when None. Where it is there already, a number is added.
        warn: called with a line for each newer checkpoint that is damaged.

    Raises UserError when there is nothing to export, browsers do not play the sample rate, or no place to write to.
    """
    rate, (least, most) = run.config().data.sample_rate, PLAYABLE_HZ
    if not least <= rate <= most:
        raise UserError(f"a page needs a sample rate from {least:,} to {most:,} Hz. The run's is {rate}.")
    step, arrays = load_weights(run, step, warn)
    sampler, config, _ = load_sampler(run, step, warn)
    rounded = {name: _unpacked(*_packed(array)) for name, array in arrays.items()}
    latents = np.rint(GRID * family_named(config.family).latents.draw(16, sampler.latent_shape, 0)) / np.float32(GRID)
    weights = classes.drawn([1] * len(config.classes), 16, 0) if config.classes else None
    audio = sampler(latents, weights)
    sampler.restore(rounded)
    difference = float(np.abs(sampler(latents, weights) - audio).max())

    family = family_named(config.family)
    given = latents[0] if weights is None else np.concatenate([latents[0], weights[0]])
    model = {
        **_facts(run, config, step),
        "operations": [_described(each) for each in family.operations(config.model, config.data.clip, arrays)],
        "test": {"given": _base64(given, "<f4"), "sound": _base64(to_pcm16(audio[0]), "<i2")},
    }
    html = _html(run.name, model, run.licence).encode()
    out = Path(out or Path("exported") / f"{run.name}.html")
    try:
        path = write_new(out, html)
    except OSError as problem:
        raise UserError(f"{out} cannot be written ({problem.strerror}). Give another file with --out.") from None
    return Page(path, step, len(html), difference)


def _facts(run: Run, config: Config, step: int) -> dict[str, Any]:
    """What the page says of the model, and which classes its voices begin with."""
    notes = [next(iter(drum_notes(name)), None) for name in config.classes]
    order = sorted(range(len(notes)), key=lambda each: ORDER.index(notes[each]) if notes[each] in ORDER else len(ORDER))
    fingerprint = hashlib.sha256((run.fingerprint(step) or "").encode()).hexdigest()[:8]
    return {
        **{"format": 1, "run": run.name, "step": step, "model": fingerprint, "version": wavegan.__version__},
        **{"rate": config.data.sample_rate, "length": config.data.length, "channels": config.data.channels},
        **{"latent": int(np.prod(family_named(config.family).latent_shape(config.model, config.data.clip)))},
        **{"classes": list(config.classes), "notes": notes},
        "first": [order[voice % len(order)] for voice in range(VOICES)] if order else [],
    }


def _described(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": operation.kind}
    if operation.arrays:
        packed = [_packed(array) for array in operation.arrays]
        found["arrays"] = [
            {"shape": values.shape, "values": _base64(values, "<i2"), "scales": _base64(scales, "<f4")}
            for values, scales in packed
        ]
    return found | ({"stride": operation.stride} if operation.kind == "upsample" else {})


def _packed(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole numbers of the shape of `array`, and the scales of the places of its last axis that they are times of."""
    largest = np.abs(array).reshape(-1, array.shape[-1]).max(axis=0)
    scales = np.where(largest > 0, largest / STEEPEST, 1).astype("float32")
    return np.rint(array / scales).astype("int16"), scales


def _unpacked(values: np.ndarray, scales: np.ndarray) -> np.ndarray:
    return values * scales


def _base64(values: np.ndarray, kind: str) -> str:
    return b64encode(np.ascontiguousarray(values, kind).tobytes()).decode()


def _html(title: str, model: dict[str, Any], licence: str | None) -> str:
    """The page as text."""
    network, script = _file("network.js"), "\n".join(map(_file, SCRIPTS))
    found = Environment(loader=PackageLoader(PAGE, "."), autoescape=True, undefined=StrictUndefined)
    page = found.get_template("page.html").render(
        title=title,
        licence=licence,
        style=Markup(_file("page.css")),
        network=Markup(network),
        script=Markup(script),
        hashes=[b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in (network, script)],
        model=Markup(json.dumps(model, separators=(",", ":")).replace("<", "\\u003c")),
    )
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def _file(name: str) -> str:
    return resources.files(PAGE).joinpath(name).read_text(encoding="utf-8")
