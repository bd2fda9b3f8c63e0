"""THE record schema, once: how a clip is written and read, and the `dataset.json` beside the records.

A record is a `tf.train.Example` with

    pcm      bytes   little-endian int16 [length, channels], interleaved
    label    int64   index into the data set's `classes`
    source   bytes   the file's path, relative to its source, as the file system has it
    start    int64   the clip's first sample, counted in the resampled file
"""

import hashlib
import json
import os
import re
import shlex
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavegan.base.errors import UserError
from wavegan.base.files import json_checksum
from wavegan.base.names import RESERVED, SHORT, is_name
from wavegan.base.quiet import import_tensorflow
from wavegan.data.example import decoded, encoded, features

if TYPE_CHECKING:
    import numpy as np

FORMAT = 3  # counted up whenever an older reader could not read what is written
FORMATS = (2, 3)  # that are read; format 2 has no checksums of shards, and no indexes
SPLITS = ("train", "validation", "test")
FILE_NAME = "dataset.json"
PLAIN_NAME = re.compile(r"\w[\w.-]*")  # of a shard: no folder, nothing hidden
HASHES = ("sha256", "index_sha256")  # of a file, from format 3 on
NOT_IN_0_1 = {"left_out", "remarks", "label"}  # of a report, and of the options
SHA256 = re.compile(r"[0-9a-f]{64}")
AGAIN = "Prepare the data set again with python -m preprocess."


def write_example(pcm: bytes, label: int, source: str, start: int) -> bytes:
    """One clip as a serialised record; the arguments are the features above."""
    return encoded({"pcm": pcm, "label": label, "source": os.fsencode(source), "start": start})


def parse_examples(serialized: Any, length: int, channels: int) -> dict[str, Any]:
    """A batch of serialised records (a string tensor [batch]) as tensors, in TensorFlow's graph.

    Returns:
        `audio` float32 [batch, length, channels] in [-1, 1), `label` int64 [batch], `source` string [batch],
        `start` int64 [batch].
    """
    tf = import_tensorflow()
    scalar = {"pcm": tf.string, "label": tf.int64, "source": tf.string, "start": tf.int64}
    parsed = tf.io.parse_example(serialized, {name: tf.io.FixedLenFeature([], kind) for name, kind in scalar.items()})
    pcm = tf.io.decode_raw(parsed["pcm"], tf.int16, little_endian=True)
    # Not -1 for the batch: two records of half the length would pass as one.
    audio = tf.cast(tf.reshape(pcm, [tf.size(serialized), length, channels]), tf.float32) / 32768.0
    return {"audio": audio, "label": parsed["label"], "source": parsed["source"], "start": parsed["start"]}


def read_examples(serialized: Iterable[bytes], length: int, channels: int) -> dict[str, "np.ndarray"]:
    """As `parse_examples`, as NumPy's arrays and without TensorFlow; `source` [n] is an object array of bytes.

    Raises ValueError where a record is no clip.
    """
    import numpy as np  # which whoever asks for help does not wait for

    read = [_clip(record, length, channels) for record in serialized]
    pcm = np.frombuffer(b"".join(each["pcm"] for each in read), "<i2").reshape(len(read), length, channels)
    numbers = {name: np.array([each[name] for each in read], np.int64) for name in ("label", "start")}
    return {
        "audio": pcm.astype("float32") / np.float32(32768), **numbers,
        "source": np.array([each["source"] for each in read], object),
    }  # fmt: skip


def read_label(serialized: bytes) -> int:
    """The label of a serialised record. Raises ValueError where it has none."""
    for name, values in features(serialized):
        if name == "label" and len(values) == 1 and isinstance(values[0], int):
            return values[0]
    raise ValueError("it has no label")


def complaint(serialized: bytes, length: int, channels: int) -> str | None:
    """Says why a serialised record is no clip of `length` samples and `channels`; None where it is one."""
    try:
        _clip(serialized, length, channels)
    except ValueError as problem:
        return str(problem)
    return None


