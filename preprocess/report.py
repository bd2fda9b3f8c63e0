"""A data set's account as text: one screen for a person."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from preprocess.archives import is_archive
from wavegan.data.schema import FILE_NAME, SPLITS, DatasetInfo

WIDTH = 100  # characters
MOST_ROWS = 12  # classes with a line of their own
MOST_REASONS = 8
MOST_KINDS = 6  # extensions of files that are no audio
EXAMPLES = 3  # names shown for a reason
FEW_HELD_OUT = 50  # clips; with fewer, an evaluation compares with none


def format_report(info: DatasetInfo, directory: str) -> list[str]:
    """The lines of the report that the command prints: what was kept and skipped, what it sounds like, where it is."""
    seconds = info.length / info.sample_rate
    channels = {1: "mono", 2: "stereo"}[info.channels]
    lines = [
        f"{directory}: {_count(info.report['clips'], 'clip')} of {info.length} samples "
        f"({seconds:.3g} s at {info.sample_rate} Hz, {channels}), {_count(len(info.classes), 'class')}",
        "",
        *_files(info.report),
        *_reasons("skipped", info.report["skipped"], directory),
        *_reasons("left out by their names", info.report["left_out"], directory),
        "",
        *(_table(info) if len(info.classes) <= MOST_ROWS else _grid(info)),
        "",
        _loudness(info.loudness),
        *(f"note: {note}" for note in info.report["notes"]),
        *_unopened(info),
        *_held_out_note(info),
    ]
    return [line.rstrip() for line in lines]


def _held_out_note(info: DatasetInfo) -> Iterator[str]:
    """Says that too few clips are held out to compare with in an evaluation, unless none were to be."""
    clips = info.splits["test"]["clips"] or info.splits["validation"]["clips"]
    if clips < FEW_HELD_OUT and (clips or info.options["test"] or info.options["validation"]):
        yield (
            f"note: {_count(clips, 'clip')} held out for testing, where scores need {FEW_HELD_OUT} that were not "
            "trained on: add recordings, or hold out more with --test"
        )


def _unopened(info: DatasetInfo) -> Iterator[str]:
    """Says that archives lie inside the folders, where they are not opened, unless they are sources, too."""
    sources = tuple(Path(source["source"]).name for source in info.sources)
    archives = [
        path for path in info.report["other_files"] if is_archive(Path(path)) and Path(path).name not in sources
    ]
    if archives:
        yield (
            f"note: {_count(len(archives), 'archive')} inside the folders not opened, such as {archives[0]}: give each "
            "as a source of its own"
        )


def _count(number: int, noun: str) -> str:
    plural = noun + ("es" if noun.endswith("s") else "s")
    return f"{number:,} {noun if number == 1 else plural}"


def _files(report: dict[str, Any]) -> Iterator[str]:
    files = f"files    {report['found']:,} found, {report['kept']:,} kept, {len(report['skipped']):,} skipped"
    if report["other_classes"]:
        files += f"; {report['other_classes']:,} of other classes"
    if report["other_files"]:
        others = by_extension(report["other_files"])
        files += f"; left alone as no audio: {others}"
    yield files
    facts = [f"{report['padded']:,} padded with silence", f"{_count(report['cut'], 'file')} cut"]
    if report["dropped_tails"]:
        facts[-1] += " (a last window less than a quarter full)"
    if report["silent"]:
        facts.append(f"{report['silent']:,} silent left out")
    if report["clipped"]:
        facts.append(f"{report['clipped']:,} clipped at full scale")
    yield f"clips    {', '.join(facts)}"


def by_extension(paths: list[str]) -> str:
    """How many files there are of each extension, the most frequent first.

    >>> by_extension(["a.m4a", "notes.txt", "b.M4A"])
    '2 × .m4a, 1 × .txt'
    """
    kinds = Counter(os.path.splitext(path)[1].lower() or "without extension" for path in paths).most_common()
    shown = [f"{count:,} × {kind}" for kind, count in kinds[:MOST_KINDS]]
    rest = sum(count for _, count in kinds[MOST_KINDS:])
    return ", ".join(shown + [f"{rest:,} others"] * bool(rest))


def _reasons(heading: str, files: list[dict[str, str]], directory: str) -> Iterator[str]:
    if not files:
        return
    paths = defaultdict(list)
    for file in files:
        paths[file["reason"]].append(file["path"])
    reasons = sorted(paths, key=lambda reason: -len(paths[reason]))
    yield heading
    for reason in reasons[:MOST_REASONS]:
        more = f" … (all in {FILE_NAME})" if len(paths[reason]) > EXAMPLES else ""
        yield f"  {len(paths[reason]):>6,} × {reason}: {', '.join(paths[reason][:EXAMPLES])}{more}"
    if len(reasons) > MOST_REASONS:
        rest = sum(len(paths[reason]) for reason in reasons[MOST_REASONS:])
        yield f"  {rest:>6,} × other reasons, all in {directory}/{FILE_NAME}"


def _rows(info: DatasetInfo, names: list[str]) -> Iterator[tuple[str, list[int], float]]:
    """Per class, then for all: clips in each split, and hours in all of them."""
    hours = info.length / info.sample_rate / 3600
    for name in names:
        clips = [info.splits[split]["clips_per_class"][name] for split in SPLITS]
        yield name, clips, sum(clips) * hours
    clips = [info.splits[split]["clips"] for split in SPLITS]
    yield "all", clips, sum(clips) * hours


def _table(info: DatasetInfo, names: list[str] | None = None) -> Iterator[str]:
    names = info.classes if names is None else names
    width = max(map(len, ("class", *names)))
    yield f"{'class':{width}}  {'train':>10}  {'validation':>10}  {'test':>10}  {'hours':>8}"
    for name, clips, hours in _rows(info, names):
        yield f"{name:{width}}  " + "  ".join(f"{number:>10,}" for number in clips) + f"  {hours:>8.3f}"
    row = [f"{info.splits[split]['hours']:>10.3f}" for split in SPLITS]
    yield f"{'hours':{width}}  " + "  ".join(row)


def _grid(info: DatasetInfo) -> Iterator[str]:
    """Totals, then many classes beside each other."""
    yield from _table(info, names=[])
    yield ""
    yield "clips per class, train/validation/test"
    cells = [f"{name} {'/'.join(map(str, clips))}" for name, clips, _ in list(_rows(info, info.classes))[:-1]]
    width = max(map(len, cells)) + 2
    columns = max(1, WIDTH // width)
    for start in range(0, len(cells), columns):
        yield "  " + "".join(f"{cell:{width}}" for cell in cells[start : start + columns])


def _loudness(loudness: dict[str, dict[str, float]]) -> str:
    # Adding zero turns -0.0 into 0.0.
    mean, low, high, peak = (
        f"{round(loudness[name]['dbfs'], 1) + 0:.1f}" for name in ("rms_mean", "rms_p5", "rms_p95", "peak")
    )
    return f"loudness of train  mean RMS {mean} dBFS, nine clips in ten between {low} and {high}, peak {peak} dBFS"
