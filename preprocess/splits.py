"""Which files train, validate and test: by a corpus' own lists, or by a hash of the path. The same on every machine."""

import hashlib
import re

from preprocess.sources import normal

_TAKE = re.compile(r"_nohash_.*$")


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


def split_by_lists(path: str, lists: dict[str, frozenset[str]]) -> str:
    """The split of a relative path by a corpus' own lists; what they do not name is to train on."""
    path = normal(path)
    return next((split for split in ("test", "validation") if path in lists.get(split, ())), "train")
