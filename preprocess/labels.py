"""The class of every file, from its path: the folder it lies in, the first folder, or what a pattern finds."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable

from wavegan.base.text import printable

FOLDER_RULES = ("parent", "top")
FEW_CLIPS = 5  # below, a class is hardly one


def label_of(path: str, root: str, rule: str, name: str) -> str | None:
    """The name of a file's class.

    Args:
        path: relative to its source, in its normal form, without the folders that are splits.
        root: the class of a file that lies in no folder.
        rule: "parent", "top", or a regular expression with a group.
        name: its path with the source's name before it where there are several sources, likewise without those folders:
            what a regular expression is compared with.

    Returns:
        The class; None where the regular expression finds none.
    """
    if rule in FOLDER_RULES:
        folders = path.split("/")[:-1] or [root]
        return printable(folders[-1 if rule == "parent" else 0])
    match = re.search(rule, name)
    groups = match.groups() if match else ()
    return next((printable(group) for group in groups if group), None)


def shared_names_note(folders: Iterable[tuple[str, str, str]]) -> str | None:
    """Says which classes are several folders of one source, given (class, source, folder) of all files.

    None where there is none.
    """
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for label, source, folder in folders:
        found[label, source].add(folder)
    shared = {label: sorted(places) for (label, _), places in sorted(found.items()) if len(places) > 1}
    if not shared:
        return None
    label, places = next(iter(shared.items()))
    first, second = (printable(place) or "the top" for place in places[:2])
    others = f" (other such classes: {len(shared) - 1})" if len(shared) > 1 else ""
    return (
        f"class {label} is {len(places)} folders, such as {first} and {second}{others}: "
        "--label top takes the first folder as the class"
    )


def common_classes_note(folders: Iterable[tuple[str, str, str]]) -> str | None:
    """Says which classes are folders of several sources, given (class, source, folder) of all files; None for none."""
    found: dict[str, set[str]] = defaultdict(set)
    for label, source, _ in folders:
        found[label].add(source)
    common = {label: sorted(sources) for label, sources in sorted(found.items()) if len(sources) > 1}
    if not common:
        return None
    label, sources = next(iter(common.items()))
    first, second = map(printable, sources[:2])
    others = f" (other such classes: {len(common) - 1})" if len(common) > 1 else ""
    return (
        f"class {label} is folders of {len(sources)} sources, such as {first} and {second}{others}: "
        "--label '(.+)/' keeps the folders of each source apart"
    )


def beside_folders_note(folders: Iterable[tuple[str, str, str]]) -> str | None:
    """Says which class is of files beside the folders of its source, given (class, source, folder) of all files.

    None where there is none.
    """
    beside, inside = Counter[tuple[str, str]](), set[str]()
    for label, source, folder in folders:
        if folder:
            inside.add(source)
        else:
            beside[label, source] += 1
    found = {label: count for (label, source), count in sorted(beside.items()) if source in inside}
    if not found:
        return None
    label, count = next(iter(found.items()))
    files = "1 file that lies" if count == 1 else f"{count:,} files that lie"
    return (
        f"class {label} is {files} beside the folders of the other classes: move what is of one of them there, or "
        "leave the class out with --classes"
    )


def few_clips_note(counts: dict[str, int]) -> str | None:
    """Says that most classes have hardly a clip, given the clips of each; None where it is not so."""
    few = sum(count < FEW_CLIPS for count in counts.values())
    if len(counts) < 2 or 2 * few <= len(counts):
        return None
    return (
        f"{few} of {len(counts)} classes hold fewer than {FEW_CLIPS} clips: if these are no classes, "
        "--label takes others from the path"
    )
