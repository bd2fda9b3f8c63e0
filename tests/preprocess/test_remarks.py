"""What the report says of files that are kept, but not as they lie there; and a single recording as SOURCE."""

import numpy as np
import pytest

from tests.audio.encoding import encoded, tone
from tests.audio.test_trouble import damaged_mp3
from tests.conftest import RATE, make
from wavegan.base.errors import UserError


def notes(folder, tmp_path, **options):
    """The notes of a data set made of `folder`, and the clips' loudest magnitude."""
    info = make(folder, tmp_path / "out", **options)
    return info.report["notes"], info


def noise(samples, level, seed=0):
    return np.random.default_rng(seed).uniform(-level, level, (samples, 1)).astype(np.float32)


@pytest.mark.parametrize(
    ("rates", "enough"), [([4000, 2000], 4000), ([4000, 4001], None), ([8000], None), ([500], 1000)]
)
def test_a_data_set_of_a_needlessly_high_rate_is_noted(tmp_path, record, rates, enough):
    """What is named is a rate that a data set can have."""
    for rate in rates:
        record(tmp_path / "in" / f"{rate}.wav", 4000, rate)
    found, _ = notes(tmp_path / "in", tmp_path, sample_rate=8000)
    words = f"no recording has more than {enough} Hz: --sample-rate {enough} loses nothing, and with fewer samples "
    assert [note for note in found if "Hz" in note] == [f"{words}a clip trainings are faster"] * bool(enough)


@pytest.mark.parametrize("normalize", ["none", "peak"])
@pytest.mark.parametrize("difference", [0, 0.0001, 0.002])
def test_a_recording_whose_channels_cancel_keeps_its_loudness_and_is_named(tmp_path, record, difference, normalize):
    """One cable soldered the wrong way round: librosa/librosa issue 1084."""
    left = noise(40_000, 0.5)
    record(tmp_path / "in" / "a.wav", np.concatenate([left, difference - left], axis=1), RATE)
    record(tmp_path / "in" / "b.wav", noise(400, 0.1), RATE)
    found, info = notes(tmp_path / "in", tmp_path, normalize=normalize)
    assert [note for note in found if "cancel" in note] == [
        "1 file whose two channels cancel each other, the first one alone is kept: a.wav"
    ]
    assert info.report["remarks"].popitem()[1] == ["a.wav"]
    assert info.loudness["peak"]["linear"] == pytest.approx(0.5 if normalize == "none" else 1, abs=0.01)


def test_a_long_recording_whose_channels_cancel_late_gives_every_clip_once(tmp_path, record):
    """What was written before is forgotten, on disk, too."""
    left = noise(9_000_000, 0.5)
    record(tmp_path / "in" / "a.wav", np.concatenate([left, -left], axis=1), RATE)
    info = make(tmp_path / "in", tmp_path / "out", length=8192)
    assert info.report["clips"] == 9_000_000 // 8192 + 1
    assert info.report["silent"] == 0


def test_floating_point_samples_beyond_full_scale_come_with_one_hint(tmp_path, record):
    for name in ("a.wav", "b.wav"):
        record(tmp_path / "in" / name, noise(400, 3.0), RATE, subtype="FLOAT")
    record(tmp_path / "in" / "c.wav", noise(400, 0.5), RATE, subtype="FLOAT")
    found, _ = notes(tmp_path / "in", tmp_path)
    assert [note for note in found if "full scale" in note] == [
        "2 files beyond full scale, clipped; --normalize peak keeps them whole: a.wav, b.wav"
    ]
    make(tmp_path / "in", tmp_path / "peak", normalize="peak")


def hits(folder, record, count, fades_by):
    """Recordings of four clips that begin loud; each clip is `fades_by` dB below the one before it."""
    for number in range(count):
        level = np.repeat(10.0 ** (-fades_by * np.arange(4) / 20), 256)[:, None]
        record(folder / f"{number}.wav", (level * noise(1024, 0.5, number)).astype(np.float32), RATE, subtype="FLOAT")


