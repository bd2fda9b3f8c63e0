"""A kit of a run's sounds, for a sampler: WAV files, an SFZ and a Decent Sampler preset, and a zip of all that."""

import secrets
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from wavegan.audio.mel import LogMel
from wavegan.audio.wav import write_wav
from wavegan.base.errors import UserError
from wavegan.base.files import in_file_name, staged_folder
from wavegan.base.text import printable, tell
from wavegan.generation.export import presets
from wavegan.generation.export.choice import Judge, differing
from wavegan.generation.export.drums import keys
from wavegan.generation.generate import load_sampler
from wavegan.models import classes
from wavegan.models.family import Sampler, family_named
from wavegan.runs.config import Config
from wavegan.runs.run import Run

CANDIDATES, SURE = 8, 2  # sounds that are made for each that is kept, and those of them that are sure enough
AT_ONCE = 256  # sounds judged at once, which bounds the memory
STREAM = 6  # of a seed, for the latents of a kit


@dataclass(frozen=True)
class Pool:
    """Sounds of a class to choose from, still as latents [m, *shape] and class weights [m, classes], if any.

    Attributes:
        certainty: [m], that they are of the class, by a classifier.
    """

    name: str
    latents: np.ndarray
    weights: np.ndarray | None
    certainty: np.ndarray


@dataclass(frozen=True)
class Kit:
    """What `kit` made: where, from which checkpoint, and {class: (its MIDI key or None, its sounds)}."""

    folder: Path
    step: int
    sounds: dict[str, tuple[int | None, int]]


def kit(
    run: Run,
    n: int,
    step: int | None = None,
    folder: str | Path | None = None,
    seed: int | None = None,
    bits: int = 16,
    judge: Judge | None = None,
    warn: Callable[[str], object] = tell,
) -> Kit:
    """Make `n` sounds of every class and what samplers need to play them, in a new folder.

    In it are `samples/`, with a `latents.npz` from which `generate.py` makes the sounds again, two presets in two
    formats (a key for each class, whose sounds come in turn; a key for each sound), the run's licence.txt where it has
    one, and a zip of all but the latents.

    Args:
        run: a `runs.Run`.
        n: sounds of every class, or, where neither run nor judge knows classes, in all.
        step: the checkpoint's; the newest that is whole when None.
        folder: where to; `exported/<run>-kit` when None. Where it is there already, a number is added.
        seed: of the sounds to choose from; drawn when None.
        bits: of the WAV files, 16 or 24.
        judge: who is sure of the class of a sound; of an unconditional model also whose classes they are.
        warn: called with a line for each newer checkpoint that is damaged.

    Raises UserError when there is nothing to generate from or no place to write to.
    """
    sampler, config, step = load_sampler(run, step, warn)
    seed = secrets.randbits(31) if seed is None else seed
    front = LogMel(config.data.sample_rate, config.data.length)
    chosen = [_chosen(pool, n, sampler, front) for pool in _pools(config, sampler, n, seed, judge)]
    folder = folder or Path("exported") / f"{run.name}-kit"
    title = f"{run.name}, step {step}, seed {seed}"
    origin = {"run": str(run.path.resolve()), "step": step, "model": run.fingerprint(step) or "", "made_of": title}
    origin |= config.sampling_kept()
    try:
        with staged_folder(folder, warn, numbered=True) as staged:
            if run.licence:
                (staged.partial / run.licence_path.name).write_text(f"{run.licence}\n", encoding="utf-8")
            written = _write(staged.partial, in_file_name(run.name), title, chosen, config, bits)
            _write_latents(staged.partial / "samples", [pool for pool, _ in chosen], config, origin)
    except OSError as problem:
        raise UserError(f"{folder} cannot be written ({problem.strerror}). Give another folder with --out.") from None
    return Kit(staged.target, step, written)


