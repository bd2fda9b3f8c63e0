"""A kit for samplers: what is in it, which sounds, and what the samplers are told."""

import html
import re
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.chromium import started
from wavegan.audio.mel import LogMel
from wavegan.cli import export as export_command
from wavegan.cli import generate as generate_command
from wavegan.generation.export import presets
from wavegan.generation.export.choice import Judge, differing
from wavegan.generation.export.drums import drum_notes, keys
from wavegan.generation.export.kit import CANDIDATES, kit
from wavegan.runs.run import Run

LOOK = (
    "<style>body { margin: 0 } pre { margin: 0; padding: 1.2rem; width: max-content; font: 15px/1.5 monospace }</style>"
)
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def made(trained_by_class, tmp_path_factory):
    """A kit that the command made."""
    out = tmp_path_factory.mktemp("kits") / "a kit"
    words = ["--format", "kit", "--run", str(trained_by_class), "--out", str(out), "--n", "2", "--seed", "5"]
    assert export_command.main(words) == 0
    return out


def sounds(folder):
    return {path.name: path.read_bytes() for path in sorted((folder / "samples").glob("*.wav"))}


def test_a_kit_holds_sounds_of_every_class_presets_and_a_zip_of_all_that(made):
    names = [f"{number:03d}-{kind}.wav" for number, kind in enumerate(np.repeat(["kick", "snare", "tom"], 2))]
    assert list(sounds(made)) == names and len(set(sounds(made).values())) == 6
    info = soundfile.info(made / "samples" / names[0])
    assert (info.samplerate, info.frames, info.subtype) == (4000, 1024, "PCM_16")
    zipped = zipfile.ZipFile(made / "by_class.zip")
    inside = {entry.removeprefix("by_class/"): zipped.read(entry) for entry in zipped.namelist()}
    outside = {path.relative_to(made).as_posix(): path.read_bytes() for path in made.rglob("*") if path.is_file()}
    del outside["by_class.zip"], outside["samples/latents.npz"]  # which names a folder of this machine
    assert inside == outside and len(inside) == 6 + 4


