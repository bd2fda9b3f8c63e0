"""Sources in, a data set out: files go to the workers, clips come back and are written, all are accounted for."""

import os
import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

from preprocess import archives, download, workers
from preprocess.account import Account
from preprocess.clips import Cutting, Slices
from preprocess.options import Options
from preprocess.plan import Plan, PlannedFile
from preprocess.report import by_extension
from preprocess.shards import TRAIN_SHARDS, Shards, shard_count
from preprocess.single import Recording
from preprocess.sources import AUDIO_EXTENSIONS, KIT, DrumKit, Folder, Listing, Source, is_audio, names_apart
from preprocess.staging import check_destination, staged
from preprocess.tfds import PREFIX, TensorFlowDataset
from wavegan.audio.decode import Unusable
from wavegan.base.errors import UserError
from wavegan.base.machine import available_cores
from wavegan.base.progress import Progress
from wavegan.base.text import printable
from wavegan.data.schema import SPLITS, DatasetInfo


def prepare(
    sources: list[str], out: str | Path, options: Options, progress: Callable[..., Progress] = Progress
) -> DatasetInfo:
    """Makes a data set from recordings.

    Args:
        sources: folders, recordings, archives, names of corpora, `drums`, the built-in kit, or `tfds:NAME`.
        out: the directory to make.
        options: how recordings become clips.
        progress: makes progress reporters; called as `Progress` is.

    Returns:
        What was stored in `out` as `dataset.json`.

    Raises:
        UserError: for a missing source, an existing `out`, no usable clip, or a full disk. Nothing is left behind then.
    """
    out = Path(out)
    check_sources(sources, out, options)
    check_destination(out, options.overwrite)
    plan = planned(sources, [open_source(name) for name in sources], options, progress)
    account = Account(plan)
    try:
        with staged(out, options.overwrite) as directory:
            files = _convert(plan, account, directory, progress)
            info = described(plan, account, files, out.resolve().name)
            info.save(directory)
            return info
    except OSError as error:
        raise UserError(f"cannot write {printable(out)}: {error.strerror or error}. Nothing was kept.") from None


def planned(names: list[str], sources: list[Source], options: Options, progress: Callable[..., Progress]) -> Plan:
    """What becomes of all files of the `sources`, whose names as typed are `names`.

    Raises UserError where there is not one that can be used.
    """
    for source, name in zip(sources, names_apart(sources), strict=True):
        source.name = name
    plan = Plan(names, sources, [_list(source, progress) for source in sources], options)
    check_usable(Account(plan), len(plan.all_entries()))
    return plan


def open_source(name: str) -> Source:
    """Finds out what a SOURCE is; downloads it where it is a known corpus or data set that is not here yet.

    Returns:
        A `Source`.

    Raises:
        UserError: where there is no such source.
    """
    if name == KIT:
        return DrumKit()
    if name in download.CORPORA:
        return archives.Archive(download.fetch_corpus(name), name)
    if name.startswith(PREFIX):
        return TensorFlowDataset(name)
    path = Path(name)
    if os.path.isdir(name):
        return Folder(path)
    if os.path.isfile(name) and archives.is_archive(path):
        return archives.Archive(path)
    if os.path.isfile(name) and is_audio(name):
        return Recording(path)
    named = ", ".join([KIT, *download.CORPORA, f"{PREFIX}NAME"])
    expected = f"a folder, a recording, an archive (.tar, .tar.gz, .tgz, .zip), {named}"
    if "://" in name:
        raise UserError(f"SOURCE {printable(name)} is not on this machine. Give --runner beam, which reads it there.")
    if not os.path.exists(name):
        raise UserError(f"SOURCE {printable(name)} does not exist. Expected {expected}.")
    advice = "If it is an archive, unpack it and name its folder."
    raise UserError(f"SOURCE must be {expected}. Received the file {printable(name)}. {advice}")


def check_sources(sources: list[str], out: Path, options: Options) -> None:
    """Raises `UserError` for sources that cannot be meant, before any is opened."""
    if not sources:
        raise UserError(
            f"SOURCE is missing. Name a folder, a recording, an archive, a corpus, or {KIT} for the built-in drum kit."
        )
    if "" in sources:
        raise UserError(
            "SOURCE is empty, perhaps an unset variable. Name a folder, a recording, an archive or a corpus."
        )
    places = [Path(os.path.realpath(name)) for name in sources]  # unlike `resolve`, for links to themselves too
    if len(set(places)) < len(sources):
        raise UserError(f"every SOURCE can be named once. Received: {' '.join(map(printable, sources))}.")
    for name, place in zip(sources, places, strict=True):
        if os.path.exists(place) and Path(os.path.realpath(out)) in (place, *place.parents):
            raise UserError(f"--out {printable(out)} holds SOURCE {printable(name)}. Choose another folder for --out.")
    if KIT in sources:
        from preprocess.drumkit import MIN_SAMPLE_RATE

        if options.sample_rate < MIN_SAMPLE_RATE:
            raise UserError(
                f"--sample-rate must be {MIN_SAMPLE_RATE} Hz or more for {KIT}. Received: {options.sample_rate}."
            )


