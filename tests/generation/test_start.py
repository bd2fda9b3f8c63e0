"""Sounds that begin from a recording of one's own: what a person types for a flow matching run, and gets."""

import json
import re

import numpy as np
import pytest
import soundfile

from wavegan.base.errors import UserError
from wavegan.cli import export as export_command
from wavegan.cli import generate as generate_command
from wavegan.generation.nearest import Distance
from wavegan.generation.start import start
from wavegan.models.diffusion import flow
from wavegan.models.family import ClipFormat

CLIP = ClipFormat(4000, 1024, 1)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A decaying tone at another rate, shorter than a clip; its path, and how it sounds at the run's rate."""
    path = tmp_path_factory.mktemp("own") / "mine.wav"
    time = np.arange(1600) / 8000
    soundfile.write(path, 0.5 * np.exp(-10 * time) * np.sin(2 * np.pi * 220 * time), 8000)
    at_rate = np.arange(800) / 4000
    return path, 0.5 * np.exp(-10 * at_rate) * np.sin(2 * np.pi * 220 * at_rate)


@pytest.fixture
def made(flow_run, tmp_path):
    """`made(name, flags …)`: the folder of what the command made, and its sounds [n, time]."""

    def made(name, *words):
        folder = tmp_path / name
        assert generate_command.main(["--run", str(flow_run), "--out", str(folder), *map(str, words)]) == 0
        return folder, np.array([soundfile.read(path)[0] for path in sorted(folder.glob("*.wav"))])

    return made


def test_strength_0_is_the_recording_and_1_is_none_of_it(made, recording, capsys):
    path, tone = recording
    _, same = made("same", "--like", path, "--strength", "0", "--n", "2", "--steps", "2")
    assert same.shape == (2, 1024)
    assert "mine.wav: 0.20 s from 0.00 s on, at 4000 Hz" in capsys.readouterr().err
    np.testing.assert_allclose(same[0, 40:760], tone[40:760], atol=2e-2)  # resampled: the ends differ
    np.testing.assert_allclose(same[0], same[1], atol=1e-3)
    _, other = made("other", "--like", path, "--strength", "1", "--n", "2", "--steps", "2")
    assert np.abs(other[0] - other[1]).max() > 0.5 * np.abs(other[0]).max()


@pytest.mark.parametrize("words", [["--like", "{mine}"], ["--interpolate", "{mine}", "{mine}"]])
def test_a_soft_recording_says_nothing_of_the_model(made, tmp_path, capsys, words):
    soundfile.write(tmp_path / "soft.wav", 0.01 * np.sin(2 * np.pi * 900 * np.arange(1024) / 4000), 4000)
    made("soft", *(word.replace("{mine}", str(tmp_path / "soft.wav")) for word in words), "--n", "2", "--steps", "1")
    shown = capsys.readouterr()
    assert "as loud as recordings" not in shown.out
    assert ("times as loud as the run's recordings" in shown.err) == (words[0] == "--like")


def test_what_is_kept_is_in_every_sound_and_saved_ones_come_again(made, recording):
    folder, sounds = made("kept", "--like", recording[0], "--keep", "0:0.1", "--n", "2", "--steps", "3", "--seed", "1")
    _, same = made("same", "--like", recording[0], "--strength", "0", "--n", "1", "--steps", "1")
    np.testing.assert_allclose(sounds[:, :400], np.repeat(same[:, :400], 2, axis=0), atol=1e-4)  # rounded to 16 bits
    assert np.abs(sounds[0, 450:] - sounds[1, 450:]).max() > 0.5 * np.abs(sounds[0, 450:]).max()
    _, again = made("again", "--from", folder / "latents.npz")
    np.testing.assert_array_equal(again, sounds)
    varied, near = made("near", "--around", f"{folder / 'latents.npz'}:1", "--n", "2", "--spread", "0.1")
    np.testing.assert_array_equal(near[0], sounds[1])
    np.testing.assert_array_equal(near[1, :400], sounds[1, :400])
    assert sorted(path.name for path in varied.glob("*.wav")) == ["000.wav", "001.wav"]  # of no class


