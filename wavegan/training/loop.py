"""A whole training: from a data set and flags to a run that can be listened to, stopped and continued."""

import shlex
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from wavegan.audio import pictures
from wavegan.backend import devices
from wavegan.base.errors import UserError
from wavegan.base.locks import only_one
from wavegan.base.quiet import native_stderr_hidden
from wavegan.data.batches import clips, training_batches
from wavegan.data.records import Records
from wavegan.data.schema import fingerprint
from wavegan.models.gan.model import gan_from
from wavegan.models.latents import sample_latents
from wavegan.runs import config as configuration
from wavegan.runs.events import Events, forget_after
from wavegan.training.callbacks import (
    Checkpoints,
    Diverged,
    Previews,
    ProgressBar,
    Scalars,
    StopOnInterrupt,
    log_clips,
    preview_sheet,
    save,
    say,
)
from wavegan.training.health import Health

PREVIEWS = 8  # clips in a preview
LATENTS = "previews/latents"  # in a checkpoint
DRY_STEPS = 5


def train(run, directory, info, given, dry_run=False, callbacks=(), finetune=None):
    """Train `run` on the data set in `directory` until its last step, going on where it stopped.

    Args:
        run: a `runs.Run`, new or not.
        directory: the data set.
        info: its `DatasetInfo`.
        given: {name: value} of settings that differ from the preset, or from the run that `finetune` names.
        dry_run: show configuration, sizes and speed, and write nothing.
        callbacks: more Keras callbacks.
        finetune: a `runs.Run` whose weights a new run starts with.

    Returns the number of steps the run has now. Raises UserError for settings that do not fit the run or the data, or
    where another training uses the run, and `callbacks.Diverged` where training went out of bounds.
    """
    with nullcontext() if dry_run else only_one(run.path, warn=say):
        stored = run.config() if run.exists() else finetune.config() if finetune else None
        if given.get("deterministic", stored is not None and stored.deterministic):
            devices.make_deterministic()  # before anything asks for a device
        config, source = _settings(run, directory, info, given, finetune)
        if config.evaluate_every:
            from wavegan.evaluation.protocol import require_enough

            require_enough(directory, info)
        records = Records(directory, info)
        gan = gan_from(config)
        if source:
            _take_over(gan, source)
        _describe(config, gan)
        if dry_run:
            return _try(gan, records, info, config)
        start, latents = _restore(gan, run) if run.exists() else _begin(gan, run, config)
        if start >= config.steps:
            say(f"{run.path} is at step {start:,}, and --steps is {config.steps:,}. To go on, give more with --steps.")
            return start
        if config != run.config():
            run.create(config)
        run.keep = config.keep_checkpoints
        say(f"run       {run.path}" + (f", going on at step {start}" if start else ""))
        listen = shlex.join(["tensorboard", "--logdir", str(run.path.parent)])
        say(f"listen    {listen}   (and open the page it names)\n")
        _fit(gan, run, records, info, config, start, latents, callbacks)
        return gan.step


def _settings(run, directory, info, given, finetune):
    """The configuration, and the arrays {name: array} of the checkpoint to begin with, if any."""
    with native_stderr_hidden():
        gpu = bool(devices.accelerators())
    data = {
        "data": str(Path(directory).resolve()),
        "data_fingerprint": fingerprint(directory),
        "sample_rate": info.sample_rate,
        "length": info.length,
        "channels": info.channels,
    }
    if run.exists():
        config = replace(configuration.continued(_of_same_data(run, data), given), data=data["data"])
        if finetune and config.finetuned_from.rpartition(", step ")[0] != str(finetune.path.resolve()):
            raise UserError(
                f"{run.path} was not started from {finetune.path}. Leave --finetune out to go on, or start another run "
                "with --run."
            )
        return config, None
    if finetune is None:
        return configuration.resolve(given, gpu=gpu, **data), None
    step, arrays = finetune.load_newest(warn=say)
    config = configuration.finetuned(finetune.config(), given, **data)
    return replace(config, finetuned_from=f"{finetune.path.resolve()}, step {step}"), arrays


def _take_over(gan, source):
    """Give `gan` the weights of the networks in `source`, another run's {name: array}; its seeds stay its own."""
    state = gan.state()
    for network in ("generator", "critic", "averaged_generator"):
        mine = _weights(state, network)
        # The other run may have no averaged generator: then it starts as the generator.
        theirs = _weights(source, network) or _weights(source, "generator")
        if mine:
            state |= dict(zip(mine, theirs.values(), strict=True))
    gan.restore(state)


def _weights(arrays, network):
    """Those of a network among {name: array}, in their order: their numbers also count seeds."""
    own = {name: array for name, array in arrays.items() if name.startswith(f"{network}/")}
    return {name: array for name, array in own.items() if "seed" not in name}


def _of_same_data(run, data):
    stored = run.config()
    if stored.data_fingerprint != data["data_fingerprint"]:
        if stored.data == data["data"]:
            raise UserError(
                f"the data set {data['data']} was made anew, with other contents, since {run.path} was trained on it. "
                "Start another run with --run."
            )
        raise UserError(
            f"{run.path} was made with the data set {stored.data}. Received: --data {data['data']}, which differs. "
            f"Give the run's data set with --data, start another run with --run, or one from this run's weights with "
            f"--finetune {shlex.quote(str(run.path))} --run NEW."
        )
    return stored


