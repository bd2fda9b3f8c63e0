"""A whole training: from a data set and flags to a run that can be listened to, stopped and continued."""

import io
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import keras
import numpy as np

from wavegan.audio import pictures
from wavegan.backend import devices, distribution, processes
from wavegan.base.errors import UserError
from wavegan.base.files import write_whole
from wavegan.base.locks import only_one
from wavegan.base.machine import keep_freed
from wavegan.base.text import printable
from wavegan.base.typed import typed
from wavegan.data.batches import clips, evenly, training_batches
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo
from wavegan.models.family import Family, Model
from wavegan.runs.config import Config
from wavegan.runs.events import Events, forget_after
from wavegan.runs.run import Run
from wavegan.training.callbacks import (
    Checkpoints,
    Diverged,
    ProgressBar,
    Scalars,
    StepCallback,
    StopOnInterrupt,
    save,
    say,
)
from wavegan.training.dry_run import print_dry_run
from wavegan.training.health import Health
from wavegan.training.previews import Previews, forget_previews_after, preview_sheet
from wavegan.training.setup import agreed_settings, what_all_share
from wavegan.training.shown import LATENTS, Shown
from wavegan.training.speed import with_steps_for_its_minutes

BESIDE = ("previews/", "logs/")  # beginnings of the names of what is in a checkpoint and not the model's


def train(
    run: Run,
    directory: str | Path,
    info: DatasetInfo,
    given: Mapping[str, Any],
    family: Family,
    dry_run: bool = False,
    callbacks: Iterable[keras.callbacks.Callback] = (),
    finetune: Run | None = None,
    shared_by: int | None = None,
) -> int:
    """Train `run` on the data set in `directory` until its last step, going on where it stopped.

    Args:
        run: new or not.
        directory: the data set.
        info: its `DatasetInfo`.
        given: {name: value} of settings that differ from the preset, or from the run that `finetune` names.
        family: of the model of a new run; that of a run that is there must be the same.
        dry_run: show configuration, sizes and speed, and write nothing.
        callbacks: more Keras callbacks.
        finetune: a run whose weights a new run starts with.
        shared_by: how many devices share every batch, as `distribution.shared` takes it; the result is that of one.

    Returns the number of steps the run has now. Raises UserError for settings that do not fit the run or the data, or
    where another training uses the run, and `callbacks.Diverged` where training went out of bounds.
    """
    keep_freed()
    with ExitStack() as stack:
        writes = processes.first() and not dry_run
        if writes:
            stack.enter_context(only_one(run.path, warn=say))
        if processes.by_first(lambda: _is_deterministic(run, given, finetune)):
            devices.make_deterministic()  # before anything asks for a device
        devices.one_core_an_operation()
        stack.enter_context(distribution.shared(shared_by))
        records = Records(directory, info)
        processes.alike({**what_all_share(directory, given, family), "--dry-run": dry_run})
        config, source = agreed_settings(run, directory, info, given, family, finetune, records)
        distribution.check_batch(config.training.batch_size)
        if config.training.evaluate_every and processes.first():
            from wavegan.evaluation.protocol import require_enough  # heavy, and not everybody's

            require_enough(directory, info)
        model, goes_on = config.build_model(), processes.by_first(run.exists)
        if source:
            _start_from(model, source, config)
        elif not goes_on:
            model.adapt(lambda: evenly(records, info))
        start, beside = _restore(model, run, family) if goes_on and not dry_run else (0, None)
        if given.get("minutes"):
            with records.explained():
                batches = _batches(records, info, config, family)
                config = with_steps_for_its_minutes(config, model, batches, start)
        _describe(config, family, model, goes_on)
        if dry_run:
            with records.explained():
                print_dry_run(model, _batches(records, info, config, family), config)
            return 0
        if writes:
            beside = beside or _begin(model, run, config, finetune.licence if finetune else None)
        if start >= (steps := config.training.steps):
            more = "To go on, give more with --steps, or --minutes 10."
            say(f"{run.path} is at step {start:,}, and --steps is {steps:,}. {more}")
            return start
        if writes:
            _settle(run, config, start if goes_on else None)
        _say_where(run, start)
        _fit(model, run, records, info, config, family, start, beside or {}, callbacks)
        return model.step


def _is_deterministic(run: Run, given: Mapping[str, Any], finetune: Run | None) -> bool:
    stored = run.config() if run.exists() else finetune.config() if finetune else None
    return given.get("deterministic", stored is not None and stored.training.deterministic)


def _settle(run: Run, config: Config, start: int | None) -> None:
    """Brings the folder of `run` to the state that the training begins in, at the step `start` where it goes on."""
    if start is not None:
        _forget_after(run, start)
    if config != run.config():
        run.create(config)
    run.keep = config.training.keep_checkpoints


