import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import soundfile

from wavegan.base.errors import UserError
from wavegan.cli import generate as generate_command
from wavegan.generation.generate import load_sampler
from wavegan.models.gan.networks import build_generator
from wavegan.models.gan.sampler import GeneratorSampler
from wavegan.models.latents import Uniform
from wavegan.runs.run import Run


def sounds(folder):
    return {path.name: soundfile.read(path, dtype="int16")[0] for path in sorted(folder.glob("*.wav"))}


def test_fifty_sounds_fifty_files(trained, tmp_path, capsys):
    out = tmp_path / "new sounds"
    assert generate_command.main(["--run", str(trained), "--out", str(out)]) == 0
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
    generate_command.main(["--run", str(trained), "--n", "5", "--out", str(tmp_path / "x")])
    sampler, *_ = load_sampler(Run(trained))
    again = sampler(np.load(tmp_path / "x" / "latents.npz")["latents"])
    stored = sounds(tmp_path / "x")["003.wav"]
    np.testing.assert_array_equal(np.round(again[3, :, 0] * 32768).astype("int16"), stored)


def test_a_seed_gives_the_same_sounds_whatever_their_number(trained, tmp_path):
    for n in (1, 7, 150):  # 128 are computed at once
        words = ["--run", str(trained), "--seed", "5", "--out", str(tmp_path / str(n)), "--n", str(n)]
        assert generate_command.main(words) == 0
    for n in (1, 7):
        for clip in (tmp_path / str(n)).glob("*.wav"):
            assert clip.read_bytes() == (tmp_path / "150" / clip.name).read_bytes()


def test_audio_does_not_depend_on_what_is_computed_with_it():
    """To the last bit of float32: this size is one where a batch of another size gives other sums."""
    keras.utils.set_random_seed(0)
    generator = build_generator(4096, model_dim=16)
    latents = Uniform().draw(50, (100,), 0)
    sampler = GeneratorSampler(generator)
    together = sampler(latents)
    for chosen in ([17], [49, 17, 3], [*range(40)]):
        np.testing.assert_array_equal(sampler(latents[chosen]), together[chosen])


