"""A run for other runtimes: an ONNX file, a file for LiteRT, a SavedModel.

All are written from the operations of `models.portable`. Before they are kept, what they make is compared with what the
trainer makes of the same.
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
from wavegan.models.portable import Example, Operation
from wavegan.runs.run import Run

EXACT = 1e-5  # the largest difference from what the trainer makes
FACTS, LITE = "facts.json", "model.tflite"  # files in a folder


@dataclass(frozen=True)
class Exported:
    """What `export` made: where, from which checkpoint, what of it, and the largest difference from the trainer's."""

    path: Path
    step: int
    inputs: tuple[str, ...]
    output: str
    difference: float


@dataclass(frozen=True)
class Network:
    """A network that is to be written, and what it must make.

    Attributes:
        operations: from its inputs to its output.
        facts: what a user of the file must know, {name: text or what JSON holds}.
        example: what it must make of what.
    """

    operations: list[Operation]
    facts: dict[str, Any]
    example: Example

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of a latent, and of classes."""
        return self.example.given["latents"].shape[1], len(self.facts["classes"])

    def difference(self, made: np.ndarray, run: Run) -> float:
        """The largest one of what was `made` from the trainer's, as a share of the largest value, 1 at least.

        Raises UserError where it is more than 1e-5.
        """
        expected = self.example.made
        found = float(np.abs(made - expected).max() / max(1.0, np.abs(expected).max()))
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
    step, network = _network(run, step, warn)
    out = Path(out or Path("exported") / f"{run.name}{'.onnx' if kind == 'onnx' else f'-{kind}'}")
    try:
        path, difference = (_file if kind == "onnx" else _folder)(run, network, kind, out, warn)
    except OSError as problem:
        raise UserError(f"{out} cannot be written ({problem.strerror}). Give another place with --out.") from None
    return Exported(path, step, tuple(network.example.given), network.example.output, difference)


def _network(run: Run, step: int | None, warn: Callable[[str], object]) -> tuple[int, Network]:
    step, arrays = load_weights(run, step, warn)
    sampler, config, _ = load_sampler(run, step, warn)
    family = family_named(config.family)
    latents = family.latents.draw(16, sampler.latent_shape, 0)
    weights = classes.drawn([1] * len(config.classes), 16, 0) if config.classes else None
    example = family.example(sampler, latents, weights)
    facts = {
        **{"run": run.name, "step": step, "version": wavegan.__version__, "family": config.family},
        **{"sample_rate": config.data.sample_rate, "length": config.data.length, "channels": config.data.channels},
        **{"classes": list(config.classes), **example.facts},
        **({"licence": run.licence} if run.licence else {}),
    }
    return step, Network(list(family.operations(config.model, config.data.clip, arrays)), facts, example)


def _file(run: Run, network: Network, kind: str, out: Path, warn: Callable[[str], object]) -> tuple[Path, float]:
    from wavegan.generation.export.onnx_graph import graph, run_graph

    content = graph(network.operations, network.example, network.facts)
    difference = network.difference(run_graph(content, network.example.given), run)
    return write_new(out, content), difference


def _folder(run: Run, network: Network, kind: str, out: Path, warn: Callable[[str], object]) -> tuple[Path, float]:
    from wavegan.backend import tensorflow_files as tensorflow

    with staged_folder(out, warn, numbered=True) as staged, native_stderr_hidden():
        folder, operations, sizes, given = staged.partial, network.operations, network.sizes, network.example.given
        if kind == "savedmodel":
            tensorflow.save_model(operations, *sizes, folder)
            audio = tensorflow.run_model(folder, given)
        else:
            content = tensorflow.lite_model(operations, *sizes)
            audio = tensorflow.run_lite_model(content, given)
            (folder / LITE).write_bytes(content)
        (folder / FACTS).write_text(json.dumps(network.facts, indent=2), encoding="utf-8")
        difference = network.difference(audio, run)
    return staged.target, difference