def _clip(serialized: bytes, length: int, channels: int) -> dict[str, Any]:
    """The features of a record, a value each. Raises ValueError, which says why it is no clip."""
    try:
        found = decoded(serialized)
    except ValueError:
        raise ValueError("it cannot be parsed") from None
    for name, kind in {"pcm": bytes, "label": int, "source": bytes, "start": int}.items():
        if name not in found:
            raise ValueError(f"it has no {name}")
        if len(found[name]) != 1 or not isinstance(found[name][0], kind):
            words = {bytes: "bytes", int: "int64"}[kind]
            raise ValueError(f"its {name} is no single value of type {words}")
    clip: dict[str, Any] = {name: values[0] for name, values in found.items()}
    expected, received = 2 * length * channels, len(clip["pcm"])
    if received != expected:
        raise ValueError(f"its pcm has {received} bytes where {expected} are expected")
    return clip


@dataclass(frozen=True)
class DatasetInfo:
    """All that a reader of a data set needs to know, as kept in its `dataset.json`.

    Attributes:
        name: of the data set: its directory's name when it was made.
        sample_rate: Hz.
        length: of every clip, samples.
        channels: 1 or 2.
        classes: sorted names; a record's label is an index into them. A class can be without clips.
        splits: for each of `SPLITS`: `files`, `clips`, `hours`, `clips_per_class`. Validation and test can be without
            files. Of each file: `name`, `clips`, `bytes`, and from format 3 on `sha256` of its contents and
            `index_sha256` of the index beside it (see `tfrecord`).
        loudness: of the clips in train, each `linear` in [0, 1] and in `dbfs`: `rms_mean`, `rms_p5`, `rms_p50`,
            `rms_p95`, `peak`. None where train is empty.
        report: what became of every file, see `preprocess.report`.
        options: all that is needed to make the data set again.
        sources: what was read: `source`, `kind` and `files` of each.
        format: version of this schema.
    """

    name: str
    sample_rate: int
    length: int
    channels: int
    classes: list[str]
    splits: dict[str, dict]
    loudness: dict
    report: dict
    options: dict
    sources: list[dict]
    format: int = FORMAT

    def save(self, directory: str | os.PathLike) -> None:
        """Writes `dataset.json` into `directory`."""
        (Path(directory) / FILE_NAME).write_bytes(self.content())

    def content(self) -> bytes:
        """`dataset.json` as it is stored."""
        values = asdict(self)
        ordered = {"format": values.pop("format"), **values}
        ordered["checksum"] = json_checksum(ordered)
        return (json.dumps(ordered, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8")

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "DatasetInfo":
        """Reads `dataset.json` from `directory`.

        Raises:
            UserError: where there is none, it is not one that this version wrote, or it was edited since.
        """
        require(directory)
        path = Path(directory) / FILE_NAME
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}.") from None
        except (ValueError, RecursionError) as error:
            raise UserError(f"{path} is no valid JSON ({error}). {AGAIN}") from None
        _check(values, path)
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in known})


def require(directory: str | os.PathLike) -> None:
    """Raises UserError where `directory` is no data set; reads nothing."""
    path = Path(directory) / FILE_NAME
    if os.path.exists(path):
        return
    if not os.path.exists(directory):
        raise UserError(f"no data set in {directory}: there is no such folder. Check the name.")
    make = shlex.join(["python", "-m", "preprocess", str(directory), "--out", "data/mine"])
    raise UserError(
        f"no data set in {directory}: expected {path}. If these are recordings, make a data set from them first: {make}"
    )


def fingerprint(directory: str | os.PathLike) -> str:
    """16 hex digits that tell the contents of one data set from another's, whatever it is called.

    That is: which clips, in which order, with which labels. Of format 2, which knows nothing of its contents, it is the
    hash of `dataset.json`, which never changes once made. Raises UserError as `DatasetInfo.load` does.
    """
    info = DatasetInfo.load(directory)
    if info.format < 3:
        return _short_hash((Path(directory) / FILE_NAME).read_bytes())
    shards = {split: [file["sha256"] for file in info.splits[split]["files"]] for split in SPLITS}
    contents = {name: getattr(info, name) for name in ("sample_rate", "length", "channels", "classes")}
    return json_checksum({**contents, "shards": shards})[:16]


