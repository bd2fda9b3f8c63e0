import numpy as np
import pytest
import soundfile

import generate
from wavegan.generation import load_generator
from wavegan.latents import sample_latents
from wavegan.runs import Run
from wavegan.synthesis import synthesize


def sounds(folder):
    return {path.name: soundfile.read(path, dtype="int16")[0] for path in sorted(folder.glob("*.wav"))}


def test_fifty_sounds_fifty_files(trained, tmp_path, capsys):
    out = tmp_path / "new sounds"
    assert generate.main(["--run", str(trained), "--out", str(out)]) == 0
    made = sounds(out)
    assert list(made) == [f"{number:03d}.wav" for number in range(50)]
    info = soundfile.info(out / "007.wav")
    assert (info.samplerate, info.channels, info.frames, info.subtype) == (4000, 1, 1024, "PCM_16")
    assert len({clip.tobytes() for clip in made.values()}) == 50
    assert (out / "sheet.png").read_bytes().startswith(b"\x89PNG")
    stored = np.load(out / "latents.npz", allow_pickle=False)
    assert stored["latents"].shape == (50, 100) and stored["step"] == 10
    assert "× real time" in capsys.readouterr().out


def test_a_latent_gives_its_sound_again(trained, tmp_path):
    generate.main(["--run", str(trained), "--n", "5", "--out", str(tmp_path / "x")])
    generator, *_ = load_generator(Run(trained))
    again = synthesize(generator, np.load(tmp_path / "x" / "latents.npz")["latents"])
    stored = sounds(tmp_path / "x")["003.wav"]
    np.testing.assert_array_equal(np.round(again[3, :, 0] * 32768).astype("int16"), stored)


def test_a_seed_gives_the_same_sounds_whatever_the_batch_size_and_number(trained, tmp_path):
    made = []
    for name, words in {"a": ["--n", "7"], "b": ["--n", "7", "--batch-size", "3"], "c": ["--n", "4"]}.items():
        flags = ["--run", str(trained), "--seed", "5", "--out", str(tmp_path / name), *words]
        assert generate.main(flags) == 0
        made.append(list(sounds(tmp_path / name).values()))
    for other in made[1:]:
        for clip, same in zip(made[0], other, strict=False):
            assert np.abs(clip.astype(int) - same).max() <= 1  # one step of 16 bits


def test_without_a_seed_the_sounds_are_new(trained, tmp_path):
    for name in ("a", "b"):
        generate.main(["--run", str(trained), "--n", "2", "--out", str(tmp_path / name)])
    assert not np.array_equal(sounds(tmp_path / "a")["000.wav"], sounds(tmp_path / "b")["000.wav"])


def test_files_that_are_there_are_never_overwritten(trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        generate.main(["--run", str(trained), "--n", "1"])
    folders = sorted(path.name for path in (tmp_path / "generated" / trained.name).iterdir())
    assert folders == ["step-00000010", "step-00000010-2"]


def test_previews_and_generate_share_one_path(trained):
    """DD's previews sound better than its inference."""
    latents = np.load(trained / "preview_latents.npz")["latents"]
    generator, *_ = load_generator(Run(trained), step=10)
    preview = sounds(trained / "previews" / "step-00000010")
    for clip, stored in zip(synthesize(generator, latents), preview.values(), strict=True):
        assert np.abs(np.round(clip[:, 0] * 32768) - stored).max() <= 1


def test_generating_writes_nothing_into_the_run(trained, tmp_path):
    """CD's read-only commands overwrite the training's arguments."""
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    generate.main(["--run", str(trained), "--n", "2", "--out", str(tmp_path / "x")])
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_latents_are_uniform_from_minus_one_to_one():
    latents = sample_latents(2000, 100, seed=0)
    assert latents.dtype == np.float32 and latents.min() < -0.999 and latents.max() > 0.999
    assert np.std(latents) == pytest.approx(1 / np.sqrt(3), rel=0.01)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--n", "0"], "argument --n: must be a whole number of 1 or more. Received: 0"),
        (["--n", "many"], "argument --n: must be a whole number of 1 or more. Received: many"),
        (["--out", "."], "--out must be a new folder. Received: ."),
        (["--checkpoint", "3"], "has no checkpoint of step 3. It has: 4, 8, 10"),
        (["--checkpoint", "best"], "--checkpoint must be latest or a step. Received: best"),
        (["--run", "nowhere"], "nowhere is not a run"),
    ],
)
def test_what_cannot_be_generated_is_one_line(trained, tmp_path, capsys, words, complaint):
    out = tmp_path / "x"
    try:
        code = generate.main(["--run", str(trained), "--out", str(out), *words])
    except SystemExit as exit:
        code = exit.code
    lines = capsys.readouterr().err.splitlines()
    assert code == 2
    assert len(lines) == 1 and lines[0].startswith("error: ") and complaint in lines[0]
    assert not out.exists()


def test_a_broken_checkpoint_is_one_line_and_the_newest_good_one_is_used(trained, tmp_path, capsys):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    path = Run(copy).checkpoint_path(10)
    path.write_bytes(path.read_bytes()[:-100])
    assert generate.main(["--run", str(copy), "--checkpoint", "10", "--out", str(tmp_path / "x")]) == 2
    assert "step-00000010.npz is damaged" in capsys.readouterr().err
    assert generate.main(["--run", str(copy), "--n", "1", "--out", str(tmp_path / "x")]) == 0
    told = capsys.readouterr()
    assert "step-00000010.npz is damaged" in told.err and "the checkpoint of step 8 is used instead" in told.err
    assert ", step 8, seed" in told.out