@pytest.mark.parametrize(("fades_by", "faint"), [(9, 0), (12, 5), (16, 10)])
def test_the_ends_of_sounds_that_fade_away_are_counted_and_the_way_out_is_named(tmp_path, record, fades_by, faint):
    hits(tmp_path / "in", record, 5, fades_by)
    found, _ = notes(tmp_path / "in", tmp_path)
    assert [note.split(":")[0] for note in found if "fade" in note] == (
        [f"{faint} of 20 clips are the ends of sounds that fade away, 30 dB or more below their beginning, and a model "
         "would learn near silence from them"] * (faint > 0)
    )  # fmt: skip
    assert not any("fade" in note for note in make(tmp_path / "in", tmp_path / "first", slices="first").report["notes"])


def test_pauses_and_a_few_faint_ends_are_no_reason_for_a_note(tmp_path, record):
    hits(tmp_path / "in", record, 1, fades_by=40)
    record(tmp_path / "in" / "speech.wav", np.concatenate([noise(20_000, 1e-4), noise(20_000, 0.5)]), RATE)
    assert not any("fade" in note for note in notes(tmp_path / "in", tmp_path)[0])


def test_peak_leaves_near_silence_alone_and_names_it(tmp_path, record):
    """Of the converter's noise it would make noise at full scale."""
    record(tmp_path / "in" / "a.wav", np.random.default_rng(0).integers(-1, 2, 4000) / 32768, RATE)
    record(tmp_path / "in" / "b.wav", noise(400, 0.001), RATE)
    found, info = notes(tmp_path / "in", tmp_path, normalize="peak", validation=0, test=0)
    assert [note for note in found if "silent" in note] == [
        "1 file nearly silent, below -78 dBFS, as --normalize peak leaves it: a.wav"
    ]
    assert info.loudness["rms_p5"]["dbfs"] < -90


def test_a_damaged_recording_is_kept_and_named(tmp_path, record):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.mp3").write_bytes(damaged_mp3())
    found, info = notes(tmp_path / "in", tmp_path)
    assert "1 file damaged in places, what decodes is kept: a.mp3" in found
    assert info.report["kept"] == 1 and info.report["remarks"] == {"damaged in places, what decodes is kept": ["a.mp3"]}


def test_more_than_three_names_are_in_the_report_only(tmp_path):
    (tmp_path / "in").mkdir()
    for number in range(5):
        (tmp_path / "in" / f"{number}.opus").write_bytes(encoded("ogg", "libopus", tone(0.2, 48000, 6), 48000))
    found, info = notes(tmp_path / "in", tmp_path, channels=2)
    text = "with more than two channels, of which front left and right are kept"
    assert f"5 files {text}: 0.opus, 1.opus, 2.opus, …" in found
    assert info.report["remarks"] == {text: [f"{number}.opus" for number in range(5)]}


def test_a_single_recording_is_a_source(tmp_path, record):
    record(tmp_path / "kicks" / "a.wav", 2000)
    record(tmp_path / "kicks" / "b.wav", 2000)
    info = make(tmp_path / "kicks" / "a.wav", tmp_path / "out")
    assert info.classes == ["kicks"] and info.report["found"] == info.report["kept"] == 1
    assert info.sources == [{"source": str(tmp_path / "kicks" / "a.wav"), "kind": "recording", "files": 1}]
    (tmp_path / "kicks" / "b.wav").chmod(0)
    (tmp_path / "notes.txt").write_text("no sound")
    with pytest.raises(UserError, match="SOURCE must be a folder, a recording, an archive"):
        make(tmp_path / "notes.txt", tmp_path / "out2")


@pytest.mark.parametrize(("name", "container", "codec"), [("memo.m4a", "ipod", "aac"), ("old.mp2", "mp2", "mp2")])
def test_recordings_of_phones_and_broadcasters_are_found(tmp_path, name, container, codec):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(encoded(container, codec, tone(1, 48000), 48000))
    assert make(tmp_path / "in", tmp_path / "out").report["kept"] == 1


def test_a_broadcast_wave_is_found(tmp_path, record):
    record(tmp_path / "in" / "take.bwf", 2000, container="WAV")
    assert make(tmp_path / "in", tmp_path / "out").report["kept"] == 1
