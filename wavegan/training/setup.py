"""The settings of a training: of a new run, of one that goes on, or of one that starts from another's weights."""

import shlex
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from wavegan import __version__
from wavegan.backend import devices, processes
from wavegan.base.errors import UserError
from wavegan.base.quiet import native_stderr_hidden
from wavegan.base.settings import flag
from wavegan.data.batches import rms_of
from wavegan.data.records import Records
from wavegan.data.schema import DatasetInfo, fingerprint, is_fingerprint_of
from wavegan.models.family import Family, family_named
from wavegan.runs import flags
from wavegan.runs.config import Config, Data
from wavegan.runs.run import Run
from wavegan.training.callbacks import say


def what_all_share(directory: str | Path, given: Mapping[str, Any], family: Family) -> dict[str, object]:
    """{what: value} of all that must be the same in the processes of one training."""
    settings = {flag(name): value for name, value in given.items()}
    return {"kind of model": family.name, "data set": fingerprint(directory), **settings, **_versions()}


def agreed_settings(
    run: Run,
    directory: str | Path,
    info: DatasetInfo,
    given: Mapping[str, Any],
    family: Family,
    finetune: Run | None,
    records: Records,
) -> tuple[Config, dict[str, np.ndarray] | None]:
    """What `settings_for` gives the first process, in all of them: no other one reads the run."""
    if processes.size() == 1:
        return settings_for(run, directory, info, given, family, finetune, records)
    text, source, starts = "", None, False
    if processes.first():
        config, source = settings_for(run, directory, info, given, family, finetune, records)
        text, starts = config.as_text(), source is not None
    text, starts = processes.by_first(lambda: [text, starts])
    return Config.of_text(text), processes.arrays_of_first(source) if starts else None


def settings_for(
    run: Run,
    directory: str | Path,
    info: DatasetInfo,
    given: Mapping[str, Any],
    family: Family,
    finetune: Run | None,
    records: Records,
) -> tuple[Config, dict[str, np.ndarray] | None]:
    """The configuration of a training, and the arrays {name: array} of the checkpoint that it starts from, if any.

    Arguments and errors are those of `loop.train`, and `records` are those of the data set.
    """
    if run.exists():
        data = _data(directory, info)
        stored = _of_same_data(run, data)
        _check_family(run, stored, family, "Train it with the command that made it")
        config = flags.continued(stored, given)
        config = replace(config, data=replace(config.data, directory=data.directory))
        if finetune and config.finetuned_from.rpartition(", step ")[0] != str(finetune.path.resolve()):
            raise UserError(
                f"{run.path} was not started from {finetune.path}. Leave --finetune out to go on, or start another run "
                "with --run."
            )
        return config, None
    if finetune is None:
        return new_config(directory, info, given, family, records), None
    data = _measured(directory, info, records)
    stored = finetune.config()
    _check_family(finetune, stored, family, f"--finetune starts from a {family.title}")
    config = flags.finetuned(stored, given, data, _machine()[1])
    if data.sample_rate != stored.data.sample_rate:
        say(
            f"note: the data set is at {data.sample_rate} Hz, the run to start from at {stored.data.sample_rate} Hz: "
            "what it learned sounds higher or lower here. To start from its sounds, prepare the data with "
            f"--sample-rate {stored.data.sample_rate}."
        )
    step, arrays = finetune.load_newest(warn=say)
    origin = f"{finetune.path.resolve()}, step {step}"
    return replace(config, finetuned_from=origin, made_with=_versions()), family.renamed(arrays)


def new_config(
    directory: str | Path, info: DatasetInfo, given: Mapping[str, Any], family: Family, records: Records
) -> Config:
    """The configuration of a new run on this machine. Arguments and errors are those of `loop.train`."""
    gpu, fast_bfloat16 = _machine()
    data = _measured(directory, info, records)
    values = {each.name: getattr(data, each.name) for each in fields(data)}
    return replace(flags.resolve(given, family, gpu, fast_bfloat16, **values), made_with=_versions())


def _machine() -> tuple[bool, bool]:
    """Whether there is a GPU, and whether bfloat16 is faster than float32."""
    with native_stderr_hidden():
        return bool(devices.accelerators()), devices.computes_bfloat16()


def _data(directory: str | Path, info: DatasetInfo) -> Data:
    """What a configuration says of a data set, without what has to be measured."""
    path = str(Path(directory).resolve())
    return Data(path, fingerprint(directory), info.sample_rate, info.length, info.channels)


def _measured(directory: str | Path, info: DatasetInfo, records: Records) -> Data:
    """All that a configuration says of a data set."""
    per_class = info.splits["train"]["clips_per_class"]
    classes = {name: per_class.get(name, 0) for name in info.classes}
    return replace(_data(directory, info), classes=classes, rms=rms_of(records, info))


def _check_family(run: Run, stored: Config, family: Family, way_out: str) -> None:
    if stored.family != family.name:
        other = family_named(stored.family).title
        raise UserError(f"{run.path} is a {other}, not a {family.title}. {way_out}.")


def _versions() -> dict[str, str]:
    """{package: version} of what a run is made with."""
    backend, version = devices.version().split(" ")
    return {"wavegan": __version__, "keras": keras.__version__, backend.lower(): version}


def _of_same_data(run: Run, data: Data) -> Config:
    stored = run.config()
    if not is_fingerprint_of(stored.data.fingerprint, data.directory):
        if stored.data.directory == data.directory:
            raise UserError(
                f"the data set {data.directory} was made anew, with other contents, since {run.path} was trained on "
                "it. Start another run with --run."
            )
        raise UserError(
            f"{run.path} was made with the data set {stored.data.directory}. Received: --data {data.directory}, which "
            "differs. Give the run's data set with --data, start another run with --run, or one from this run's "
            f"weights with --finetune {shlex.quote(str(run.path))} --run NEW."
        )
    return stored
