"""Whatever comes in, right data or one clear UserError comes out: examples drawn and shrunk by Hypothesis.

The ordinary suite tries a few examples of every property, always the same ones. For longer, with new ones every time:

    python -m pytest tests/cli/test_fuzz.py -m slow -s    # a minute in all
    WAVEGAN_FUZZ_SECONDS=3600 nice python -m pytest tests/cli/test_fuzz.py -m slow -s    # an hour

It prints how many examples were tried. A failure prints the smallest example that it found.
"""

import hashlib
import io
import json
import os
import random
import tempfile
import time
from dataclasses import fields
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from hypothesis import strategies as st

from preprocess.clips import Cutting, slice_recording
from preprocess.convert import prepare
from preprocess.options import Options
from tests.audio.encoding import encoded, tone
from tests.cli.fuzzing import edit_with_checksum, edited, explore, mutated, recording
from tests.conftest import listed
from tests.preprocess.test_clips import Sink
from tests.preprocess.test_hostile_formats import KINDS
from wavegan.audio.decode import Unusable
from wavegan.base import quiet
from wavegan.base.errors import UserError
from wavegan.data.batches import clips
from wavegan.data.records import Records
from wavegan.data.schema import SPLITS, DatasetInfo, complaint, write_example
from wavegan.data.tfrecord import index_path
from wavegan.models.gan.family import GAN
from wavegan.runs.config import Config
from wavegan.runs.flags import resolve
from wavegan.runs.run import Run

SECONDS = float(os.environ.get("WAVEGAN_FUZZ_SECONDS", 60))  # of all slow properties together
EXAMPLES = 80  # of a property in the ordinary suite
RATE = 8000  # Hz
LENGTH = 256  # samples of a clip, the shortest possible


def a_data_set_holds_what_went_in(data):
    """Every window once, in its place, within one step of 16 bits; the counts add up; or there is no data set."""
    draw = data.draw
    held_out = draw(st.sampled_from([(0, 0), (5, 5), (60, 0), (0, 99), (40, 50)]))
    options = Options(
        sample_rate=RATE,
        length=draw(st.sampled_from([LENGTH, 512])),
        channels=draw(st.sampled_from([1, 2])),
        slices=draw(st.sampled_from(["all", "first"])),
        normalize=draw(st.sampled_from(["none", "peak"])),
        validation=held_out[0],
        test=held_out[1],
        workers=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        expected = {}  # source → {first sample: clip}; None for what is not known to a step: resampled sounds
        for number in range(draw(st.integers(1, 5))):
            name = f"{draw(st.sampled_from(['kick', 'snare']))}/{number}.wav"
            subtype, loudest = draw(st.sampled_from([("PCM_16", 32767 / 32768), ("FLOAT", 1.0), ("FLOAT", 1.5)]))
            sound = recording(draw, options.clip_length, loudest)
            rate = draw(st.sampled_from([RATE, RATE, RATE, 11025]))
            path = Path(folder, "in", name)
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, sound, rate, subtype=subtype)
            expected[name] = expected_clips(sound, options) if rate == RATE else None
        out = Path(folder, "out")
        try:
            info = prepare([str(Path(folder, "in"))], out, options, progress=Quiet)
        except UserError:
            assert not out.exists() and not any(expected.values())
            return
        assert info == DatasetInfo.load(out)
        compare(expected, stored_clips(out, info), info)


class Quiet:
    def __init__(self, *args, **kwargs):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *args):
        pass

    def update(self, *args, **kwargs):
        pass


def expected_clips(sound, options):
    """{first sample: int16 steps as float64 [length, channels]}, straight from the documentation of `Options`."""
    if options.channels == 1:
        mixed = sound.mean(axis=1, keepdims=True)
        if sound.shape[1] == 2 and 2 * np.square(mixed).sum() < 10**-1.2 * np.square(sound).sum():
            mixed = sound[:, :1]  # channels that cancel each other by 12 dB or more
    else:
        mixed = sound[:, :2] if sound.shape[1] > 1 else np.repeat(sound, 2, axis=1)
    length = options.clip_length
    starts = range(0, len(mixed), length) if options.slices == "all" else range(min(1, len(mixed)))
    found = {start: mixed[start : start + length] for start in starts}
    found = {start: window for start, window in found.items() if start == 0 or 4 * len(window) >= length}
    peak = max((np.abs(window).max() for window in found.values()), default=0)
    scale = 32767 / peak if options.normalize == "peak" and peak else 32768
    padded = {start: np.pad(window * scale, ((0, length - len(window)), (0, 0))) for start, window in found.items()}
    return {start: np.clip(clip, -32768, 32767) for start, clip in padded.items() if np.rint(clip).any()}