def _list(source: Source, progress: Callable[..., Progress]) -> Listing:
    with progress(None, f"listing {printable(source.name)}", "files") as ticker:
        return source.listing(ticker.update)


def check_usable(account: Account, usable: int) -> None:
    """Raises `UserError` where there is not one usable file or clip, and says what was found instead."""
    if usable:
        return
    names = " ".join(shlex.quote(printable(name)) for name in account.plan.names)
    if account.skipped:
        reasons = Counter(reason for _, reason in account.skipped).most_common(3)
        found = "; ".join(f"{count} × {reason}" for reason, count in reasons)
        raise UserError(
            f"no usable clip in {names}: every audio file was skipped ({found}), such as "
            f"{printable(account.skipped[0][0])}."
        )
    kinds = " ".join(sorted(AUDIO_EXTENSIONS))
    others = by_extension(account.plan.other_files) or "no file"
    reasons = Counter(reason for _, reason in account.plan.left_out).most_common(3)
    hidden = "".join(f"; left out: {count} × {reason}" for reason, count in reasons)
    raise UserError(f"no audio in {names}: expected files of {kinds}. Received: {others}{hidden}.")


def _convert(plan: Plan, account: Account, directory: Path, progress: Callable[..., Progress]) -> dict[str, list[dict]]:
    """Writes all clips into shards; returns each split's files."""
    cutting, labels = cutting_of(plan.options), labels_of(plan)
    spool = directory / "spool"
    spool.mkdir()
    with Shards(directory, shard_counts(plan, cutting)) as shards:
        with progress(len(plan.all_entries()), "converting", "files") as bar:
            for file, result in _results(plan, cutting, spool):
                if isinstance(result, Unusable):
                    account.skip(file, str(result))
                else:
                    slices, clips = result
                    account.keep(file, slices)
                    for record in workers.records(file, slices, clips, labels, cutting):
                        shards.write(file.split, record)
                bar.update(1, clips=account.clips, skipped=len(account.skipped))
            check_usable(account, account.clips)
        spool.rmdir()
        if not account.rms["train"]:
            account.merge_into_train()
        return shards.finish(account.merged)


def cutting_of(options: Options) -> Cutting:
    """How recordings become clips, by what the user chose."""
    return Cutting(options.sample_rate, options.clip_length, options.channels, options.slices, options.normalize)


def labels_of(plan: Plan) -> dict[str, int]:
    """The number of each class."""
    return {name: index for index, name in enumerate(plan.classes)}


def shard_counts(plan: Plan, cutting: Cutting) -> dict[str, int]:
    """How many files each split is spread over, at most.

    From the size of what will come out, as well as the number and sizes of files tell it.
    """
    entries = plan.all_entries()
    expected = len(entries) * 2 * cutting.length * cutting.channels
    if cutting.slices == "all":
        expected = max(expected, sum(entry.size for entry in entries))
    return dict.fromkeys(SPLITS, 1) | {"train": shard_count(expected, fewest=TRAIN_SHARDS[0])}


def _results(
    plan: Plan, cutting: Cutting, spool: Path
) -> Iterator[tuple[PlannedFile, tuple[Slices, workers.Clips] | Unusable]]:
    """Yields (file, what it gave) in the order of the sources."""
    processes = workers.processes_for(plan.all_entries(), plan.options.workers or available_cores())
    work = partial(workers.slice_files, cutting=cutting, directory=str(spool))
    for files, results in workers.in_order(workers.chunks(plan.files()), work, processes):
        yield from zip(files, results, strict=True)


def described(plan: Plan, account: Account, files: dict[str, list[dict]], name: str) -> DatasetInfo:
    """The `dataset.json` of a data set called `name`; its `files` are as `Shards.finish` returns them."""
    options = plan.options
    chosen = asdict(options) | {"length": options.clip_length, "classes": plan.chosen}
    # Neither changes what is made.
    del chosen["workers"], chosen["overwrite"]
    sources = [
        {"source": printable(name), "kind": source.kind, "files": len(entries)}
        for name, source, entries in zip(plan.names, plan.sources, plan.entries, strict=True)
    ]
    return DatasetInfo(
        name=printable(name),
        sample_rate=options.sample_rate,
        length=options.clip_length,
        channels=options.channels,
        classes=plan.classes,
        splits=account.splits(files),
        loudness=account.loudness(),
        report=account.report(),
        options=chosen,
        sources=sources,
    )