def test_a_saved_recording_of_other_clips_is_refused(made, flow_run, recording, tmp_path, capsys):
    folder, _ = made("kept", "--like", recording[0], "--n", "1", "--steps", "1")
    arrays = dict(np.load(folder / "latents.npz"))
    np.savez(tmp_path / "other.npz", **{**arrays, "recording": arrays["recording"][:512]})
    words = ["--run", str(flow_run), "--from", str(tmp_path / "other.npz"), "--out", str(tmp_path / "x")]
    assert generate_command.main(words) == 2
    complaint = "/other.npz is 512 × 1 samples, the run's are 1024 × 1. Give its run."
    assert complaint in capsys.readouterr().err.splitlines()[-1] and not (tmp_path / "x").exists()


def test_what_is_no_end_of_a_way_is_said_before_anything_is_computed(made, flow_run, recording, tmp_path, capsys):
    folder, _ = made("kept", "--like", recording[0], "--n", "1", "--steps", "1")
    words = ["--interpolate", str(folder / "000.wav"), str(recording[0]), "--out", str(tmp_path / "x")]
    capsys.readouterr()
    assert generate_command.main(["--run", str(flow_run), *words]) == 2
    (complaint,) = capsys.readouterr().err.splitlines()
    assert "there is no way from one to another. Give a recording, or sounds that are new." in complaint


def test_the_way_between_a_recording_and_a_seed_ends_near_the_recording(made, recording, monkeypatch, capsys):
    """By a model that has learned next to nothing, all of the way is needed."""
    monkeypatch.setattr(flow, "LAST", flow.NEAREST)
    folder, sounds = made("way", "--interpolate", recording[0], "3", "--n", "3", "--steps", "32")
    assert len(sounds) == 3
    words = r"mine.wav: what it is made of, made a sound again, is (.+) dB away \(log-spectral distance; of 16 new "
    words += r"sounds the nearest is (.+) dB away, the middle one (.+)\)"
    again, nearest, middle = map(float, re.search(words, capsys.readouterr().out).groups())
    assert again < nearest <= middle + 0.5
    tone = np.pad(recording[1], (0, 224))[None]
    near, far = (Distance(tone.T, 4000)(each[None, :, None])[0] for each in sounds[[0, 2]])
    assert near < 0.6 * far  # in dB


def test_a_way_between_two_recordings_has_both_at_its_ends(made, recording, tmp_path, capsys):
    other = tmp_path / "other.wav"
    soundfile.write(other, 0.3 * np.sin(2 * np.pi * 900 * np.arange(1024) / 4000), 4000)
    folder, _ = made("both", "--interpolate", recording[0], other, "--n", "3", "--steps", "2")
    shown = capsys.readouterr().out
    for name in ("mine.wav", "other.wav"):
        assert f"{name}: what it is made of, made a sound again, is " in shown
    latents = np.load(folder / "latents.npz")["latents"]
    for name, path, place in (("first", recording[0], 0), ("last", other, 2)):
        alone, _ = made(name, "--interpolate", path, "3", "--n", "2", "--steps", "2")
        np.testing.assert_array_equal(np.load(alone / "latents.npz")["latents"][0], latents[place])


def test_classes_steps_and_guidance_are_as_asked_for(made, capsys):
    folder, few = made("few", "--n", "3", "--class", "kick", "--seed", "1", "--steps", "2")
    assert sorted(path.name for path in folder.glob("*.wav"))[0] == "000-kick.wav"
    assert not np.array_equal(few, made("many", "--n", "3", "--class", "kick", "--seed", "1", "--steps", "5")[1])
    guided = made("guided", "--n", "3", "--class", "kick", "--seed", "1", "--steps", "2", "--guidance", "3")
    assert not np.array_equal(few, guided[1])
    assert ", seed 1, kick, --steps 2 --guidance 3.0\n" in capsys.readouterr().out
    np.testing.assert_array_equal(made("again", "--from", guided[0])[1], guided[1])  # as they were made
    shown = capsys.readouterr().out
    assert "--steps 2 --guidance 3.0\n" in shown and "not the saved sounds" not in shown
    euler = made("euler", "--from", guided[0], "--solver", "euler", "--guidance", "1")[1]
    assert not np.array_equal(euler, guided[1])
    words = "these are not the saved sounds: those were made with --solver heun --guidance 3.0"
    assert words in capsys.readouterr().out


