"""Data sets of tensorflow_datasets as sources: their sounds, with the classes and splits that their builders give."""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import reduce
from importlib.util import find_spec
from itertools import groupby
from operator import getitem
from types import ModuleType
from typing import Any, TypeAlias

import numpy as np
import soundfile

from preprocess.sources import Content, Entry, Listing
from preprocess.splits import FOLDERS, LISTS
from wavegan.base.errors import UserError
from wavegan.base.quiet import import_quietly
from wavegan.base.text import printable

PREFIX = "tfds:"
SPLITS = FOLDERS | {"dev": "validation", "eval": "validation"}  # by the first word of the builder's own name for it
UNLABELLED = "unlabelled"  # class of examples whose label is -1, as in the test sets of competitions
LARGEST_PCM16 = 32767

Key: TypeAlias = tuple[str, ...]  # of a feature: the names on the way to it


class TensorFlowDataset:
    """The sounds of a data set that `tensorflow_datasets` knows, which downloads and keeps it in its own folder.

    Every example is an entry `CLASS/SPLIT-NUMBER`. Other classes that a builder gives, such as the pitch of a note,
    stand behind the number, where `--label` finds them: `bass/train-00012, pitch=36`.

    Args:
        text: `tfds:NAME[/CONFIG][:VERSION]`.

    Raises:
        UserError: where there is no such data set, it cannot be prepared, or it holds no sounds.
    """

    path = None
    sequential = True

    def __init__(self, text: str) -> None:
        self.text = printable(text)
        self.name = text.removeprefix(PREFIX).replace("/", "-")
        self._tfds = _library(self.text)
        with self._explained():
            self.builder = self._builder(text.removeprefix(PREFIX))
            self.builder.download_and_prepare()
        self.kind = f"data set of tensorflow_datasets, {self.builder.info.full_name}"
        self._choose(self.builder.info)
        self.encoded = self.feature.get_serialized_info().np_dtype == np.object_  # files as they are
        if not self.encoded and not self.feature.sample_rate:
            raise UserError(f"{self.text} does not say at which sample rate its sounds are. Name its files as SOURCE.")

    def __reduce__(self) -> tuple[type, tuple[str], dict[str, str]]:
        """Whoever gets it in another process opens the data set there, as it lies in that process' folder of them."""
        return type(self), (self.text,), {"name": self.name}

    def _choose(self, info: Any) -> None:
        """Which feature is the sound, which ones are classes, and which of these is the label."""
        kinds = self._tfds.features
        features = dict(_flat(info.features, kinds.FeaturesDict))
        sounds = [key for key, feature in features.items() if isinstance(feature, kinds.Audio)]
        if not sounds:
            found = ", ".join(map(".".join, features))
            raise UserError(f"{self.text} holds no sounds. It has these features: {printable(found)}.")
        supervised = [(each,) for each in info.supervised_keys or () if isinstance(each, str)]
        self.sound = next(key for key in [*supervised, ("audio",), *sounds] if key in sounds)
        self.feature = features[self.sound]
        self.labels = {key: each for key, each in features.items() if isinstance(each, kinds.ClassLabel)}
        only = list(self.labels) if len(self.labels) == 1 else []
        self.label = next((key for key in [*supervised, ("label",), *only] if key in self.labels), None)

    def listing(self, tick: Callable[[], object] = lambda: None) -> Listing:
        """Lists all examples, split by split, in the order they are stored in; calls `tick` for each.

        Raises:
            UserError: where the stored data cannot be read.
        """
        listing, held_out = Listing(), dict[str, list[str]]()
        for name, split in self.builder.info.splits.items():
            size = split.num_bytes // max(1, split.num_examples)
            of = SPLITS.get(re.split(r"[-_]", name.lower())[0], "train")
            for index, row in enumerate(self._rows(name, list(self.labels), split.num_examples)):
                tick()
                listing.entries.append(Entry(self._path(name, index, row), size, (name, index)))
                if of != "train":
                    held_out.setdefault(of, []).append(listing.entries[-1].path)
        files = {split: file for file, split in LISTS.items()}
        listing.lists = {files[split]: frozenset(paths) for split, paths in held_out.items()}
        if self.label is None and self.labels:
            names = [".".join(key) for key in self.labels]
            listing.notes.append(
                f"{self.text} has several kinds of classes ({printable(', '.join(names))}) and no label: "
                f"--label '{printable(names[0])}=([^,]+)' takes one"
            )
        return listing

    def contents(self, entries: Iterable[Entry]) -> Iterator[tuple[Entry, Content]]:
        """Yields every entry with its sound: the stored file, or a WAV file of the stored samples."""
        for split, group in groupby(entries, key=lambda entry: entry.content[0]):
            wanted = {entry.content[1]: entry for entry in group}
            for index, row in enumerate(self._rows(split, [self.sound])):
                if index in wanted:
                    sound = reduce(getitem, self.sound, row)
                    yield wanted.pop(index), sound if self.encoded else wav(sound, self.feature.sample_rate)
                if not wanted:
                    break

    def _rows(self, split: str, keys: list[Key], examples: int = 0) -> Iterator[Any]:
        """The features `keys` of every example of a split, always in the same order; without keys nothing is read."""
        if not keys:
            yield from [{}] * examples
            return
        decode = self._tfds.decode
        decoders = _nested({self.sound: decode.SkipDecoding()}) if self.encoded and self.sound in keys else None
        with self._explained():
            yield from self._tfds.as_numpy(
                self.builder.as_dataset(
                    split=split,
                    shuffle_files=False,
                    read_config=self._tfds.ReadConfig(try_autocache=False, interleave_cycle_length=1),
                    decoders=decode.PartialDecoding(_nested(dict.fromkeys(keys, True)), decoders),
                )
            )

    def _path(self, split: str, index: int, row: Any) -> str:
        found = {
            key: label.int2str(int(value)) if (value := reduce(getitem, key, row)) >= 0 else UNLABELLED
            for key, label in self.labels.items()
        }
        folder = f"{_in_path(found.pop(self.label))}/" if self.label else ""
        return folder + ", ".join(
            [f"{split}-{index:05d}", *(f"{'.'.join(key)}={_in_path(value)}" for key, value in found.items())]
        )

    def _builder(self, name: str) -> Any:
        try:
            return self._tfds.builder(name)
        except self._tfds.core.DatasetNotFoundError:
            raise UserError(
                f"tensorflow_datasets has no data set {self.text}. Those it has: https://www.tensorflow.org/datasets"
            ) from None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Says in one line what goes wrong inside of tensorflow_datasets and its builders, whatever they raise."""
        try:
            yield
        except UserError:
            raise
        except Exception as problem:
            first_line = next(iter(str(problem).strip().splitlines()), type(problem).__name__)
            reason = printable(first_line.rstrip(".: "))
            raise UserError(f"{self.text} cannot be prepared or read: {reason}.") from problem


def wav(sound: np.ndarray, sample_rate: int) -> bytes:
    """The samples of an example, [time] or [time, channels], as a WAV file at `sample_rate` (Hz).

    Floating-point numbers are in [-1, 1]. Whole ones are steps of 16 bits; where one does not fit into these, of 32, as
    tensorflow_datasets stores what had 24 or 32.
    """
    subtype = "FLOAT"
    if not np.issubdtype(sound.dtype, np.floating):
        wide = sound.size > 0 and max(sound.max(), -1 - sound.min()) > LARGEST_PCM16
        subtype = "PCM_32" if wide else "PCM_16"
        sound = sound.astype(np.int32 if wide else np.int16)
    file = io.BytesIO()
    soundfile.write(file, sound, sample_rate, subtype=subtype, format="WAV")
    return file.getvalue()


def _library(text: str) -> ModuleType:
    if find_spec("tensorflow_datasets") is None:
        raise UserError(
            f"{text} needs the package tensorflow_datasets: python -m pip install -e '.[tfds]' installs it."
        )
    import_quietly("tensorflow")  # which prints to standard error
    return import_quietly("tensorflow_datasets")


def _flat(features: Any, kind: Any, above: Key = ()) -> Iterator[tuple[Key, Any]]:
    """(key, feature) of all features, also of those that lie in others of the kind "dictionary"."""
    if isinstance(features, kind):
        for name, feature in features.items():
            yield from _flat(feature, kind, (*above, name))
    else:
        yield above, features


def _nested(values: dict[Key, Any]) -> dict[str, Any]:
    """Values by the keys of features, as tensorflow_datasets nests them.

    >>> _nested({("audio",): 1, ("instrument", "family"): 2})
    {'audio': 1, 'instrument': {'family': 2}}
    """
    nested: dict[str, Any] = {}
    for (*above, last), value in values.items():
        reduce(lambda inside, name: inside.setdefault(name, {}), above, nested)[last] = value
    return nested


def _in_path(label: str) -> str:
    return label.replace("/", "-").replace("\\", "-")
