"""`tfds:NAME`: the sounds of a TensorFlow data set, with the labels and splits of its builder, which the tests make."""

import io
import sys

import numpy as np
import pytest
import soundfile

from preprocess import tfds as source
from preprocess.convert import open_source
from tests.conftest import RATE, make
from tests.preprocess.test_convert import clips, files_of
from wavegan.base.errors import UserError
from wavegan.base.quiet import import_quietly
from wavegan.cli.preprocess import main

import_quietly("tensorflow")
tfds = import_quietly("tensorflow_datasets")

KINDS = ("go", "stop")
LENGTH = 300  # samples
SPLITS = {"train": 6, "validation": 3, "test": 3}


def sound(split, index, channels=1):
    """Steps of 16 bits, other ones for every example: int [time] or [time, channels]."""
    shape = LENGTH if channels == 1 else (LENGTH, channels)
    return np.random.default_rng((len(split), index)).integers(-9000, 9000, shape)


class Made(tfds.core.GeneratorBasedBuilder):
    """What all builders here share: sounds of `SPLITS`, labelled in turn."""

    VERSION = tfds.core.Version("1.2.3")
    SUPERVISED = ("audio", "label")
    COUNTS = SPLITS
    FEATURES = {
        "audio": tfds.features.Audio(sample_rate=RATE, dtype=np.int16),
        "label": tfds.features.ClassLabel(names=KINDS),
    }
    name = "wavegan_made"

    def _info(self):
        features = tfds.features.FeaturesDict(self.FEATURES)
        return tfds.core.DatasetInfo(builder=self, features=features, supervised_keys=self.SUPERVISED)

    def _split_generators(self, dl_manager):
        return {split: self._generate_examples(split) for split in self.COUNTS}

    def _generate_examples(self, split):
        for index in range(self.COUNTS[split]):
            yield index, self.example(split, index)

    def example(self, split, index):
        return {"audio": sound(split, index).astype(np.int16), "label": KINDS[index % 2]}


def sixteen_bits(path):
    return (soundfile.read(path)[0] * 32768).astype(int)


class WaveganFiles(Made):
    """Keeps the recordings as files, at several sample rates, and labels one as unknown."""

    name = "wavegan_files"
    FEATURES = {
        "speech": tfds.features.Audio(file_format="flac", dtype=np.int32, lazy_decode=True),
        "word": tfds.features.ClassLabel(names=["a/b", "c"]),
        "text": tfds.features.Text(),
        "sources": tfds.features.Sequence({"label": tfds.features.ClassLabel(names=KINDS)}),  # as fuss has them
    }
    SUPERVISED = ("speech", "text")
    COUNTS = {"train_clean": 4, "dev_clean": 2}

    def example(self, split, index):
        file = io.BytesIO()
        soundfile.write(file, sound(split, index).astype(np.int16), RATE * (1 + index), format="FLAC")
        file.seek(0)
        return {"speech": file, "word": -1 if index == 3 else index % 2, "text": "", "sources": []}


class WaveganNotes(Made):
    """As nsynth: samples from -1 to 1, in stereo, and several kinds of classes, none of which is the label."""

    name = "wavegan_notes"
    FEATURES = {
        "audio": tfds.features.Audio(shape=(None, 2), sample_rate=RATE, dtype=np.float32),
        "pitch": tfds.features.ClassLabel(num_classes=128),
        "instrument": {"family": tfds.features.ClassLabel(names=["bass", "organ, small"])},
    }
    SUPERVISED = None
    COUNTS = {"train": 40}

    def example(self, split, index):
        audio = (sound(split, index, 2) / 32768).astype(np.float32)
        return {"audio": audio, "pitch": 36 + index, "instrument": {"family": index % 2}}


class WaveganPictures(Made):
    """Has no sounds."""

    name = "wavegan_pictures"
    FEATURES = {"image": tfds.features.Image(shape=(2, 2, 3)), "label": tfds.features.ClassLabel(names=KINDS)}
    SUPERVISED = ("image", "label")

    def example(self, split, index):
        return {"image": np.zeros((2, 2, 3), np.uint8), "label": 0}


class WaveganNoRate(Made):
    """Does not say its sample rate."""

    name = "wavegan_no_rate"
    FEATURES = {"audio": tfds.features.Audio(dtype=np.int16)}
    SUPERVISED = None

    def example(self, split, index):
        return {"audio": sound(split, index).astype(np.int16)}