def is_fingerprint_of(kept: str, directory: str | os.PathLike) -> bool:
    """Whether a run that kept the fingerprint `kept` was trained on the data set in `directory`.

    Also where the data set was of format 2 then and has been made again since, in the same way, of this format.
    Raises UserError as `DatasetInfo.load` does.
    """
    if kept == fingerprint(directory):
        return True
    info = DatasetInfo.load(directory)
    splits = {
        split: {**facts, "files": [{n: v for n, v in file.items() if n not in HASHES} for file in facts["files"]]}
        for split, facts in info.splits.items()
    }
    report = {name: value for name, value in info.report.items() if name not in NOT_IN_0_1}
    options = {name: value for name, value in info.options.items() if name not in NOT_IN_0_1}
    older = replace(info, format=2, splits=splits, report=report, options=options)
    return info.format > 2 and kept == _short_hash(older.content())


def _short_hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


# By hand, although msgspec would need half the lines: it leaves out what was received where a value is out of range.
def _check(values: Any, path: Path) -> None:
    if not isinstance(values, dict):
        raise UserError(f"{path} must hold an object. Received: {_kind(values)}. {AGAIN}")
    if values.get("format") not in FORMATS:
        expected, received = " or ".join(map(str, FORMATS)), json.dumps(values.get("format"))
        raise UserError(f"{path}: format must be {expected}. Received: {received}. {AGAIN}")
    for field in fields(DatasetInfo):
        kind = getattr(field.type, "__origin__", field.type)
        _expect(values, field.name, kind, path, "")
    if not is_name(values["name"]):
        received = json.dumps(values["name"][:SHORT])
        raise UserError(
            f"{path}: name must be that of a folder, without others above it. Received: {received}. {AGAIN}"
        )
    for name in ("sample_rate", "length", "channels"):
        if values[name] < 1:
            raise UserError(f"{path}: {name} must be 1 or more. Received: {values[name]}. {AGAIN}")
    if not values["classes"] or not all(isinstance(name, str) for name in values["classes"]):
        raise UserError(f"{path}: classes must be a list of names. Received: {values['classes']}. {AGAIN}")
    for split in SPLITS:
        _expect(values["splits"], split, dict, path, "splits.")
        facts = values["splits"][split]
        for name, kind in {"files": list, "clips": int, "hours": (int, float), "clips_per_class": dict}.items():
            _expect(facts, name, kind, path, f"splits.{split}.")
        for file in facts["files"]:
            _check_file(file, f"{path}: splits.{split}.files", hashes=HASHES if values["format"] >= 3 else ())
    _expect(values, "checksum", str, path, "")
    if values["checksum"] != json_checksum(values):
        raise UserError(
            f"{path} was edited by hand: it differs from its checksum. Restore it, or make the data set again."
        )


def _check_file(file: Any, where: str, hashes: Iterable[str]) -> None:
    kinds = {"name": str, "clips": int, "bytes": int, **dict.fromkeys(hashes, str)}
    received = json.dumps(file)
    if not isinstance(file, dict) or any(type(file.get(name)) is not kind for name, kind in kinds.items()):
        expected = ", ".join(list(kinds)[1:])
        raise UserError(f"{where} must be objects with name, {expected}. Received: {received}. {AGAIN}")
    if min(file["clips"], file["bytes"]) < 1:
        raise UserError(f"{where} must have 1 clip or more. Received: {received}. {AGAIN}")
    if not all(SHA256.fullmatch(file[name]) for name in hashes):
        raise UserError(f"{where} must have checksums of 64 hex digits. Received: {received}. {AGAIN}")
    if not PLAIN_NAME.fullmatch(file["name"]) or RESERVED.fullmatch(file["name"]):
        received = json.dumps(file["name"])
        raise UserError(
            f"{where} must be names of files beside dataset.json, without a folder. Received: {received}. {AGAIN}"
        )


def _expect(values: dict, name: str, kind: Any, path: Path, prefix: str) -> None:
    if name not in values:
        raise UserError(f"{path}: {prefix}{name} is missing. {AGAIN}")
    if not isinstance(values[name], kind) or isinstance(values[name], bool):
        expected = _NAMES.get(kind, "a number")
        raise UserError(f"{path}: {prefix}{name} must be {expected}. Received: {_kind(values[name])}. {AGAIN}")


_NAMES = {int: "a whole number", str: "a text", list: "a list", dict: "an object"}


def _kind(value: Any) -> str:
    return _NAMES.get(type(value), json.dumps(value))