def stored_clips(out, info):
    """{source: {first sample: int16 [length, channels]}} of all splits; the counts of each are compared on the way."""
    found = {}
    for split in SPLITS:
        facts = info.splits[split]
        stored = Records(out, info, split)
        read = clips(stored, info, np.arange(len(stored)))
        assert len(stored) == facts["clips"] == sum(facts["clips_per_class"].values())
        for audio, label, source, start in zip(*(read[k] for k in ("audio", "label", "source", "start")), strict=True):
            assert source.decode().split("/")[0] == info.classes[label]
            clips_of_source = found.setdefault(source.decode(), {})
            assert start not in clips_of_source
            clips_of_source[int(start)] = audio * 32768
    return found


def compare(expected, found, info):
    report = info.report
    assert report["clips"] == sum(map(len, found.values()))
    assert report["found"] == len(expected) == report["kept"] + len(report["skipped"])
    assert report["kept"] == len(found)
    for name, wanted in expected.items():
        starts = found.get(name, {})
        assert all(start % info.length == 0 for start in starts)
        if wanted is None:
            continue
        assert sorted(starts) == sorted(wanted)
        for start, clip in wanted.items():
            assert np.abs(starts[start] - clip).max() <= 1


@cache
def lossy(kind, seconds):
    """A tone as a file of one of the formats that FFmpeg reads."""
    container, codec, rate = KINDS[kind]
    return encoded(container, codec, tone(seconds, rate), rate)


def bytes_as_a_recording_give_clips_or_a_reason(data):
    draw = data.draw
    cutting = Cutting(
        RATE,
        LENGTH,
        draw(st.sampled_from([1, 2])),
        draw(st.sampled_from(["all", "first"])),
        draw(st.sampled_from(["none", "peak"])),
    )
    kind = draw(st.sampled_from(["samples", "libsndfile", "FFmpeg", "FFmpeg"]))
    if kind == "samples":
        odd = st.sampled_from([np.nan, np.inf, -np.inf, 1e38, -1.0, 1.0])
        samples = draw(st.lists(st.floats(-1, 1) | odd, max_size=40))
        source = np.array(samples * draw(st.sampled_from([1, 20])), np.float32)
    elif kind == "libsndfile":
        file = io.BytesIO()
        container = draw(st.sampled_from(["WAV", "FLAC", "AIFF", "OGG"]))
        sound = recording(draw, LENGTH, 1.0)[:, :2]
        soundfile.write(file, sound, draw(st.sampled_from([RATE, 11025])), format=container)
        source = mutated(draw, file.getvalue())
    else:
        source = mutated(draw, lossy(draw(st.sampled_from(sorted(KINDS))), draw(st.sampled_from([0.05, 0.5]))))
    sink = Sink()
    try:
        with np.errstate(all="ignore"):
            slices = slice_recording(source, cutting, sink)
    except Unusable:
        return
    assert isinstance(source, bytes) or np.isfinite(source).all()
    assert len(sink.getvalue()) == len(slices.starts) * 2 * LENGTH * cutting.channels > 0
    assert slices.starts == sorted(set(slices.starts)) and len(slices.rms) == len(slices.starts)
    assert all(0 < rms <= 1 for rms in slices.rms) and 0 < slices.peak <= 1


CLIPS = [write_example(np.arange(n, n + LENGTH).astype("<i2").tobytes(), 0, f"{n}.wav", n) for n in range(4)]
SHARD = "train-00000-of-00001.tfrecord"