def _describe(config: Config, family: Family, model: Model, goes_on: bool) -> None:
    gpus, shared = devices.accelerators(), distribution.count()
    training, sizes = config.training, [f"{name} {count / 1e6:.2f} M" for name, count in model.sizes().items()]
    kinds = [f"{count} × {kind}" if count > 1 else kind for kind, count in Counter(gpus).items()]
    say(f"device    {', '.join(kinds) or 'CPU'}, {devices.version()}, Keras {keras.__version__}, {training.precision}")
    if shared > 1:
        several = f" of {processes.size()} processes" * (processes.size() > 1)
        say(f"shared    each batch of {training.batch_size} clips by {shared} devices{several}")
    elif len(gpus) > 1:
        command = distribution.with_jax(typed(family.command, "--devices", "all"))
        say(f"note: of {len(gpus)} devices the first one trains. For all of them: {command}")
    clip = f"{config.data.length} samples a clip"
    say(f"model     {family.title}, preset {training.preset}: {' and '.join(sizes)} parameters, {clip}")
    step = family.step_in_words(config.model)
    say(f"training  {training.steps:,} steps of {step}, batches of {training.batch_size}")
    if config.finetuned_from:
        if not goes_on:
            path, _, step = config.finetuned_from.rpartition(", step ")
            say(f"begins    with the weights of {Run(path).title} at step {int(step):,}")
    elif not gpus and (words := family.expectation(config.model)):
        say(f"expect    {words}")


def _say_where(run: Run, start: int) -> None:
    say(f"run       {run.path}" + (f", going on at step {start}" if start else ""))
    listen = shlex.join(["tensorboard", "--logdir", str(run.path.parent)])
    say(f"listen    {listen}   (and open the page it names)")
    say("")


def _batches(
    records: Records, info: DatasetInfo, config: Config, family: Family, first: int = 0, last: int | None = None
) -> Any:
    size, updates = config.training.batch_size, family.updates(config.model)
    group = family.group(config.model, config.data.clip)
    rows = distribution.rows(size)
    return training_batches(records, info, size, updates, config.training.seed, first, last, group, rows)


def _begin(model: Model, run: Run, config: Config, licence: str | None) -> dict[str, np.ndarray]:
    """Make a new run. Returns what its checkpoint holds beside the model: what its previews show.

    The `licence` is that of the weights that it begins with.

    Its first checkpoint comes before its config.json, so that a run that exists always has one, or has lost it.
    """
    if any(run.steps()):
        raise UserError(
            f"{run.path} has checkpoints but has lost its config.json. Put back a copy of it, or start another run "
            "with --run."
        )
    beside = Shown.drawn(config).arrays
    run.make_folders()
    save(run, 0, model, beside)
    if licence:
        write_whole(run.licence_path, f"{licence}\n".encode())
    run.create(config)
    return beside


def _start_from(model: Model, source: Mapping[str, np.ndarray], config: Config) -> None:
    """Takes over the weights of the run that --finetune names."""
    try:
        model.start_from(source)
    except (ValueError, KeyError) as problem:
        raise UserError(
            f"the weights of {config.finetuned_from} do not fit the networks that this version makes: {problem}. "
            "Train a new run, without --finetune."
        ) from None


def _restore(model: Model, run: Run, family: Family) -> tuple[int, dict[str, np.ndarray]]:
    """Put the newest whole checkpoint into `model`. Returns its step and what it holds beside the model."""
    step, arrays = _newest(run) if processes.first() else (0, None)
    step, arrays = processes.by_first(lambda: step), processes.arrays_of_first(arrays)
    beside = {name: arrays.pop(name) for name in [*arrays] if name.startswith(BESIDE)}
    try:
        if LATENTS not in beside:
            raise KeyError(LATENTS)
        model.restore(family.renamed(arrays))
    except (ValueError, KeyError) as problem:
        raise UserError(
            f"{run.checkpoint_path(step)} does not fit {run.config_path}: {problem}. Take another --run, if an older "
            "version made this one."
        ) from None
    return step, beside


def _newest(run: Run) -> tuple[int, dict[str, np.ndarray]]:
    """The newest whole checkpoint; those after it are put aside."""
    step, arrays = run.load_newest(warn=say)
    for newer in [each for each in run.steps() if each > step]:
        run.set_aside(newer)
    return step, arrays


def _forget_after(run: Run, step: int) -> None:
    """Remove what a killed training showed after its last checkpoint, of `step`: it makes these steps once more."""
    for folder in (run.path, *run.levels.glob("*/")):
        forget_after(folder, step, warn=say)
    forget_previews_after(run.previews, step)