def test_a_guidance_is_refused_and_not_spoken_of_where_no_sound_is_of_a_class(made, flow_run, recording, capsys):
    folder, sounds = made("like", "--like", recording[0], "--n", "2", "--steps", "2")
    words = ["--run", str(flow_run), "--from", str(folder / "latents.npz"), "--out", str(folder / "x"), "--guidance"]
    assert generate_command.main([*words, "3"]) == 2
    assert "--guidance leads towards classes, and these sounds are of none. Leave it out, or" in capsys.readouterr().err
    np.testing.assert_array_equal(made("again", "--from", folder, "--guidance", "1")[1], sounds)
    assert "not the saved sounds" not in capsys.readouterr().out
    assert not np.array_equal(made("kick", "--from", folder, "--guidance", "3", "--class", "kick")[1], sounds)
    assert "those were made with --guidance 1.5" in capsys.readouterr().out


def test_all_of_a_short_recording_is_kept_and_goes_on(made, recording, capsys):
    _, same = made("same", "--like", recording[0], "--strength", "0")
    assert len(same) == 1  # more of them would be the same
    _, sounds = made("on", "--like", recording[0], "--keep", ":", "--n", "2", "--steps", "2")
    np.testing.assert_allclose(sounds[:, :800], np.repeat(same[:, :800], 2, axis=0), atol=1e-4)
    assert np.abs(sounds[:, 830:]).max() > 0
    _, later = made("later", "--like", recording[0], "--at", "0.1", "--strength", "0")
    np.testing.assert_allclose(later[0, 10:390], same[0, 410:790], atol=1e-3)
    assert "mine.wav: 0.10 s from 0.10 s on, at 4000 Hz" in capsys.readouterr().err


def test_sounds_of_every_class_around_one_and_between_two_seeds(made):
    folder, each = made("each", "--per-class", "1", "--seed", "1", "--steps", "1")
    assert sorted(path.name for path in folder.glob("*.wav")) == ["000-kick.wav", "001-snare.wav", "002-tom.wav"]
    _, near = made("near", "--around", folder / "001-snare.wav", "--n", "3", "--seed", "2", "--spread", "0.2")
    np.testing.assert_array_equal(near[0], each[1])
    assert not np.array_equal(near[1], near[0]) and not np.array_equal(near[1], near[2])
    way, between = made("way", "--interpolate", "1", "2", "--n", "3", "--class", "tom", "--steps", "1")
    assert len(between) == 3 and len(np.unique(between, axis=0)) == 3
    assert np.load(way / "latents.npz")["made_of"] == "seed 1 → seed 2, spherical, tom"


def test_a_part_fades_beside_its_ends():
    begin = start(np.zeros((1024, 1), "float32"), CLIP, None, "0.05:0.1")
    assert begin.strength == 1 and begin.kept is not None
    np.testing.assert_array_equal(begin.kept[200:400], 1)
    assert 0 < begin.kept[199] < 1 and 0 < begin.kept[400] < 1
    assert not begin.kept[:181].any() and not begin.kept[420:].any()
    assert (np.diff(begin.kept[180:201]) > 0).all()
    assert start(np.zeros((1024, 1), "float32"), CLIP, None, None).strength == 0.5
    short = start(np.zeros((1024, 1)), CLIP, None, ":", 600).kept
    np.testing.assert_array_equal(short[:600], 1)
    assert not short[620:].any()  # what comes after a recording is new
    around = start(np.zeros((1024, 1)), CLIP, None, ":0.05,0.1:").kept
    np.testing.assert_array_equal(np.flatnonzero(around < 1), np.arange(200, 400))
    assert not around[220:380].any()


def test_nothing_of_a_recording_is_replaced_by_strength_0_whatever_is_kept(made, recording):
    _, same = made("same", "--like", recording[0], "--strength", "0")
    np.testing.assert_array_equal(made("kept", "--like", recording[0], "--keep", ":0.1", "--strength", "0")[1], same)


def test_a_recording_beyond_full_scale_is_clipped_as_clips_are(made, tmp_path, capsys):
    loud = 1.4 * np.sin(2 * np.pi * 220 / 4000 * np.arange(800))
    soundfile.write(tmp_path / "loud.wav", loud, 4000, subtype="FLOAT")
    _, same = made("same", "--like", tmp_path / "loud.wav", "--strength", "0")
    np.testing.assert_allclose(same[0, :800], np.clip(loud, -1, 1), atol=1e-3)
    assert "(beyond full scale, clipped)" in capsys.readouterr().err