def described(folder, content, count, size, format=3):
    """A data set of the one shard `content`, of which dataset.json says that it has `count` clips and `size` bytes."""
    Path(folder, SHARD).write_bytes(content)
    file = listed(Path(folder, SHARD), format) | {"clips": count, "bytes": size}
    split = {"files": [file], "clips": count, "hours": 0.1}
    splits = dict.fromkeys(SPLITS, split | {"clips_per_class": {"one": count}})
    DatasetInfo("x", RATE, LENGTH, 1, ["one"], splits, {}, {}, {"slices": "all"}, [], format).save(folder)
    return DatasetInfo.load(folder)


def framed(payloads):
    """The bytes of a shard, written by TensorFlow."""
    with tempfile.TemporaryDirectory() as folder:
        with tf.io.TFRecordWriter(f"{folder}/shard") as writer:
            for payload in payloads:
                writer.write(payload)
        return Path(folder, "shard").read_bytes()


def a_mutated_shard_gives_right_data_or_a_user_error(data):
    whole = framed(CLIPS)
    content = mutated(data.draw, whole) if data.draw(st.integers(0, 9)) else data.draw(st.binary(max_size=2000))
    with tempfile.TemporaryDirectory() as folder:
        # Mostly as if the list agreed with the damage, so that more than the comparison of sizes has to stand.
        size = max(1, len(content)) if data.draw(st.integers(0, 3)) else len(whole)
        info = described(folder, whole, len(CLIPS), size, data.draw(st.sampled_from([2, 3])))
        Path(folder, SHARD).write_bytes(content)
        try:
            found = Records(folder, info).read(np.arange(len(CLIPS))).tolist()
        except UserError as problem:
            assert SHARD in str(problem)
            return
        assert found == CLIPS


