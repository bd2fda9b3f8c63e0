"""The same data set as `convert.prepare` makes, byte for byte, by the workers of an Apache Beam runner.

Two pipelines. The first cuts recordings into clips. How many clips each file gave then says where each of them belongs;
the second brings them there. What concerns all files is decided here, by the same functions: the plan before the first,
the account between the two.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from preprocess import convert, elsewhere, remote
from preprocess.account import Account
from preprocess.options import Options
from preprocess.plan import Plan, PlannedFile
from preprocess.runner import Runner
from preprocess.shards import Layout
from preprocess.sources import Entry
from preprocess.staging import check_destination, staged
from wavegan.base.errors import UserError
from wavegan.base.progress import Progress
from wavegan.base.text import printable, warn
from wavegan.data.schema import FILE_NAME, SPLITS, DatasetInfo
from wavegan.data.tfrecord import index_path

if TYPE_CHECKING:
    from preprocess.steps import Clips, Portion

PORTION_FILES = 512  # whose clips one worker writes to one file
PORTION_BYTES = 64 << 20  # of encoded audio, likewise
RECORD_BYTES = 128  # of a record beside its samples, about
MOST_FILES = 256  # that a list for the workers, or what became of it, is divided into


def prepare(
    sources: list[str],
    out: str,
    options: Options,
    flags: list[str],
    progress: Callable[..., Progress] = Progress,
) -> DatasetInfo:
    """Makes a data set from recordings, as `convert.prepare` does.

    Args:
        sources: as there, and whatever Beam's file systems open: folders, recordings, archives. A * in such a name
            stands for any characters.
        out: the folder to make, local or not.
        options: how recordings become clips.
        flags: Beam's own options, such as --runner=DataflowRunner.
        progress: makes progress reporters; called as `Progress` is.

    Raises:
        UserError: as there, without Beam, for wrong flags, and where the pipeline fails. Nothing that looks like a data
            set is left behind then.
    """
    runner = Runner(flags)
    sources = elsewhere.expanded(sources)
    convert.check_sources(sources, Path(out), options)
    _check_out(sources, out, options.overwrite)
    opened = [elsewhere.open_remote(name) if remote.is_remote(name) else convert.open_source(name) for name in sources]
    plan = convert.planned(sources, opened, options, progress)
    account = Account(plan)
    try:
        with _folders(out, options.overwrite) as (work, final):
            clips = _cut(plan, account, work, runner, progress)
            files = _write(plan, account, clips, work, runner)
            _publish(files, final)
            info = convert.described(plan, account, files, _name(out))
            remote.write(remote.join(final, FILE_NAME), [info.content()])
            return info
    except OSError as problem:
        reason = problem.strerror or remote.one_line(problem)
        raise UserError(f"cannot write {printable(out)}: {printable(reason)}. Nothing was kept.") from None


def _check_out(sources: list[str], out: str, overwrite: bool) -> None:
    if not remote.is_remote(out):
        check_destination(Path(out), overwrite)
        return
    remote.check_scheme(out, "--out")
    for name in sources:
        if f"{name.rstrip('/')}/".startswith(f"{out.rstrip('/')}/"):
            raise UserError(f"--out {printable(out)} holds SOURCE {printable(name)}. Choose another folder for --out.")
    found = remote.explained(out, lambda: remote.files_in(out))
    if found and not overwrite:
        raise UserError(f"--out {printable(out)} exists. Choose another name, or replace it with --overwrite.")
    if found and remote.join(out, FILE_NAME) not in found:
        raise UserError(
            f"--overwrite replaces data sets only, and {printable(out)} holds no {FILE_NAME}. Choose another name."
        )


def _name(out: str) -> str:
    return out.rstrip("/").rpartition("/")[2] if remote.is_remote(out) else Path(out).resolve().name


@contextmanager
def _folders(out: str, overwrite: bool) -> Iterator[tuple[str, str]]:
    """Gives a folder for what is in the making, which goes at the end, and the one for the files of the data set.

    On this machine's file system the latter becomes `out` at the end. Elsewhere a folder cannot be moved: there it is
    `out`, and a data set from the moment on when `dataset.json` is in it, which comes last.
    """
    if not remote.is_remote(out):
        with staged(Path(out), overwrite) as directory:
            work = str(directory / "work")
            with _made(work):
                yield work, str(directory)
        return
    above, _, name = out.rstrip("/").rpartition("/")
    with _made(remote.unique(above, f".{name}.partial")) as work:
        yield work, out.rstrip("/")


@contextmanager
def _made(folder: str) -> Iterator[str]:
    remote.make_folder(folder)
    try:
        yield folder
    finally:
        with suppress(Exception):  # every file system has errors of its own, and one would hide what brought us here
            remote.remove_folder(folder)


def _cut(plan: Plan, account: Account, work: str, runner: Runner, progress: Callable[..., Progress]) -> "list[Clips]":
    """Cuts all recordings into clips and counts what became of them; returns the files of clips, in their order."""
    from preprocess import steps

    cut = steps.Cut(convert.cutting_of(plan.options), convert.labels_of(plan), plan.sources, work)
    spread, whole, portions = _lists(plan, work)
    warn(f"cutting {len(plan.all_entries()):,} files, with {runner.name}")
    runner.run(lambda pipeline: steps.cut(pipeline, cut, spread, whole, -(-portions // MOST_FILES)))
    clips: list[Clips] = []
    before = dict.fromkeys(SPLITS, 0)  # clips of each split so far
    files = (file for _, files in plan.by_source() for _, file in files)
    with progress(len(plan.all_entries()), "counting", "files") as bar:
        for portion in chain.from_iterable(map(steps.CutPortion.stored, _results(work, steps.OUTCOMES))):
            for outcome, file in zip(portion.outcomes, files, strict=False):  # the files go on after the portion
                if isinstance(outcome, str):
                    account.skip(file, outcome)
                else:
                    account.keep(file, outcome)
                bar.update(1, clips=account.clips, skipped=len(account.skipped))
            for each in portion.clips:
                clips.append(replace(each, first=before[each.split]))
                before[each.split] += each.count
    convert.check_usable(account, account.clips)
    if next(files, None) or sum(before.values()) != account.clips:
        raise UserError("the Beam pipeline lost results of its own. Run it again.")
    return clips


def _lists(plan: Plan, work: str) -> tuple[list[str], list[str], int]:
    """Writes what is to be cut: (lists that any workers share, lists for one worker each, how many portions)."""
    spread: list[Portion] = []
    whole: list[str] = []
    count = 0
    for place, (source, files) in enumerate(plan.by_source()):
        portions = list(_portions(place, files, count))
        count += len(portions)
        if source.sequential and portions:
            whole.append(remote.join(work, f"archive-{len(whole):05d}"))
            remote.store(whole[-1], map(asdict, portions))
        else:
            spread += portions
    return _stored(spread, work, "files"), whole, count


def _portions(source: int, files: Iterable[tuple[Entry, PlannedFile]], first: int) -> "Iterator[Portion]":
    from preprocess.steps import Portion

    chunk: list[tuple[Entry, PlannedFile]] = []
    size = 0
    for entry, file in files:
        if chunk and (len(chunk) == PORTION_FILES or size + file.size > PORTION_BYTES):
            yield Portion(first, source, chunk)
            first, chunk, size = first + 1, [], 0
        chunk.append((entry, file))
        size += file.size
    if chunk:
        yield Portion(first, source, chunk)


def _stored(items: "Sequence[Portion | Clips]", work: str, name: str) -> list[str]:
    """Writes `items` to a bounded number of files; returns their paths."""
    at_once = max(1, -(-len(items) // MOST_FILES))
    paths: list[str] = []
    for first in range(0, len(items), at_once):
        paths.append(remote.join(work, f"{name}-{len(paths):05d}"))
        remote.store(paths[-1], map(asdict, items[first : first + at_once]))
    return paths


def _results(work: str, kind: str) -> list[str]:
    """The files of results whose names begin with `kind`, one of each name where several attempts wrote it."""
    names = {path.rpartition("/")[2]: path for path in remote.files_in(work)}
    whole = sorted(name for name in names if name.startswith(kind) and not name.endswith(".partial"))
    return list({name.rpartition(".")[0]: names[name] for name in whole}.values())


def _write(
    plan: Plan, account: Account, clips: "list[Clips]", work: str, runner: Runner
) -> dict[str, list[dict[str, Any]]]:
    """Writes the shards; returns each split's, as `steps.JoinParts` says."""
    from preprocess import steps

    written = {split: len(rms) for split, rms in account.rms.items()}
    if not written["train"]:
        account.merge_into_train()
    cutting = convert.cutting_of(plan.options)
    clip_bytes = 2 * cutting.length * cutting.channels + RECORD_BYTES
    layout = Layout.of(written, convert.shard_counts(plan, cutting), account.merged, clip_bytes)
    warn(f"writing {account.clips:,} clips to {len(layout.clips):,} shards")
    lists = _stored(clips, work, "clips")
    runner.run(lambda pipeline: steps.write_shards(pipeline, layout, lists, work))
    files = [json.loads(remote.read(path)) for path in _results(work, steps.SHARD)]
    if [file["name"] for file in files] != sorted(layout.clips):
        raise UserError("the Beam pipeline lost results of its own. Run it again.")
    return {split: [file for file in files if file["name"].startswith(f"{split}-")] for split in SPLITS}


def _publish(files: dict[str, list[dict[str, Any]]], final: str) -> None:
    """Moves all shards and indexes to where they belong, in place of an older data set where there is one."""
    if remote.is_remote(final):
        with suppress(OSError):  # where it is there
            remote.make_folder(final)
        old = sorted(remote.files_in(final), key=lambda path: not path.endswith(f"/{FILE_NAME}"))
        remote.remove(old[:1])  # `dataset.json`, so that what is left is no data set
        remote.remove(old[1:])
    for file in chain.from_iterable(files.values()):
        paths = [file.pop("path"), file.pop("index_path")]
        remote.rename(paths, [remote.join(final, name) for name in (file["name"], index_path(Path(file["name"])).name)])