@pytest.mark.parametrize("rate", [44100, 48000])
def test_what_a_complaint_says_is_possible(rate):
    clip = ClipFormat(rate, 65536, 1)
    with pytest.raises(UserError) as complaint:
        start(np.zeros((65536, 1)), clip, None, "0:9")
    seconds, part, gap = re.search(
        r"the (\S+) s that are heard of the recording, such as (\S+) or, to fill a gap, (\S+)\. ", str(complaint.value)
    ).groups()
    for keep in (f"0.1:{seconds}", part, gap):
        start(np.zeros((65536, 1)), clip, None, keep)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--like", "{mine}", "--spread", "1"], "--spread does not go with --like of a flow matching model"),
        (
            ["--like", "{mine}", "--keep", "0.2:0.1"],
            "--keep must be START:END in seconds, within the 0.2 s that are heard of the recording",
        ),
        (["--like", "{mine}", "--keep", "0:1"], "--keep must be START:END in seconds"),
        (["--like", "{mine}", "--keep", "nan:inf"], "--keep must be START:END in seconds"),
        (["--like", "{mine}", "--keep", ":0.1,0.2"], "Received: :0.1,0.2, in which 0.2 is none."),
        (["--like", "{mine}", "--keep", "0:0.25"], "Received: 0:0.25."),  # of which 0.05 s are silence
        (["--like", "{long}", "--keep", ":"], "--keep leaves nothing of the 0.256 s to be new. Received: :."),
        (["--like", "{mine}", "--at", "0.2"], "--at is beyond the 0.20 s of "),
        (["--at", "0.2"], "--at needs --like. Give both or neither"),
        (["--around", "1", "--at", "0.2"], "--at does not go with --around"),
        (["--like", "{mine}", "--keep", "0.1:,:0.095"], "--keep leaves a gap of 5 ms, 10 or more can be filled"),
        (["--like", "{mine}", "--keep", ":0.1,0.02:0.03,0.105:"], "--keep leaves a gap of 5 ms"),
        (["--like", "{mine}", "--guidance", "2"], "--guidance leads towards classes, and these sounds are of none"),
        (["--interpolate", "{mine}", "{mine}", "--guidance", "2"], "--guidance leads towards classes, and these"),
        (["--like", "{mine}", "--keep", "0.1"], "--keep must be START:END in seconds"),
        (["--keep", "0:0.1"], "--keep needs --like. Give both or neither"),
        (["--steps", "0"], "--steps must be 1 or more. Received: 0"),
        (["--guidance", "-1"], "--guidance must be 0 or more. Received: -1"),
        (["--interpolate", "1", "2", "--n", "1"], "--n must be 2 or more with --interpolate"),
    ],
)
def test_what_is_not_possible_is_one_line(flow_run, recording, tmp_path, capsys, words, complaint):
    soundfile.write(tmp_path / "long.wav", np.sin(np.arange(1500)), 4000)
    words = [word.replace("{mine}", str(recording[0])).replace("{long}", str(tmp_path / "long.wav")) for word in words]
    assert generate_command.main(["--run", str(flow_run), "--out", str(tmp_path / "x"), *words]) == 2
    assert complaint in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "x").exists()


def test_a_kit_is_made(flow_run, tmp_path):
    words = ["--run", str(flow_run), "--out", str(tmp_path / "kit"), "--n", "1"]
    assert export_command.main(["--format", "kit", *words]) == 0
    samples = sorted((tmp_path / "kit" / "samples").glob("*.wav"))
    assert len(samples) == 3
    words = ["--run", str(flow_run), "--from", str(tmp_path / "kit" / "samples"), "--out", str(tmp_path / "again")]
    assert generate_command.main(words) == 0
    for path in samples:
        np.testing.assert_array_equal(soundfile.read(tmp_path / "again" / path.name)[0], soundfile.read(path)[0])
    for kept in (tmp_path / "kit" / "samples" / "latents.npz", flow_run / "preview_latents.npz"):
        assert json.loads(str(np.load(kept)["sampling"])) == {"steps": 4, "solver": "heun", "guidance": 1.5}
