"""Sounds of the classes that one asks for, with a run that learned them: through the real commands."""

import numpy as np
import pytest

from wavegan.audio import pictures
from wavegan.cli import generate as generate_command
from wavegan.models.classes import drawn
from wavegan.runs.run import Run

KINDS = ["kick", "snare", "tom"]


@pytest.fixture
def made(trained_by_class, tmp_path):
    """Generates with the conditional run: `made("--n", "5")` returns the folder, or the exit code if that is not 0."""

    def generate(*flags, run=trained_by_class):
        folder = tmp_path / f"out {len(list(tmp_path.iterdir()))}"
        code = generate_command.main(["--run", str(run), "--out", str(folder), *flags])
        return code or folder

    return generate


def weights(folder):
    with np.load(folder / "latents.npz", allow_pickle=False) as stored:
        assert list(stored["class_names"]) == KINDS
        return stored["classes"]


def sounds(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.wav"))}


def test_new_sounds_have_classes_as_often_as_the_recordings_and_a_seed_the_same_again(made, trained_by_class):
    folder = made("--n", "20", "--seed", "7")
    config = Run(trained_by_class).config()
    np.testing.assert_array_equal(weights(folder), drawn(list(config.data.classes.values()), 20, (7, 5)))
    named = [KINDS[each] for each in weights(folder).argmax(1)]
    assert list(sounds(folder)) == [f"{number:03d}-{name}.wav" for number, name in enumerate(named)]
    first = dict(list(sounds(folder).items())[:3])
    assert sounds(made("--n", "3", "--seed", "7")) == first


def test_a_class_or_mixture_is_what_all_sounds_are_of(made):
    assert list(sounds(made("--n", "2", "--class", "tom"))) == ["000-tom.wav", "001-tom.wav"]
    mixed = made("--n", "2", "--class", "kick:0.7,tom:0.3")
    np.testing.assert_allclose(weights(mixed), [[0.7, 0, 0.3]] * 2, atol=1e-7)
    assert "000-kick-0.7-tom-0.3.wav" in sounds(mixed)


def test_of_every_class_as_many_as_one_asks_for(made):
    assert [name[4:-4] for name in sounds(made("--per-class", "2"))] == 2 * ["kick"] + 2 * ["snare"] + 2 * ["tom"]


def test_a_row_of_the_picture_is_a_class_where_it_has_place(made, trained_by_class, monkeypatch):
    drawn = []
    monkeypatch.setattr(pictures, "draw", lambda *given, real=pictures.draw: drawn.append(given[4]) or real(*given))
    for flags in (["--per-class", "2"], ["--per-class", "9"], ["--n", "3"]):
        made(*flags)
    assert drawn == [2, 8, 8]


def test_one_latent_of_two_classes_makes_two_sounds(made):
    of_kick, of_tom = (made("--n", "1", "--seed", "3", "--class", kind) for kind in ("kick", "tom"))
    assert np.array_equal(np.load(of_kick / "latents.npz")["latents"], np.load(of_tom / "latents.npz")["latents"])
    assert sounds(of_kick).popitem()[1] != sounds(of_tom).popitem()[1]


def test_saved_sounds_come_back_with_their_classes_and_become_another_on_wish(made):
    folder = made("--per-class", "1", "--seed", "3")
    again = made("--from", str(folder))
    assert sounds(again) == sounds(folder)
    one = made("--from", str(folder / "001-snare.wav"))
    assert sounds(one) == {"000-snare.wav": sounds(folder)["001-snare.wav"]}
    assert list(sounds(made("--from", str(folder), "--class", "tom"))) == [f"00{number}-tom.wav" for number in range(3)]


def test_variations_keep_the_class_and_a_path_goes_from_one_to_the_other(made):
    folder = made("--per-class", "1", "--seed", "3")
    around = made("--around", str(folder / "002-tom.wav"), "--n", "3")
    assert weights(around).argmax(1).tolist() == [2, 2, 2]
    path = made("--interpolate", str(folder / "000-kick.wav"), str(folder / "002-tom.wav"), "--steps", "3")
    np.testing.assert_allclose(weights(path), [[1, 0, 0], [0.5, 0, 0.5], [0, 0, 1]])
    ends = list(sounds(path).values())
    assert [ends[0], ends[-1]] == [sounds(folder)["000-kick.wav"], sounds(folder)["002-tom.wav"]]


def test_previews_are_named_by_class_and_made_again(made, trained_by_class):
    preview = trained_by_class / "previews" / "step-00000004"
    names = sorted(path.name for path in preview.glob("*.wav"))
    assert [name[3:-4] for name in names] == 3 * ["kick"] + 3 * ["snare"] + 2 * ["tom"]
    assert list(sounds(made("--from", str(preview))).values()) == list(sounds(preview).values())


@pytest.mark.parametrize(
    "flags, words",
    [
        (["--class", "tim"], "must name classes of the run: kick, snare, tom. Received: tim. Did you mean tom?"),
        (
            ["--per-class", "2", "--n", "3"],
            "--per-class does not go with --n and --class. Leave out --per-class, or the other",
        ),
        (["--per-class", "2", "--from", "7"], "--per-class does not go with --from"),
    ],
)
def test_what_cannot_be_asked_for_is_one_line(made, flags, words, capsys):
    assert made(*flags) == 2
    assert words in capsys.readouterr().err


def test_a_class_that_is_given_twice_does_not_replace_the_first_unnoticed(made, capsys):
    with pytest.raises(SystemExit, match="2"):
        made("--class", "kick", "--class", "tom")
    assert "--class: is given once; a mixture is written kick:0.7,snare:0.3" in capsys.readouterr().err


def test_a_run_without_classes_says_how_to_get_one_that_has_them(made, trained, capsys):
    for flags in (["--class", "kick"], ["--per-class", "2"]):
        assert made(*flags, run=trained) == 2
        assert f"{flags[0]} needs a run that learned classes" in capsys.readouterr().err