def _pools(config: Config, sampler: Sampler, n: int, seed: int, judge: Judge | None) -> list[Pool]:
    """The sounds to choose from: of each class that was learned, or that the judge takes them for; or of no class."""
    draw, shape, many = family_named(config.family).latents.draw, sampler.latent_shape, CANDIDATES * n
    if config.classes:
        pools = []
        for place, name in enumerate(config.classes):
            latents = draw(many, shape, (seed, STREAM, place))
            weights = classes.rows(np.full(many, place), len(config.classes))
            known = judge if judge and name in judge.classes else None
            sure = np.zeros(many) if known is None else _judged(known, sampler, latents, weights)
            pools.append(Pool(name, latents, weights, sure if known is None else sure[:, known.classes.index(name)]))
        return pools
    if judge is None:
        return [Pool("sound", draw(many, shape, (seed, STREAM)), None, np.zeros(many))]
    latents = draw(many * len(judge.classes), shape, (seed, STREAM))
    sure = _judged(judge, sampler, latents, None)
    taken = [np.flatnonzero(sure.argmax(axis=1) == place) for place in range(len(judge.classes))]
    named = zip(judge.classes, taken, strict=True)
    return [
        Pool(name, latents[these], None, sure[these, place]) for place, (name, these) in enumerate(named) if len(these)
    ]


def _judged(judge: Judge, sampler: Sampler, latents: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    parts = []
    for first in range(0, len(latents), AT_ONCE):
        these = slice(first, first + AT_ONCE)
        parts.append(judge.probabilities(sampler(latents[these], None if weights is None else weights[these])))
    return np.concatenate(parts)


def _chosen(pool: Pool, n: int, sampler: Sampler, front: LogMel) -> tuple[Pool, np.ndarray]:
    """The `n` sounds of the pool that are kept, and their audio [n, time, channels]."""
    sure = _part(pool, np.argsort(-pool.certainty, kind="stable")[: SURE * n])
    audio = sampler(sure.latents, sure.weights)
    these = np.array(differing(audio, n, front))
    return _part(sure, these), audio[these]


def _part(pool: Pool, these: np.ndarray) -> Pool:
    weights = None if pool.weights is None else pool.weights[these]
    return Pool(pool.name, pool.latents[these], weights, pool.certainty[these])


def _write(
    folder: Path, name: str, title: str, chosen: Sequence[tuple[Pool, np.ndarray]], config: Config, bits: int
) -> dict[str, tuple[int | None, int]]:
    """The sounds, presets and the zip; returns {class: (key, sounds)}."""
    (folder / "samples").mkdir()
    notes = keys([pool.name for pool, _ in chosen])
    written, laid, number = {}, [], 0
    for (pool, audio), note in zip(chosen, notes, strict=True):
        paths = []
        for clip in audio:
            paths.append(f"samples/{number:03d}-{in_file_name(pool.name)}.wav")
            write_wav(folder / paths[-1], clip, config.data.sample_rate, bits)
            number += 1
        laid.append((note, pool.name, paths))
        written[pool.name] = (note, len(paths))
    with_key = [presets.Key(note, printable(named), paths) for note, named, paths in laid if note is not None]
    for more, on_keys in ("", with_key), ("-keys", presets.a_key_each(with_key)):
        for ending, preset in (".sfz", presets.sfz), (".dspreset", presets.dspreset):
            if on_keys:
                (folder / f"{name}{more}{ending}").write_text(preset(printable(title), on_keys), encoding="utf-8")
    _zip(folder, name)
    return written


def _zip(folder: Path, name: str) -> None:
    """All that is in the folder as `name`.zip, in a folder of that name; the same bytes of the same files."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    with zipfile.ZipFile(folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in paths:
            entry = zipfile.ZipInfo(f"{name}/{path.relative_to(folder).as_posix()}")
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)


def _write_latents(folder: Path, pools: Sequence[Pool], config: Config, origin: dict[str, Any]) -> None:
    """As `generate.py` writes them beside its sounds, under the numbers of the WAV files."""
    arrays: dict[str, Any] = {"latents": np.concatenate([pool.latents for pool in pools])}
    weights = [pool.weights for pool in pools if pool.weights is not None]
    if weights:
        arrays |= {"classes": np.concatenate(weights), "class_names": np.array(config.classes)}
    np.savez(folder / "latents.npz", **arrays, **origin)
