"""Which files train, validate and test: by lists beside them, by folders named so, or by a hash of the path."""

import codecs
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable

from preprocess.names import normal

LISTS = {"validation_list.txt": "validation", "testing_list.txt": "test"}
FOLDERS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "val", "validation"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_TAKE = re.compile(r"_nohash_.*$")


class Splits:
    """The split of every file of one source. The same on every machine.

    A list that names a file decides; then the folders that are splits, where there are such; then, for what lies beside
    a list and is not named, train; and else a hash of the path.

    Args:
        paths: of all audio files, relative to the source.
        lists: for each list in the source, by its path, what it names.
        validation: percent of the files that no list and no folder decides about.
        test: likewise.

    Attributes:
        folders: paths of the folders that are splits, and no classes.
        lists_match: whether the lists name any file; True without lists.
    """

    def __init__(self, paths: Iterable[str], lists: dict[str, frozenset[str]], validation: float, test: float) -> None:
        paths = [normal(path) for path in paths]
        self.validation, self.test = validation, test
        self.folders = split_folders(paths)
        self._named = {"test": set[str](), "validation": set[str]()}
        self._listed = {normal(path).rpartition("/")[0] for path in lists}
        for folder in self._listed:
            beside = {LISTS[_name(path)]: names for path, names in lists.items() if _is_in(path, folder)}
            for split, named in _files_named(paths, folder, beside).items():
                self._named[split] |= named
        self.lists_match = not lists or any(self._named.values())

    def of(self, path: str) -> str:
        """The split of the file at `path`, relative to the source. What is held out in any way never trains."""
        path = normal(path)
        for split, named in self._named.items():
            if path in named:
                return split
        found = {FOLDERS[_name(folder).lower()] for folder in _folders_above(path) if folder in self.folders}
        if found:
            return next(split for split in ("test", "validation", "train") if split in found)
        if any(_is_below(path, folder) for folder in self._listed):
            return "train"
        return split_by_hash(path, self.validation, self.test)

    def without_folders(self, path: str) -> str:
        """`path` in its normal form without the folders that are splits."""
        path = normal(path)
        if not self.folders:
            return path
        parts = [_name(folder) for folder in _folders_above(path) if folder not in self.folders]
        return "/".join([*parts, _name(path)])


def is_list(path: str) -> bool:
    """Whether a path relative to a source is that of a split list: at its top, or one folder below."""
    folders = normal(path).split("/")
    return len(folders) <= 2 and folders[-1] in LISTS


def parse_list(text: bytes) -> frozenset[str]:
    """The paths named in a split list, one a line, in UTF-8 or UTF-16."""
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        lines = text.decode("utf-16", "replace")
    elif b"\0" in text[:2]:  # a character of ASCII, without a mark of the order
        lines = text.decode("utf-16-be" if text[0] == 0 else "utf-16-le", "replace")
    else:
        lines = text.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape")
    return frozenset(normal(line.strip()) for line in lines.splitlines() if line.strip())


def split_folders(paths: list[str]) -> frozenset[str]:
    """The folders that are splits and no classes, of all audio files' normal paths.

    One named train is a class where it stands alone: recordings of trains. With one of what is held out beside it, it
    is a split; and so are such folders at the same depth that have no other beside them, as in a class without a test.
    """
    inside: dict[str, set[str]] = defaultdict(set)
    for folder in {path.rpartition("/")[0] for path in paths}:
        for above in _folders_above(f"{folder}/"):
            inside[above.rpartition("/")[0]].add(above)
    splits = {parent: {f for f in folders if _name(f).lower() in FOLDERS} for parent, folders in inside.items()}
    pairs = {parent for parent, folders in splits.items() if _train_and_more(folders)}
    depths = {_depth(parent) for parent in pairs}
    for parent, folders in splits.items():
        if _depth(parent) in depths and folders == inside[parent]:
            pairs.add(parent)
    return frozenset(folder for parent in pairs for folder in splits[parent])


def hash_percent(path: str) -> float:
    """A number from 0 to below 100 that depends on a relative path alone, without its `_nohash_…` part.

    So all takes of one speaker and word stay together, as in Speech Commands (Warden, "Speech Commands", 2018).
    """
    name = _TAKE.sub("", normal(path)).encode("utf-8", "surrogateescape")
    return int.from_bytes(hashlib.sha1(name).digest()[:8], "big") / 2**64 * 100


def split_by_hash(path: str, validation: float, test: float) -> str:
    """The split of a relative path, with `validation` and `test` percent of all paths held out."""
    percent = hash_percent(path)
    if percent < validation:
        return "validation"
    return "test" if percent < validation + test else "train"


def _files_named(paths: list[str], folder: str, lists: dict[str, frozenset[str]]) -> dict[str, set[str]]:
    """{split: the paths in `folder` that its list names}.

    Where none is named from `folder` on, names are looked for in all folders below: Kaggle's lists lie in train/, and
    name what is in train/audio/.
    """
    start = len(folder) + 1 if folder else 0
    below = [path for path in paths if _is_below(path, folder)]
    names = frozenset[str]().union(*lists.values())
    exact = any(path[start:] in names for path in below)
    return {
        split: {p for p in below if (p[start:] in named if exact else any(end in named for end in _ends(p[start:])))}
        for split, named in lists.items()
    }


def _ends(path: str) -> list[str]:
    """A path from each of its folders on.

    >>> _ends("audio/yes/1.wav")
    ['audio/yes/1.wav', 'yes/1.wav', '1.wav']
    """
    parts = path.split("/")
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _folders_above(path: str) -> list[str]:
    """All folders that a path lies in, the outermost first.

    >>> _folders_above("kick/train/1.wav")
    ['kick', 'kick/train']
    """
    return [path[:at] for at, character in enumerate(path) if character == "/" and at]


def _train_and_more(folders: set[str]) -> bool:
    found = {FOLDERS[_name(folder).lower()] for folder in folders}
    return "train" in found and len(found) > 1


def _depth(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _is_in(path: str, folder: str) -> bool:
    return normal(path).rpartition("/")[0] == folder


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")