def _fit(
    model: Model,
    run: Run,
    records: Records,
    info: DatasetInfo,
    config: Config,
    family: Family,
    start: int,
    beside: Mapping[str, np.ndarray],
    callbacks: Iterable[keras.callbacks.Callback],
) -> None:
    batches = _batches(records, info, config, family, start, config.training.steps)
    interrupt = StopOnInterrupt()
    every: list[keras.callbacks.Callback] = [interrupt]
    with ExitStack() as stack:
        stack.callback(interrupt.restore)
        if processes.first():
            every += _watching(stack, run, records, info, config, family, start, beside)
        every += callbacks
        left = config.training.steps - start
        with records.explained(), _advised(run, family):
            model.fit(batches, steps_per_epoch=left, shuffle=False, verbose=0, callbacks=every)


def _watching(
    stack: ExitStack,
    run: Run,
    records: Records,
    info: DatasetInfo,
    config: Config,
    family: Family,
    start: int,
    beside: Mapping[str, np.ndarray],
) -> list[keras.callbacks.Callback]:
    """What shows and keeps a training: the callbacks for `fit`. They are closed with `stack`."""
    training, shown = config.training, Shown.of(beside, config)
    events = Events(run.path)
    stack.callback(events.close)
    progress = ProgressBar(training.steps, family.facts)
    stack.callback(progress.close)
    health = Health(events, family.facts, config.data.rms)
    logging: list[StepCallback] = [health, Scalars(events, last=training.steps)]
    for callback in logging:
        callback.set_state(beside)

    def beside_now() -> dict[str, np.ndarray]:
        return shown.arrays | {name: array for each in logging for name, array in each.state().items()}

    # Before the checkpoint, so that none is without what was to be seen and heard until then.
    of_run = events, run.previews, shown, info.sample_rate
    previews = Previews(*of_run, training.preview_every, training.steps, health.heard)
    checkpoints = Checkpoints(run, training.checkpoint_every, training.checkpoint_minutes, beside_now)
    every: list[keras.callbacks.Callback] = [*logging, previews, checkpoints, progress]
    if training.evaluate_every:
        from wavegan.training.scoring import evaluations

        with distribution.alone():  # what judges sounds has weights, too
            every.append(evaluations(run, info, config, events, shown.latents.shape[1:], beside_now))
    _keep_latents(run, config, shown)
    if start == 0:
        _log_beginning(events, run, records, info, config, shown)
    return every


@contextmanager
def _advised(run: Run, family: Family) -> Iterator[None]:
    """Says what is left of a training that went out of bounds, and what to do."""
    try:
        yield
    except Diverged as problem:
        kept = run.steps()[-1]
        raise Diverged(
            f"{problem}. The weights in the checkpoint of step {kept} are finite, which says nothing of its sounds; "
            f"{family.advice['diverged']}"
        ) from None


def _keep_latents(run: Run, config: Config, shown: Shown) -> None:
    """Write what the previews are made of, and in what ways, which another version that goes on may do otherwise."""
    arrays: dict[str, Any] = {"latents": shown.latents, **config.sampling_kept()}
    if shown.classes is not None:
        arrays |= {"classes": shown.classes, "class_names": np.array(shown.names)}
    content = io.BytesIO()
    np.savez(content, **arrays)
    path = run.path / "preview_latents.npz"
    try:
        if not path.exists() or path.read_bytes() != content.getvalue():
            write_whole(path, content.getvalue())
    except OSError as problem:
        raise UserError(f"--run {run.path} cannot be written ({problem.strerror}). Make room there.") from None


def _log_beginning(events: Events, run: Run, records: Records, info: DatasetInfo, config: Config, shown: Shown) -> None:
    """What is logged once: real clips of the previews' classes, as far as there are any, and the configuration."""
    chosen = np.random.default_rng((config.training.seed, 2)).permutation(len(records))
    titles = list(shown.titles)
    if shown.classes is not None:
        labels, kinds = records.labels[chosen], shown.classes.argmax(axis=1)
        known = [number for number, kind in enumerate(kinds) if kind in labels]
        chosen = np.array([_one_of(kinds[number], chosen, labels, number) for number in known])
        titles = [titles[number] for number in known]
    audio = clips(records, info, chosen[: len(shown.latents)])["audio"]
    titles = titles[: len(audio)]
    sheet = preview_sheet(audio, info.sample_rate, "recordings", titles)
    events.clips("real", audio, info.sample_rate, pictures.pixels(sheet), 0, titles)
    try:
        pictures.save(sheet, run.previews / "recordings.png")
    except OSError as problem:
        raise UserError(f"--run {run.path} cannot be written ({problem.strerror}). Make room there.") from None
    events.text("configuration", "\n".join(["| setting | value |", "|---|---|", *_rows(config)]), step=0)


def _rows(config: Config) -> list[str]:
    return [
        f"| {name} | {printable(str(value)).replace('|', chr(92) + '|')} |" for name, value in config.shown().items()
    ]


def _one_of(kind: int, indices: np.ndarray, labels: np.ndarray, number: int) -> int:
    """One of the clips `indices` whose label is `kind`, another one for another `number` if there are several."""
    of_kind = indices[labels == kind]
    return int(of_kind[number % len(of_kind)])