class WaveganOffline(Made):
    """Cannot be downloaded."""

    name = "wavegan_offline"

    def _split_generators(self, dl_manager):
        raise ConnectionError("no network\nis here")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where tensorflow_datasets keeps what it prepares."""
    monkeypatch.setattr(tfds.core.constants, "DATA_DIR", str(tmp_path / "prepared"))
    return tmp_path / "prepared"


def test_labels_and_splits_are_those_of_the_builder(tmp_path):
    info = make("tfds:wavegan_made", tmp_path / "out", length=512)
    assert info.classes == list(KINDS)
    assert {split: part["clips"] for split, part in info.splits.items()} == SPLITS
    assert info.splits["train"]["clips_per_class"] == {"go": 3, "stop": 3}
    assert info.sources == [
        {
            "source": "tfds:wavegan_made",
            "kind": "data set of tensorflow_datasets, wavegan_made/1.2.3",
            "files": sum(SPLITS.values()),
        }
    ]


def test_every_sample_is_the_builders(tmp_path):
    """Each in its split and with its label, to the last bit, although labels are read before the sounds."""
    config = tfds.download.DownloadConfig(num_shards=3)
    tfds.builder("wavegan_made").download_and_prepare(download_config=config)
    make("tfds:wavegan_made", tmp_path / "out", length=512)
    for split, count in SPLITS.items():
        expected = {sound(split, index).tobytes(): index % 2 for index in range(count)}
        found = {}
        for clip in clips(tmp_path / "out", split):
            steps = (clip["audio"][:, 0] * 32768).astype(int)
            assert not steps[LENGTH:].any()
            found[steps[:LENGTH].tobytes()] = int(clip["label"])
        assert found == expected


def test_a_second_time_nothing_is_prepared_and_the_same_files_come_out(tmp_path, monkeypatch):
    make("tfds:wavegan_made", tmp_path / "one")
    monkeypatch.setattr(Made, "_generate_examples", lambda *given: pytest.fail("prepared again"))
    make("tfds:wavegan_made:1.2.3", tmp_path / "two")
    shards = sorted((tmp_path / "one").glob("*.tfrecord"))
    assert len(shards) > 2
    for shard in shards:
        assert shard.read_bytes() == (tmp_path / "two" / shard.name).read_bytes()


def test_classes_are_chosen_as_of_a_folder(tmp_path):
    info = make("tfds:wavegan_made", tmp_path / "out", classes=("stop",), length=512)
    assert info.classes == ["stop"]
    assert sum(part["clips"] for part in info.splits.values()) == 3 + 1 + 1
    assert [name.partition("-")[0] for name in files_of(tmp_path / "out", "test")] == ["stop/test"]


def test_stored_files_are_decoded_here_at_their_own_sample_rates(tmp_path):
    """tensorflow_datasets would need tensorflow_io or pydub for them, and forgets each file's rate."""
    info = make("tfds:wavegan_files", tmp_path / "out", length=512)
    assert info.classes == ["a-b", "c", "unlabelled"]
    assert {split: part["clips"] for split, part in info.splits.items()} == {"train": 4, "validation": 2, "test": 0}
    lengths = [np.flatnonzero(clip["audio"][:, 0]).max() + 1 for clip in clips(tmp_path / "out")]
    np.testing.assert_allclose(sorted(lengths), [LENGTH / 4, LENGTH / 3, LENGTH / 2, LENGTH], atol=4)


def test_where_no_class_is_the_label_a_pattern_takes_one_of_them(tmp_path):
    info = make("tfds:wavegan_notes", tmp_path / "one", channels=2, length=512)
    assert info.classes == ["wavegan_notes"]
    assert any("--label 'pitch=([^,]+)' takes one" in note for note in info.report["notes"])
    info = make("tfds:wavegan_notes", tmp_path / "two", channels=2, length=512, label="family=(.+)")
    assert info.classes == ["bass", "organ, small"]
    assert [sum(part["clips_per_class"][name] for part in info.splits.values()) for name in info.classes] == [20, 20]


def test_one_split_is_divided_by_a_hash_as_a_folder_is(tmp_path):
    info = make("tfds:wavegan_notes", tmp_path / "out", channels=2, length=512, test=30)
    held_out = {split: part["clips"] for split, part in info.splits.items()}
    assert held_out["test"] > 3 and sum(held_out.values()) == 40
    audio = [clip["audio"] for split in held_out for clip in clips(tmp_path / "out", split)]
    expected = {(sound("train", index, 2)).tobytes() for index in range(40)}
    assert {(clip[:LENGTH] * 32768).astype(int).tobytes() for clip in audio} == expected


@pytest.mark.parametrize(
    ("samples", "subtype", "values"),
    [
        (np.array([0, 32767, -32768], np.int64), "PCM_16", [0, 32767 / 32768, -1]),
        (np.array([0, 1 << 30, -(1 << 31)], np.int64), "PCM_32", [0, 0.5, -1]),
        (np.array([0, 0.25, -1.5], np.float32), "FLOAT", [0, 0.25, -1.5]),
        (np.array([], np.int64), "PCM_16", []),
    ],
)
def test_stored_samples_keep_their_scale(samples, subtype, values):
    """tensorflow_datasets stores whole numbers as int64 and does not say of how many bits they are."""
    file = io.BytesIO(source.wav(samples, 8000))
    assert soundfile.info(file).subtype == subtype
    file.seek(0)
    np.testing.assert_array_equal(soundfile.read(file)[0], values)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wavegan_nowhere", "tensorflow_datasets has no data set tfds:wavegan_nowhere"),
        ("wavegan_pictures", "tfds:wavegan_pictures holds no sounds. It has these features: image, label."),
        ("wavegan_no_rate", "tfds:wavegan_no_rate does not say at which sample rate its sounds are"),
        ("wavegan_offline", "tfds:wavegan_offline cannot be prepared or read: no network."),
        ("no name", "tfds:no name cannot be prepared or read: Parsing builder name string no name failed."),
        ("wavegan_made/other", "tfds:wavegan_made/other cannot be prepared or read"),
    ],
)
def test_a_mistake_is_one_line(name, message, tmp_path, capsys):
    assert main([f"tfds:{name}", "--out", str(tmp_path / "out")]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and message in errors[0]
    assert not (tmp_path / "out").exists()


def test_damaged_data_are_an_error_that_names_them(tmp_path, folder):
    make("tfds:wavegan_made", tmp_path / "one")
    shard = next(folder.rglob("*test.tfrecord*"))
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(UserError, match="tfds:wavegan_made cannot be prepared or read"):
        make("tfds:wavegan_made", tmp_path / "two")
    assert not (tmp_path / "two").exists()


def test_without_the_library_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow_datasets")
    monkeypatch.setattr(source, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"needs the package tensorflow_datasets: .*\.\[tfds\]"):
        open_source("tfds:wavegan_made")