def test_generate_makes_a_sound_of_a_kit_again(made, tmp_path):
    sound = made / "samples" / "003-snare.wav"
    assert generate_command.main(["--from", str(sound), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "000-snare.wav").read_bytes() == sound.read_bytes()


def test_a_seed_makes_the_same_kit_and_nothing_is_overwritten(made, trained_by_class, tmp_path):
    run = Run(trained_by_class)
    first, second = (kit(run, 2, folder=tmp_path / "kit", seed=seed).folder for seed in (5, 6))
    assert (first.name, second.name) == ("kit", "kit-2") and sounds(first) != sounds(second)
    again = kit(run, 2, folder=tmp_path / "kit", seed=5).folder
    assert (again / "by_class.zip").read_bytes() == (first / "by_class.zip").read_bytes()


def test_24_bits_are_those_of_the_samples(trained_by_class, tmp_path):
    run = Run(trained_by_class)
    fine, coarse = (kit(run, 1, folder=tmp_path / str(bits), seed=5, bits=bits).folder for bits in (24, 16))
    for name in sounds(fine):
        samples, rate = soundfile.read(fine / "samples" / name, dtype="float64")
        assert soundfile.info(fine / "samples" / name).subtype == "PCM_24" and rate == 4000
        rounded = soundfile.read(coarse / "samples" / name, dtype="float64")[0]
        assert 0 < np.abs(samples - rounded).max() <= 0.5 / 32768
        np.testing.assert_array_equal(samples * 2**23, np.rint(samples * 2**23))


def test_the_surest_sounds_are_kept(trained_by_class, tmp_path):
    judged = []

    def probabilities(audio):
        loudness = np.sqrt(np.mean(audio**2, axis=(1, 2)))
        judged.append(loudness)
        return np.stack([loudness, 1 - loudness], axis=1)

    made = kit(Run(trained_by_class), 3, folder=tmp_path / "kit", seed=1, judge=Judge(("snare", "tom"), probabilities))
    _, of_snares, *_ = np.split(np.concatenate([np.zeros(3 * CANDIDATES), *judged]), 3)
    kept = [soundfile.read(path)[0] for path in sorted((made.folder / "samples").glob("*snare.wav"))]
    loudness = np.sqrt([np.mean(clip**2) for clip in kept])
    assert loudness.min() > np.median(of_snares) and loudness[0] == pytest.approx(of_snares.max(), rel=1e-2)
    assert made.sounds == {"kick": (36, 3), "snare": (38, 3), "tom": (45, 3)}


def test_sounds_of_a_model_without_classes_are_of_the_class_they_are_taken_for(trained, tmp_path):
    def probabilities(audio):
        first = audio[:, 0, 0] > 0
        return np.stack([first, ~first, 0 * first], axis=1).astype(float)

    made = kit(Run(trained), 2, folder=tmp_path / "kit", judge=Judge(("up", "down", "never"), probabilities))
    assert made.sounds == {"up": (36, 2), "down": (37, 2)}
    for path in (made.folder / "samples").glob("*.wav"):
        first = soundfile.read(path, dtype="int16")[0][0]
        assert first >= 0 if path.name.endswith("up.wav") else first <= 0
    assert kit(Run(trained), 2, folder=tmp_path / "kit").sounds == {"sound": (36, 2)}


def test_chosen_sounds_differ():
    time = np.arange(4096) / 8000
    hz = np.array([300, 301, 302, 2000, 303, 900, 304])
    audio = np.sin(2 * np.pi * hz[:, None] * time)[..., None].astype("float32")
    assert sorted(hz[differing(audio, 3, LogMel(8000, 4096))]) == [300, 900, 2000]
    audio[0] = 0
    assert 0 not in differing(audio, 6, LogMel(8000, 4096))
    assert sorted(differing(audio, 9, LogMel(8000, 4096))) == [*range(7)]


@pytest.mark.parametrize(
    ("name", "note"),
    [
        *(("kick", 36), ("Bass Drums", 36), ("closed_hat", 42), ("open-hihat", 46), ("HiHat", 42), ("sd", 38)),
        *(("rim", 37), ("Claps 808", 39), ("tom", 45), ("floor tom", 41), ("cowbell", 56), ("crash cymbal", 49)),
    ],
)
def test_drums_get_their_notes_in_general_midi(name, note):
    assert drum_notes(name)[0] == note


@pytest.mark.parametrize("name", ["seven", "tomato", "bride", "that", "what a voice", "sidewalk", "", "кик"])
def test_other_names_get_none(name):
    assert drum_notes(name) == ()


def test_no_two_classes_share_a_key():
    many = keys(["kick", "kick 2", "kick 3", *map(str, range(100))])
    laid = [key for key in many if key is not None]
    assert many[:3] == [36, 35, 37] and len(laid) == len(set(laid)) == 93 and max(laid) == 127


KEYS = [
    presets.Key(36, 'a "kick" & <more>', ["samples/000-kick.wav", "samples/001-kick.wav"]),
    presets.Key(42, "closed hat", ["samples/002-hat.wav"]),
]


def test_sfz_lays_the_sounds_on_keys_in_turn():
    lines = [re.sub(r"\s*//.*", "", line) for line in presets.sfz("a title", KEYS).splitlines()]
    assert [line for line in lines if line] == [
        "<global> loop_mode=one_shot",
        "<group> key=36 seq_length=2",
        "<region> seq_position=1 sample=samples/000-kick.wav",
        "<region> seq_position=2 sample=samples/001-kick.wav",
        "<group> key=42 group=1 off_by=1 seq_length=1",
        "<region> seq_position=1 sample=samples/002-hat.wav",
    ]


def test_every_sample_that_its_text_names_is_there(made, tmp_path):
    """The beginning of the text stands in the documents, and so does the picture of it that is kept."""
    text = (made / "by_class.sfz").read_text(encoding="utf-8")
    told = (ROOT / "docs" / "export.md").read_text(encoding="utf-8").split("kicks, snares and toms:\n\n```\n")[1]
    assert text.startswith(told.split("```")[0])
    named = re.findall(r"sample=(\S+)", text)
    assert len(named) == 6 and all((made / name).is_file() for name in named)
    page = tmp_path / "kit.html"
    page.write_text(f"<!doctype html><meta charset=utf-8>{LOOK}<pre>{html.escape(text)}</pre>", encoding="utf-8")
    for browser in started():
        browser.get(page.as_uri())
        shown = browser.find_element("tag name", "pre")
        assert all(name in shown.text for name in named)
        browser.width(shown.size["width"], shown.size["height"])
        browser.keep("kit")


def test_decent_sampler_gets_the_same_keys():
    tree = ElementTree.fromstring(presets.dspreset("a -- title", KEYS).encode())
    groups = tree.findall("groups/group")
    assert [group.get("name") for group in groups] == [key.name for key in KEYS]
    assert [group.get("silencedByTags") for group in groups] == [None, "hats"]
    laid = [(int(one.get("rootNote")), one.get("path"), one.get("seqPosition")) for one in tree.iter("sample")]
    assert laid == [(36, KEYS[0].samples[0], "1"), (36, KEYS[0].samples[1], "2"), (42, KEYS[1].samples[0], "1")]
    for one in tree.iter("sample"):
        assert one.get("loNote") == one.get("hiNote") == one.get("rootNote")


def test_a_key_for_each_sound_only_where_there_are_enough():
    assert [key.note for key in presets.a_key_each(KEYS)] == [36, 37, 38]
    assert presets.a_key_each([presets.Key(36, "kick", ["x.wav"] * 93)]) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--run", "nowhere"], "nowhere is not a run"),
        (["--checkpoint", "5"], "has no checkpoint of step 5"),
        (["--out", __file__], "--out must be a new folder"),
    ],
)
def test_a_mistake_is_one_line(trained, words, expected, capsys):
    assert export_command.main(["--format", "kit", "--run", str(trained), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and expected in line


def test_a_data_set_that_is_gone_is_a_note(trained_by_class, tmp_path, capsys):
    import shutil
    from dataclasses import replace

    run = Run(shutil.copytree(trained_by_class, tmp_path / "run"))
    config = run.config()
    replace(config, data=replace(config.data, directory=str(tmp_path / "gone"))).save(run.config_path)
    assert export_command.main(["--format", "kit", "--run", str(run.path), "--out", str(tmp_path / "kit")]) == 0
    shown = capsys.readouterr()
    assert "note: sounds are chosen by how they differ alone, not by the data set's classifier: " in shown.err
    assert "12 sounds in " in shown.out and Path(tmp_path / "kit" / "run.sfz").exists()