def test_a_path_goes_from_one_sound_to_another_and_both_come_back_as_they_were(trained, tmp_path, capsys):
    def make(name, *words):
        assert generate_command.main(["--run", str(trained), "--out", str(tmp_path / name), *words]) == 0
        return [path.read_bytes() for path in sorted((tmp_path / name).glob("*.wav"))]

    start, end = make("fifty", "--seed", "1")[17], make("one", "--seed", "2", "--n", "1")[0]
    assert make("again", "--from", f"{tmp_path / 'fifty'}/latents.npz:17") == [start]
    capsys.readouterr()
    way = make("way", "--interpolate", f"{tmp_path / 'fifty' / '017.wav'}", "2")
    shown = capsys.readouterr()
    assert shown.out.startswith("8 sounds in ") and "fifty/latents.npz:17 → seed 2, spherical" in shown.out
    assert "not the saved sounds" not in shown.out
    title = "fifty/latents.npz:17 → seed 2, spherical"
    assert shown.err == f"making 8 sounds, {title}: run {trained}, step 10 …\n"
    assert (way[0], way[-1], len(set(way))) == (start, end, 8)
    straight = make("straight", "--interpolate", f"{tmp_path / 'way'}:0", "2", "--path", "linear")
    assert (straight[0], straight[-1]) == (start, end) and straight[3] != way[3]
    assert make("all of it", "--from", str(tmp_path / "way")) == way
    near = make("near", "--around", f"{tmp_path / 'straight'}:7", "--seed", "3")
    assert near[0] == end and len(set(near)) == 16
    assert make("near too", "--around", "2", "--seed", "3", "--spread", "0.3", "--n", "3") == near[:3]
    assert len(make("few", "--interpolate", "1", "2", "--steps", "2")) == 2
    stored = np.load(tmp_path / "near" / "latents.npz", allow_pickle=False)
    assert str(stored["made_of"]) == "around straight/latents.npz:7, spread 0.3, seed 3" and stored["seed"] == 3
    assert (tmp_path / "way" / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_saved_sounds_come_back_by_their_file_alone(trained, tmp_path, capsys, monkeypatch):
    """The run and the checkpoint are those that made them, also where others are newer."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(trained, tmp_path / "runs" / "mine")
    shutil.copytree(trained, tmp_path / "runs" / "newer")
    assert generate_command.main(["--run", "runs/mine", "--out", "then", "--n", "2", "--checkpoint", "4"]) == 0
    then = sounds(tmp_path / "then")

    def again(out, *words):
        assert generate_command.main(["--from", "then", "--out", out, *words]) == 0
        return all(np.array_equal(then[name], clip) for name, clip in sounds(tmp_path / out).items())

    assert again("again")
    assert again("copied", "--run", "runs/newer")  # has the same checkpoint
    assert "not the saved sounds" not in capsys.readouterr().out
    assert not again("now", "--checkpoint", "latest")
    output = capsys.readouterr().out
    assert "these are not the saved sounds: those are of run runs/mine, --checkpoint 4" in output
    assert "run runs/mine, step 10" in output
    assert generate_command.main(["--interpolate", "then:0", "7", "--out", "way"]) == 0
    assert np.array_equal(sounds(tmp_path / "way")["000.wav"], then["000.wav"])
    assert generate_command.main(["--from", "now/000.wav", "--checkpoint", "4", "--out", "back"]) == 0
    assert np.array_equal(sounds(tmp_path / "back")["000.wav"], then["000.wav"])


def test_a_run_that_made_saved_sounds_may_move_and_one_that_is_gone_is_reported(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("runs").mkdir()
    shutil.copytree(trained, "mine")
    assert generate_command.main(["--run", "mine", "--out", "then", "--n", "1", "--checkpoint", "4"]) == 0
    shutil.move("mine", "runs/mine")
    assert generate_command.main(["--from", "then", "--out", "again"]) == 0
    assert np.array_equal(sounds(tmp_path / "again")["000.wav"], sounds(tmp_path / "then")["000.wav"])
    capsys.readouterr()
    Run("runs/mine").checkpoint_path(4).unlink()
    assert generate_command.main(["--from", "again", "--out", "x"]) == 2
    assert "the checkpoint of step 4, which made the saved sounds, is not kept in" in capsys.readouterr().err
    shutil.move("runs/mine", "elsewhere")
    assert generate_command.main(["--from", "again", "--out", "x"]) == 2
    assert "the run that made the saved sounds, is not there any more. Give it with --run" in capsys.readouterr().err
    assert not Path("x").exists()


def test_a_preview_without_a_checkpoint_of_its_step_is_reported_as_that(trained, tmp_path, capsys):
    """There are more previews than checkpoints: nobody knows whether there ever was one."""
    preview = trained / "previews" / "step-00000005"
    assert generate_command.main(["--from", str(preview), "--out", str(tmp_path / "x")]) == 2
    complaint = capsys.readouterr().err
    assert f"{trained} has no checkpoint of step 5, which made the preview. It has: 4, 8, 10. A training " in complaint
    assert "any more" not in complaint
    words = ["--from", str(preview / "03.wav"), "--checkpoint", "latest", "--out", str(tmp_path / "x")]
    assert generate_command.main(words) == 0
    assert f"those are of run {trained}, --checkpoint 5" in capsys.readouterr().out


def test_what_will_be_made_is_said_before_anything_that_takes_time(trained, tmp_path, monkeypatch, capsys):
    said = []

    def import_nothing(name):
        said.append(capsys.readouterr().err)
        raise UserError("enough")

    monkeypatch.setattr("wavegan.base.quiet.import_quietly", import_nothing)
    words = ["--run", str(trained), "--n", "7", "--seed", "3", "--out", str(tmp_path / "x")]
    assert generate_command.main(words) == 2
    assert said == [f"making 7 sounds, seed 3: run {trained}, step 10 …\n"]


def test_a_run_trained_anew_in_its_place_is_reported(trained, tmp_path, capsys):
    run = Run(shutil.copytree(trained, tmp_path / "mine"))
    assert generate_command.main(["--run", str(run.path), "--out", str(tmp_path / "then"), "--n", "1"]) == 0
    run.save(10, run.load(8))
    capsys.readouterr()
    assert generate_command.main(["--from", str(tmp_path / "then"), "--out", str(tmp_path / "now")]) == 0
    assert "these are not the saved sounds" in capsys.readouterr().out


def test_the_best_checkpoint_is_that_with_the_highest_score(trained, tmp_path, capsys):
    shutil.copytree(trained, tmp_path / "copy")
    run = Run(tmp_path / "copy")
    words = ["--run", str(run.path), "--checkpoint", "best", "--n", "1", "--out", str(tmp_path / "x")]
    assert generate_command.main(words) == 2
    printed = capsys.readouterr().err
    assert f"no checkpoint of {run.path} has a score, so none is the best. Give them scores: " in printed
    assert f"--run {shlex.quote(str(run.path))} --checkpoint all. Or train with --evaluate-every." in printed
    for step, score in {4: 1.5, 8: 2.5, 10: 2.0}.items():
        run.set_score(step, score, "x")
    assert generate_command.main(words) == 0
    assert ", step 8, seed" in capsys.readouterr().out


def test_without_a_seed_the_sounds_are_new(trained, tmp_path):
    for name in ("a", "b"):
        generate_command.main(["--run", str(trained), "--n", "2", "--out", str(tmp_path / name)])
    assert not np.array_equal(sounds(tmp_path / "a")["000.wav"], sounds(tmp_path / "b")["000.wav"])


def test_files_that_are_there_are_never_overwritten_and_each_folder_is_named(trained, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ways = [["--n", "1"], ["--around", "1", "--n", "1"], ["--interpolate", "1", "2", "--steps", "2"], ["--n", "1"]]
    printed = []
    for words in ways:
        assert generate_command.main(["--run", str(trained), *words]) == 0
        printed.append(re.search(r"sounds? in (.*): WAV files", capsys.readouterr().out)[1])
    folder = Path("generated", trained.name)
    assert printed == [str(folder / f"step-00000010{number}") for number in ("", "-2", "-3", "-4")]
    assert sorted(str(path) for path in folder.iterdir()) == printed
    assert [len(sounds(Path(path))) for path in printed] == [1, 1, 2, 1]


MAKE = """
import sys
from wavegan.base.files import staged_folder
with staged_folder(sys.argv[1], print, numbered=True) as staged:
    (staged.partial / "000.wav").write_text("theirs")
    print("written", flush=True)
    sys.stdin.readline()
"""


def test_two_at_once_in_one_folder_lose_no_sound(trained, tmp_path, capsys):
    """The other one has chosen its folder, and is done only after this one."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-c", MAKE, tmp_path / "out"]
    other = subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout.readline() == "written\n"
        assert generate_command.main(["--run", str(trained), "--n", "2", "--out", str(tmp_path / "out")]) == 0
    finally:
        other.communicate("go on\n")
    assert f"2 sounds in {tmp_path / 'out-2'}" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "out-2"]
    assert (tmp_path / "out" / "000.wav").read_text() == "theirs" and len(sounds(tmp_path / "out-2")) == 2