def _describe(config, gan):
    gpus = devices.accelerators()
    sizes = [f"{network.name} {network.count_params() / 1e6:.2f} M" for network in (gan.generator, gan.critic)]
    say(f"device    {', '.join(gpus) or 'CPU'}, {devices.version()}, Keras {keras.__version__}, {config.precision}")
    say(f"model     preset {config.preset}: {' and '.join(sizes)} parameters, {config.length} samples a clip")
    say(f"training  {config.steps:,} steps of {config.critic_updates} + 1 updates, batches of {config.batch_size}")


def _try(gan, records, info, config):
    """Print the configuration and the time of a few steps. Returns 0: nothing was trained."""
    print(config.text())
    print(f"generator parameters  {gan.generator.count_params():,}")
    print(f"critic parameters     {gan.critic.count_params():,}")
    batches = training_batches(records, info, config.batch_size, config.critic_updates, config.seed)
    clock = _StepClock()
    with records.explained():
        gan.fit(batches, steps_per_epoch=1 + DRY_STEPS, shuffle=False, verbose=0, callbacks=[clock])
    seconds = float(np.median(np.diff(clock.times)))
    minutes = seconds * config.steps / 60
    total = f"{minutes:.1f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
    print(f"time for a step       {seconds:.3g} s, {1 / seconds:.3g} steps/s; {config.steps:,} steps: {total}")
    return 0


class _StepClock(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.times = []

    def on_train_batch_end(self, batch, logs=None):
        self.times.append(time.monotonic())


def _begin(gan, run, config):
    """Make a new run. Returns 0 and the latents of its previews.

    Its first checkpoint comes before its config.json, so that a run that exists always has one, or has lost it.
    """
    if any(run.steps()):
        raise UserError(
            f"{run.path} has checkpoints but has lost its config.json. Put back a copy of it, or start another run "
            "with --run."
        )
    latents = sample_latents(PREVIEWS, config.latent_size, (config.seed, 1))
    run.make_folders()
    save(run, 0, gan, {LATENTS: latents})
    run.create(config)
    return 0, latents


def _restore(gan, run):
    """Put the newest good checkpoint into `gan`. Returns its step and the latents of the previews."""
    step, arrays = run.load_newest(warn=say)
    for newer in [each for each in run.steps() if each > step]:
        run.set_aside(newer)
    try:
        latents = arrays.pop(LATENTS)
        gan.restore(arrays)
    except (ValueError, KeyError) as problem:
        raise UserError(f"{run.checkpoint_path(step)} does not fit {run.config_path}: {problem}") from None
    forget_after(run.path, step, warn=say)
    return step, latents


def _fit(gan, run, records, info, config, start, latents, callbacks):
    events = Events(run.path)
    progress = ProgressBar(config.steps)
    interrupt = StopOnInterrupt()
    ours = [
        interrupt,
        Health(events),
        Scalars(events),
        # First the preview, so that no checkpoint is without its own.
        Previews(events, run.previews, latents, info.sample_rate, config.preview_every),
        Checkpoints(run, config.checkpoint_every, config.checkpoint_minutes, {LATENTS: latents}),
        progress,
    ]
    if config.evaluate_every:
        from wavegan.training.scoring import evaluations

        ours.append(evaluations(run, info, config, events, {LATENTS: latents}))
    batches = training_batches(
        records, info, config.batch_size, config.critic_updates, config.seed, start, config.steps
    )
    try:
        if start == 0:
            _log_beginning(events, run, records, info, config, latents)
        with records.explained():
            every = [*ours, *callbacks]
            gan.fit(batches, steps_per_epoch=config.steps - start, shuffle=False, verbose=0, callbacks=every)
    except Diverged as problem:
        kept = run.steps()[-1]
        raise Diverged(
            f"{problem}. The checkpoint of step {kept} is good; start another run (--run) with lower "
            "--critic-learning-rate and --generator-learning-rate."
        ) from None
    finally:
        progress.close()
        interrupt.restore()
        events.close()


def _log_beginning(events, run, records, info, config, latents):
    """What is logged once: real clips, the configuration, and the latents of the previews."""
    chosen = np.random.default_rng((config.seed, 2)).permutation(len(records))[:PREVIEWS]
    audio = clips(records, info, chosen)["audio"]
    sheet = preview_sheet(audio, info.sample_rate, "recordings")
    log_clips(events, "real", audio, info.sample_rate, sheet, step=0)
    try:
        np.savez(run.path / "preview_latents.npz", latents=latents)
        pictures.save(sheet, run.previews / "recordings.png")
    except OSError as problem:
        raise UserError(f"--run {run.path} cannot be written ({problem.strerror}). Make room there.") from None
    events.text("configuration", "\n".join(["| setting | value |", "|---|---|", *_rows(config)]), step=0)


def _rows(config):
    return ["| " + " | ".join(line.split(maxsplit=1)) + " |" for line in config.text().splitlines()]
