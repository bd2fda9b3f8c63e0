"""A run for other runtimes: an ONNX file, a file for LiteRT, a SavedModel. Latents and class weights in, audio out.

All are written from the operations of `models.portable`, and make sounds before they are kept, which are compared with
those of the trainer.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import wavegan
from wavegan.base.errors import UserError
from wavegan.base.files import staged_folder, write_new
from wavegan.base.quiet import native_stderr_hidden
from wavegan.base.text import tell
from wavegan.generation.generate import load_sampler, load_weights
from wavegan.models import classes
from wavegan.models.family import family_named
from wavegan.models.portable import Operation
from wavegan.runs.run import Run

EXACT = 1e-5  # the largest difference from the trainer's sounds
FACTS, LITE = "facts.json", "model.tflite"  # files in a folder


@dataclass(frozen=True)
class Exported:
    """What `export` made: where, from which checkpoint, and the largest difference from the trainer's sounds."""

    path: Path
    step: int
    difference: float


@dataclass(frozen=True)
class Generator:
    """A generator that is to be written, and sounds that it must make.

    Attributes:
        operations: from what is given to audio.
        facts: what a user of the file must know, {name: text or what JSON holds}.
        given: {"latents": [n, size], "classes": [n, classes] if there are some}.
        audio: what the trainer makes of that, in float32, [n, time, channels].
    """

    operations: list[Operation]
    facts: dict[str, Any]
    given: dict[str, np.ndarray]
    audio: np.ndarray

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of a latent, and of classes."""
        return self.given["latents"].shape[1], len(self.facts["classes"])

    def difference(self, audio: np.ndarray, run: Run) -> float:
        """The largest one of `audio` from the trainer's. Raises UserError where it is more than 1e-5."""
        found = float(np.abs(audio - self.audio).max())
        if not found <= EXACT:
            raise UserError(
                f"what was made of {run.path} makes other sounds than the trainer: they differ by {found:.1e}, "
                f"expected {EXACT} at most. Try another version of the runtime."
            )
        return found


def export(
    run: Run,
    kind: str,
    step: int | None = None,
    out: str | Path | None = None,
    warn: Callable[[str], object] = tell,
) -> Exported:
    """Write a run for other runtimes.

    Args:
        run: a `runs.Run`.
        kind: "onnx", a file, with the facts in its metadata; or "tflite" or "savedmodel", a folder with `facts.json`.
        step: the checkpoint's; the newest that is whole when None.
        out: the file or folder; `exported/<run>.onnx` or `exported/<run>-<kind>` when None. Where it is there already,
            a number is added.
        warn: called with a line for each newer checkpoint that is damaged.

    Raises UserError when there is nothing to export, no place to write to, or the runtime makes other sounds.
    """
    step, generator = _generator(run, step, warn)
    out = Path(out or Path("exported") / f"{run.name}{'.onnx' if kind == 'onnx' else f'-{kind}'}")
    try:
        path, difference = (_file if kind == "onnx" else _folder)(run, generator, kind, out, warn)
    except OSError as problem:
        raise UserError(f"{out} cannot be written ({problem.strerror}). Give another place with --out.") from None
    return Exported(path, step, difference)


def _generator(run: Run, step: int | None, warn: Callable[[str], object]) -> tuple[int, Generator]:
    step, arrays = load_weights(run, step, warn)
    sampler, config, _ = load_sampler(run, step, warn, "float32")
    family = family_named(config.family)
    facts = {
        **{"run": run.name, "step": step, "version": wavegan.__version__, "classes": list(config.classes)},
        **{"sample_rate": config.data.sample_rate, "length": config.data.length, "channels": config.data.channels},
        "latents": {"size": int(np.prod(sampler.latent_shape)), "distribution": "uniform", "range": [-1, 1]},
    }
    latents = family.latents.draw(16, sampler.latent_shape, 0)
    weights = classes.drawn([1] * len(config.classes), 16, 0) if config.classes else None
    given = {"latents": latents} | ({} if weights is None else {"classes": weights})
    operations = list(family.operations(config.model, config.data.clip, arrays))
    return step, Generator(operations, facts, given, sampler(latents, weights))


def _file(run: Run, generator: Generator, kind: str, out: Path, warn: Callable[[str], object]) -> tuple[Path, float]:
    from wavegan.generation.export.onnx_graph import graph, run_graph

    content = graph(generator.operations, *generator.sizes, generator.facts)
    difference = generator.difference(run_graph(content, generator.given), run)
    return write_new(out, content), difference


def _folder(run: Run, generator: Generator, kind: str, out: Path, warn: Callable[[str], object]) -> tuple[Path, float]:
    from wavegan.backend import tensorflow_files as tensorflow

    with staged_folder(out, warn, numbered=True) as staged, native_stderr_hidden():
        folder, operations, sizes = staged.partial, generator.operations, generator.sizes
        if kind == "savedmodel":
            tensorflow.save_model(operations, *sizes, folder)
            audio = tensorflow.run_model(folder, generator.given)
        else:
            content = tensorflow.lite_model(operations, *sizes)
            audio = tensorflow.run_lite_model(content, generator.given)
            (folder / LITE).write_bytes(content)
        (folder / FACTS).write_text(json.dumps(generator.facts, indent=2), encoding="utf-8")
        difference = generator.difference(audio, run)
    return staged.target, difference