def test_previews_and_generate_share_one_path(trained, tmp_path):
    """Harmonai-org/sample-generator issue 31: previews sound better than what inference makes afterwards."""
    preview = trained / "previews" / "step-00000010"
    assert generate_command.main(["--from", str(preview), "--out", str(tmp_path / "again")]) == 0
    for clip, stored in zip(sounds(tmp_path / "again").values(), sounds(preview).values(), strict=True):
        np.testing.assert_array_equal(clip, stored)
    assert (
        generate_command.main(["--from", str(trained / "preview_latents.npz"), "--out", str(tmp_path / "latest")]) == 0
    )
    assert sounds(tmp_path / "latest").keys() == sounds(tmp_path / "again").keys()


def test_generating_writes_nothing_into_the_run(trained, tmp_path):
    """In chrisdonahue/wavegan, commands that only read a run overwrite the arguments of its training."""
    before = {path: path.stat().st_mtime_ns for path in trained.rglob("*")}
    generate_command.main(["--run", str(trained), "--n", "2", "--out", str(tmp_path / "x")])
    assert {path: path.stat().st_mtime_ns for path in trained.rglob("*")} == before


def test_latents_are_uniform_from_minus_one_to_one():
    latents = Uniform().draw(2000, (100,), 0)
    assert latents.dtype == np.float32 and latents.min() < -0.999 and latents.max() > 0.999
    assert np.std(latents) == pytest.approx(1 / np.sqrt(3), rel=0.01)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--n", "0"], "argument --n: must be a whole number of 1 or more. Received: 0"),
        (["--n", "many"], "argument --n: must be a whole number of 1 or more. Received: many"),
        (["--out", "."], "--out must be a new folder. Received: ."),
        (["--checkpoint", "3"], "has no checkpoint of step 3. It has: 4, 8, 10"),
        (["--checkpoint", "worst"], "must be latest, best or a step (of evaluate.py also all). Received: worst"),
        (["--checkpoint", "9" * 5000], "must be latest, best or a step (of evaluate.py also all). Received: 99"),
        (["--guidance", "2"], "--guidance is for a flow matching model, and run "),
        (["--like", "x.wav", "--keep", "0:1"], "--keep is for a flow matching model, and run "),
        (["--strength", "0.5"], "--strength needs --like. Give both or neither"),
        (["--strength", "2"], "argument --strength: must be a number from 0 to 1. Received: 2"),
        (["--interpolate", "1", "2", "--seed", "0"], "--seed does not go with --interpolate"),
        (["--interpolate", "1", "2", "--spread", "1"], "--spread does not go with --interpolate"),
        (["--interpolate", "1", "2", "--around", "1"], "argument --around: not allowed with argument --interpolate"),
        (["--interpolate", "1", "2", "--steps", "1"], "--steps must be 2 or more with --interpolate"),
        (["--interpolate", "1", "2", "--path", "curved"], "argument --path: invalid choice: 'curved'"),
        (["--interpolate", "1", "-2"], "-2 cannot be read as latents"),
        (["--from", "1", "--n", "2"], "--n does not go with --from"),
        (["--around", "1", "--steps", "4"], "--steps is for a flow matching model, and run "),
        (["--around", "1", "--spread", "0"], "argument --spread: must be a number above 0, 2 at most. Received: 0"),
        (["--around", "1", "--spread", "nan"], "argument --spread: must be a number above 0, 2 at most. Received: nan"),
        (["--around", ""], "argument --around: is empty"),
        (["--steps", "4"], ", train one with python train_diffusion.py, or leave --steps out."),
        (["--path", "linear"], "--path needs --interpolate"),
        (["--spread", "0.1"], "--spread needs --around"),
        (["--like", "x.wav", "--steps", "4"], "--steps is for a flow matching model"),
        (
            ["--interpolate", "1", "2", "--steps", "3", "--n", "3"],
            "--steps is another name of --n for a WaveGAN",
        ),
        (["--like", "x.wav", "--around", "1"], "argument --around: not allowed with argument --like"),
        (["--like", __file__, "--class", "kick"], "--class needs a run that learned classes"),
        (["--from", "nowhere/latents.npz:3"], "nowhere/latents.npz cannot be read as latents (No such file"),
        (["--run", "nowhere"], "nowhere is not a run"),
    ],
)
def test_what_cannot_be_generated_is_one_line(trained, tmp_path, capsys, words, complaint):
    out = tmp_path / "x"
    try:
        code = generate_command.main(["--run", str(trained), "--out", str(out), *words])
    except SystemExit as exit:
        code = exit.code
    lines = capsys.readouterr().err.splitlines()
    assert code == 2
    assert len(lines) == 1 and lines[0].startswith("error: ") and complaint in lines[0]
    assert not out.exists()


def test_a_broken_checkpoint_is_one_line_and_the_newest_good_one_is_used(trained, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    path = Run(copy).checkpoint_path(10)
    path.write_bytes(path.read_bytes()[:-100])
    assert generate_command.main(["--run", str(copy), "--checkpoint", "10", "--out", str(tmp_path / "x")]) == 2
    assert "step-00000010.npz is damaged" in capsys.readouterr().err
    assert generate_command.main(["--run", str(copy), "--n", "1", "--out", str(tmp_path / "x")]) == 0
    printed = capsys.readouterr()
    assert "step-00000010.npz is damaged" in printed.err and "the checkpoint of step 8 is used instead" in printed.err
    assert ", step 8, seed" in printed.out