def a_mutated_index_gives_right_data_or_a_user_error(data):
    with tempfile.TemporaryDirectory() as folder:
        info = described(folder, framed(CLIPS), len(CLIPS), len(framed(CLIPS)))
        (file,), path = info.splits["train"]["files"], index_path(Path(folder, SHARD))
        path.write_bytes(mutated(data.draw, path.read_bytes()))
        if data.draw(st.booleans()):  # as if dataset.json agreed with the damage
            file["index_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
        try:
            assert Records(folder, info).read(np.arange(len(CLIPS))).tolist() == CLIPS
        except UserError as problem:
            assert Path(SHARD).stem in str(problem)


def mutated_records_with_good_checksums_give_clips_or_a_user_error(data):
    payloads = [mutated(data.draw, payload) if data.draw(st.booleans()) else payload for payload in CLIPS] + data.draw(
        st.lists(st.binary(min_size=2 * LENGTH, max_size=2 * LENGTH + 100), max_size=1)
    )
    content = framed(payloads)
    with tempfile.TemporaryDirectory() as folder:
        info = described(folder, content, len(payloads), len(content), data.draw(st.sampled_from([2, 3])))
        try:
            with quiet.native_stderr_hidden():
                read = clips(Records(folder, info), info, np.arange(len(payloads)))
        except UserError as problem:
            assert SHARD in str(problem) and any(complaint(payload, LENGTH, 1) for payload in payloads)
            return
        assert read["audio"].shape == (len(payloads), LENGTH, 1)
        for payload, audio in zip(payloads, read["audio"], strict=True):
            if complaint(payload, LENGTH, 1):
                continue  # TensorFlow's own parser reads on where protobuf's does not
            feature = tf.train.Example.FromString(payload).features.feature["pcm"]
            expected = np.frombuffer(feature.bytes_list.value[0], "<i2")
            np.testing.assert_array_equal(audio[:, 0] * 32768, expected)


def a_mutated_dataset_json_is_as_it_was_or_a_user_error(data):
    with tempfile.TemporaryDirectory() as folder:
        info = described(folder, framed(CLIPS), len(CLIPS), len(framed(CLIPS)))
        path = Path(folder, "dataset.json")
        path.write_bytes(mutated(data.draw, path.read_bytes()))
        try:
            assert DatasetInfo.load(folder) == info
        except UserError as problem:
            assert str(path) in str(problem)


def an_edited_dataset_json_with_a_good_checksum_is_usable_or_a_user_error(data):
    with tempfile.TemporaryDirectory() as folder:
        described(folder, framed(CLIPS), len(CLIPS), len(framed(CLIPS)))
        edit_with_checksum(data.draw, Path(folder, "dataset.json"))
        try:
            info = DatasetInfo.load(folder)
            stored = Records(folder, info)
            assert set(stored.read(np.arange(len(stored)))) <= set(CLIPS)
        except UserError as problem:
            assert folder in str(problem)


CONFIG = resolve({"preset": "tiny"}, GAN, gpu=False, directory="data/mine", fingerprint="0123456789abcdef")


def a_mutated_config_json_is_a_configuration_or_a_user_error(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "config.json")
        CONFIG.save(path)
        if data.draw(st.booleans()):
            path.write_bytes(mutated(data.draw, path.read_bytes()))
        else:
            edit_with_checksum(data.draw, path)
        try:
            config = Config.load(path)
        except UserError as problem:
            assert str(path) in str(problem)
            return
        for group in (config.data, config.training, config.model):
            for spec in fields(group):
                kind = dict if spec.name == "classes" else spec.type
                kinds = (int, float) if kind is float else (kind,)
                assert type(getattr(group, spec.name)) in kinds, spec.name
        config.save(path)
        assert Config.load(path) == config


ARRAYS = {"generator/kernel": np.arange(60.0, dtype=np.float32).reshape(3, 20), "seed": np.array([1, 2], np.uint32)}


def a_mutated_checkpoint_is_whole_or_named_and_the_one_before_is_used(data):
    with tempfile.TemporaryDirectory() as folder:
        run = Run(folder)
        run.create(CONFIG)
        for step in (3, 6):
            run.save(step, {name: array + step for name, array in ARRAYS.items()})
        path = run.checkpoint_path(6)
        facts = path.with_suffix(".json")
        kind = data.draw(st.sampled_from(["archive", "facts", "edited facts", "archive with its checksum"]))
        if kind == "facts":
            facts.write_bytes(mutated(data.draw, facts.read_bytes()))
        elif kind == "edited facts":
            facts.write_text(json.dumps(edited(data.draw, json.loads(facts.read_text()))))
        else:
            path.write_bytes(mutated(data.draw, path.read_bytes()))
        if kind == "archive with its checksum":
            content = path.read_bytes()
            sealed = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            facts.write_text(json.dumps(json.loads(facts.read_text()) | sealed))
        run.best()
        lines = []
        step, arrays = run.load_newest(warn=lines.append)
        assert (step == 3) == any(str(path) in line for line in lines)
        if kind != "archive with its checksum" or step == 3:  # whoever seals it may write what they like, but no code
            assert arrays.keys() == ARRAYS.keys()
            for name, array in ARRAYS.items():
                np.testing.assert_array_equal(arrays[name], array + step)
        run.save(9, ARRAYS)
        assert run.latest() == 9


PROPERTIES = [
    a_data_set_holds_what_went_in,
    bytes_as_a_recording_give_clips_or_a_reason,
    a_mutated_shard_gives_right_data_or_a_user_error,
    a_mutated_index_gives_right_data_or_a_user_error,
    mutated_records_with_good_checksums_give_clips_or_a_user_error,
    a_mutated_dataset_json_is_as_it_was_or_a_user_error,
    an_edited_dataset_json_with_a_good_checksum_is_usable_or_a_user_error,
    a_mutated_config_json_is_a_configuration_or_a_user_error,
    a_mutated_checkpoint_is_whole_or_named_and_the_one_before_is_used,
]


# An exception that a library cannot pass on is printed to standard error.
NOTHING_PRINTED = pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")


@NOTHING_PRINTED
@pytest.mark.parametrize("holds", PROPERTIES)
def test_that(holds):
    explore(holds, EXAMPLES, start=0)


@pytest.mark.slow
@NOTHING_PRINTED
@pytest.mark.parametrize("holds", PROPERTIES)
def test_for_long_that(holds):
    until, tried = time.monotonic() + SECONDS / len(PROPERTIES), 0
    while time.monotonic() < until:
        tried += explore(holds, 200, start=random.SystemRandom().getrandbits(32))
    print(f"\n{holds.__name__}: {tried} examples", flush=True)
