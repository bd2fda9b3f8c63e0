"""A whole training: from a data set and flags to a run that can be listened to, stopped and continued."""

import shlex
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from preprocess import UserError
from preprocess.records import fingerprint, native_stderr_hidden
from wavegan import autodiff, monitoring, pictures
from wavegan import config as configuration
from wavegan.dataset import Records, clips, training_batches
from wavegan.monitoring import say
from wavegan.synthesis import sample_latents
from wavegan.training import gan_from

PREVIEWS = 8  # clips in a preview
DRY_STEPS = 5


def train(run, directory, info, given, dry_run=False, callbacks=()):
    """Train `run` on the data set in `directory` until its last step, going on where it stopped.

    Args:
        run: a `runs.Run`, new or not.
        directory: the data set.
        info: its `DatasetInfo`.
        given: {name: value} of settings that differ from the preset.
        dry_run: show configuration, sizes and speed, and write nothing.
        callbacks: more Keras callbacks.

    Returns the number of steps the run has now. Raises UserError for settings that do not fit the run or the data, and
    `monitoring.Diverged` where training went out of bounds.
    """
    with native_stderr_hidden():
        gpus = autodiff.accelerators()
    data = {
        "data": str(Path(directory).resolve()),
        "data_fingerprint": fingerprint(directory),
        "sample_rate": info.sample_rate,
        "length": info.length,
        "channels": info.channels,
    }
    if run.exists():
        config = replace(configuration.continued(_of_same_data(run, data), given), data=data["data"])
    else:
        config = configuration.resolve(given, gpu=bool(gpus), **data)
    records = Records(directory, info)
    gan = gan_from(config)
    _describe(config, gan, gpus)
    if dry_run:
        return _try(gan, records, info, config)

    start = _restore(gan, run)
    if start >= config.steps:
        say(f"{run.path} has reached its {config.steps} steps. To go on, give more with --steps.")
        return start
    if not run.exists() or config != run.config():
        run.create(config)
    say(f"run       {run.path}" + (f", going on at step {start}" if start else ""))
    say(f"listen    {shlex.join(['tensorboard', '--logdir', str(run.path.parent)])}   (and open the page it names)\n")
    _fit(gan, run, records, info, config, start, callbacks)
    return gan.step


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
            "Give the run's data set with --data, or start another run with --run."
        )
    return stored


def _describe(config, gan, gpus):
    sizes = [f"{network.name} {network.count_params() / 1e6:.2f} M" for network in (gan.generator, gan.critic)]
    say(f"device    {', '.join(gpus) or 'CPU'}, {autodiff.version()}, Keras {keras.__version__}, {config.precision}")
    say(f"model     preset {config.preset}: {' and '.join(sizes)} parameters, {config.length} samples a clip")
    say(f"training  {config.steps:,} steps of {config.critic_updates} + 1 updates, batches of {config.batch_size}")


def _try(gan, records, info, config):
    """Print the configuration and the time of a few steps. Returns 0: nothing was trained."""
    print(config.text())
    print(f"generator parameters  {gan.generator.count_params():,}")
    print(f"critic parameters     {gan.critic.count_params():,}")
    batches = training_batches(records, info, config.batch_size, config.critic_updates, config.seed)
    clock = _StepClock()
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


def _restore(gan, run):
    """Put the newest checkpoint into `gan`. Returns its step, 0 where there is none."""
    if not run.steps():
        return 0
    step = run.latest()
    try:
        gan.restore(run.load(step))
    except ValueError as problem:
        raise UserError(f"{run.checkpoint_path(step)} does not fit {run.config_path}: {problem}") from None
    return step


def _fit(gan, run, records, info, config, start, callbacks):
    writer = tf.summary.create_file_writer(str(run.path))
    latents = sample_latents(PREVIEWS, config.latent_size, (config.seed, 1))
    if start == 0:
        _log_beginning(writer, run, records, info, config, latents)
    progress = monitoring.ProgressBar(config.steps)
    interrupt = monitoring.StopOnInterrupt()
    ours = [
        interrupt,
        monitoring.StopOnNonFinite(),
        monitoring.Scalars(writer),
        monitoring.Checkpoints(run, config.checkpoint_every),
        monitoring.Previews(writer, run.previews, latents, info.sample_rate, config.preview_every),
        progress,
    ]
    batches = training_batches(
        records, info, config.batch_size, config.critic_updates, config.seed, start, config.steps
    )
    try:
        gan.fit(batches, steps_per_epoch=config.steps - start, shuffle=False, verbose=0, callbacks=[*ours, *callbacks])
    except monitoring.Diverged as problem:
        kept = f"The checkpoint of step {run.steps()[-1]} is good" if run.steps() else "There was no checkpoint yet"
        raise monitoring.Diverged(
            f"{problem}. {kept}; start another run (--run) with lower --critic-learning-rate and "
            "--generator-learning-rate."
        ) from None
    finally:
        progress.close()
        interrupt.restore()
        writer.close()


def _log_beginning(writer, run, records, info, config, latents):
    """What is logged once: real clips, the configuration, and the latents of the previews."""
    np.savez(run.path / "preview_latents.npz", latents=latents)
    chosen = np.random.default_rng((config.seed, 2)).permutation(len(records))[:PREVIEWS]
    audio = clips(records, info, chosen)["audio"]
    sheet = monitoring.preview_sheet(audio, info.sample_rate, "recordings")
    monitoring.log_clips(writer, "real", audio, info.sample_rate, sheet, step=0)
    pictures.save(sheet, run.previews / "recordings.png")
    with writer.as_default(0):
        table = "\n".join(["| setting | value |", "|---|---|", *_rows(config)])
        tf.summary.text("configuration", table)


def _rows(config):
    return ["| " + " | ".join(line.split(maxsplit=1)) + " |" for line in config.text().splitlines()]
