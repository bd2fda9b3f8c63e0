"""Latents: which ones become sounds, and how they are named."""

import numpy as np
import pytest

from wavegan.base.errors import UserError
from wavegan.generation import latents
from wavegan.generation.saved import Origin, named, one
from wavegan.models.latents import PATHS, Uniform, linear, spherical

SIZE = 100
SPACE = Uniform()
KIND = SPACE, (SIZE,)


@pytest.fixture
def saved(tmp_path):
    """A folder as generate.py makes it, with five latents."""
    folder = tmp_path / "Töne 1" / "step-00000010"
    folder.mkdir(parents=True)
    np.savez(folder / "latents.npz", latents=SPACE.draw(5, (SIZE,), 0), run="/runs/mine", step=10, model="x")
    return folder


def test_halfway_between_orthogonal_latents():
    start, end = np.array([0.6, 0.0]), np.array([0.0, 0.6])
    np.testing.assert_allclose(linear(start, end, 0.5), [0.3, 0.3])
    np.testing.assert_allclose(spherical(start, end, 0.5), [0.6 / np.sqrt(2), 0.6 / np.sqrt(2)])
    np.testing.assert_allclose(spherical(start, end, 1 / 3), [0.6 * np.sqrt(3) / 2, 0.3])


def test_the_spherical_path_is_as_long_as_draws_are_and_stays_in_the_range():
    draws = SPACE.draw(400, (SIZE,), 0)
    halfway = {
        path: np.array(
            [SPACE.between(start, end, 0.5, path) for start, end in zip(draws[::2], draws[1::2], strict=True)]
        )
        for path in PATHS
    }
    length = {path: np.linalg.norm(values, axis=1).mean() for path, values in halfway.items()}
    drawn = np.linalg.norm(draws, axis=1).mean()
    assert length["spherical"] == pytest.approx(0.96 * drawn, rel=0.01)
    assert length["linear"] == pytest.approx(drawn / np.sqrt(2), rel=0.02)
    assert np.abs(halfway["spherical"]).max() == 1
    assert np.mean(np.abs(halfway["spherical"]) == 1) == pytest.approx((1 - 2**-0.5) ** 2, rel=0.1)  # one in twelve


@pytest.mark.parametrize("end", [[0.5, 0.5], [-0.5, -0.5], [0.25, 0.25], [0.0, 0.0]])
def test_without_an_arc_the_path_is_straight(end):
    start, end = np.array([0.5, 0.5]), np.array(end)
    np.testing.assert_array_equal(spherical(start, end, 0.3), linear(start, end, 0.3))


@pytest.mark.parametrize("path", PATHS)
def test_a_path_has_its_two_ends_to_the_last_bit(path, saved):
    chosen = latents.between([one(f"{saved}:3"), one("7")], 6, path, *KIND)
    assert chosen.values.dtype == np.float32 and chosen.values.shape == (6, SIZE)
    assert np.array_equal(chosen.values[0], SPACE.draw(5, (SIZE,), 0)[3])
    assert np.array_equal(chosen.values[-1], SPACE.draw(1, (SIZE,), 7)[0])
    steps = np.linalg.norm(np.diff(chosen.values, axis=0), axis=1)
    assert steps.max() < 1.2 * steps.min()
    assert chosen.title == f"step-00000010/latents.npz:3 → seed 7, {path}"
    assert chosen.notes == ["0%", "20%", "40%", "60%", "80%", "100%"]


def test_variations_begin_with_the_latent_and_move_each_number_by_the_spread_at_most():
    chosen = latents.around(one("7"), 300, 0.3, *KIND, seed=1)
    start = SPACE.draw(1, (SIZE,), 7)[0]
    assert chosen.values.dtype == np.float32 and np.array_equal(chosen.values[0], start)
    moves = np.abs(chosen.values[1:] - start)
    assert 0.299 < moves.max() <= 0.3 + 1e-6 and np.abs(chosen.values).max() <= 1
    assert chosen.notes[0] == "0.00 away" and chosen.notes[1] == f"{np.sqrt(np.mean(moves[0] ** 2)):.2f} away"
    assert (chosen.title, chosen.seed) == ("around seed 7, spread 0.3, seed 1", 1)


@pytest.mark.parametrize("spread", [0.3, 1, 2])
def test_variations_of_uniform_latents_are_uniform(spread):
    """Nothing gathers at the ends of the range, also where the latent and its variations are of the same seed."""
    values = np.concatenate([latents.around(one(str(seed)), 2, spread, *KIND, seed).values[1:] for seed in range(300)])
    counts, _ = np.histogram(values, bins=10, range=(-1, 1))
    assert counts / values.size == pytest.approx(0.1, abs=0.006)


def test_a_spread_of_2_forgets_the_latent_and_a_seed_repeats_the_variations():
    chosen = latents.around(one("7"), 200, 2, *KIND, seed=1)
    assert np.abs(np.corrcoef(chosen.values[1:].mean(axis=0), chosen.values[0])[0, 1]) < 0.3
    assert np.array_equal(latents.around(one("7"), 5, 2, *KIND, seed=1).values, chosen.values[:5])
    assert not np.array_equal(latents.around(one("7"), 5, 2, *KIND).values[1:], chosen.values[1:5])


def test_one_latent_has_several_names(saved):
    third = SPACE.draw(5, (SIZE,), 0)[3:4]
    (saved / "003.wav").touch()
    for name in (saved / "latents.npz:3", f"{saved}:3", f"{saved}/:3", saved / "003.wav"):
        found = named(str(name))
        assert np.array_equal(found.values, third), name
        assert (found.name, found.origin) == ("step-00000010/latents.npz:3", Origin("/runs/mine", 10, "x"))


def test_a_file_names_all_its_latents_and_a_seed_the_first_of_its_draws(saved):
    for name in (saved / "latents.npz", saved):
        assert np.array_equal(latents.again(named(str(name)), *KIND).values, SPACE.draw(5, (SIZE,), 0))
    assert np.array_equal(latents.again(named("7"), *KIND).values, latents.new(50, *KIND, 7).values[:1])
    assert latents.new(2, *KIND).seed != latents.new(2, *KIND).seed


def test_the_latents_of_the_previews_of_a_run_have_names_too(trained):
    values = np.load(trained / "preview_latents.npz")["latents"]
    preview = trained / "previews" / "step-00000005"
    for name, step in {f"{trained}/preview_latents.npz:2": None, f"{preview}/02.wav": 5, f"{preview}:2": 5}.items():
        found = named(name)
        assert np.array_equal(found.values[0], values[2])
        assert found.origin == Origin(str(trained), step)
    assert np.array_equal(named(str(preview)).values, values)


def test_a_file_with_one_latent_needs_no_number(tmp_path):
    np.savez(tmp_path / "mine.npz", latents=np.full((1, SIZE), 0.25))
    chosen = latents.around(one(str(tmp_path / "mine.npz")), 1, 0.3, *KIND)
    assert np.array_equal(chosen.values, np.full((1, SIZE), 0.25, "float32"))


def array(values):
    return lambda path: np.savez(path, latents=values)


@pytest.mark.parametrize(
    ("write", "complaint"),
    [
        (lambda path: None, "x.npz cannot be read as latents (No such file or directory). Expected FILE.npz:INDEX"),
        (lambda path: path.mkdir(), "latents.npz cannot be read as latents (No such file or directory)"),
        (lambda path: path.write_bytes(b""), "x.npz is damaged, or no archive of latents (No data left in file)"),
        (lambda path: path.write_bytes(b"RIFF" * 99), "x.npz is damaged, or no archive of latents"),
        (lambda path: np.save(path.open("wb"), np.zeros((1, SIZE))), "x.npz is damaged, or no archive of latents"),
        (lambda path: np.savez(path, z=np.zeros((1, SIZE))), "x.npz holds no latents. Expected a latents.npz"),
        (lambda path: np.savez(path, latents=np.zeros((1, SIZE)), run="x", step=[1, 2], model=""), "x.npz is damaged"),
        (lambda path: np.savez(path, latents=np.zeros((1, SIZE)), sampling="[8]"), "x.npz is damaged, or no archive"),
        (array(np.array([[None]], dtype=object)), "x.npz is damaged, or no archive of latents (Object arrays"),
        (array(np.zeros((1, 99))), "x.npz are 99 wide, the run takes 100: they are of another model. Give the run"),
        (array(np.zeros(SIZE)), "x.npz must be floats [n, width]. Received: float64 [100]"),
        (array(np.zeros((0, SIZE))), "x.npz must be floats [n, width]. Received: float64 [0, 100]"),
        (array(np.zeros((1, SIZE), int)), "x.npz must be floats [n, width]. Received: int64 [1, 100]"),
        (array(np.full((1, SIZE), np.nan)), "x.npz must be finite and in [-1, 1]"),
        (array(np.full((1, SIZE), np.inf)), "x.npz must be finite and in [-1, 1]"),
        (array(np.full((1, SIZE), 1.01)), "x.npz must be finite and in [-1, 1]"),
        (array(np.zeros((3, SIZE))), "x.npz holds 3 latents. Say which one: "),
    ],
)
def test_what_holds_no_latent_is_reported_in_one_line(tmp_path, write, complaint):
    path = tmp_path / "x.npz"
    write(path)
    with pytest.raises(UserError) as caught:
        latents.around(one(str(path)), 1, 0.3, *KIND)
    assert complaint in str(caught.value) and "\n" not in str(caught.value)


def test_for_a_renamed_or_foreign_wav_file_the_error_says_how_sounds_are_known(saved):
    (saved / "my voice.wav").write_bytes(b"RIFF")
    with pytest.raises(UserError, match="my voice.wav cannot be read as latents: a sound is known by its number"):
        named(str(saved / "my voice.wav"))
    (saved / "sheet.png").touch()
    (saved.parent / "copied").mkdir()
    (saved.parent / "copied" / "003.wav").touch()  # without its latents
    for other in (saved / "sheet.png", saved.parent / "copied" / "003.wav"):
        with pytest.raises(UserError, match=f"{other.name} cannot be read as latents: a sound is known by its number"):
            named(str(other))


@pytest.mark.parametrize("name", ["5", "50", "9" * 18])
def test_a_number_that_no_latent_has_is_reported(saved, name):
    for place in (saved, saved / "latents.npz"):
        with pytest.raises(UserError, match=f"latents.npz holds the latents 0 to 4. Received: .*:{name}"):
            named(f"{place}:{name}")


@pytest.mark.parametrize("name", ["-3", "seven", "1.5", "x:y", ":3", "9" * 5000, "x" * 5000 + ":3"])
def test_what_is_no_name_is_reported(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="cannot be read as latents.*or a seed, a whole number. Received"):
        named(name)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_every_flipped_bit_of_a_file_is_noticed_or_harmless(save, tmp_path):
    path = tmp_path / "latents.npz"
    save(path, latents=SPACE.draw(2, (4,), 0))
    whole = path.read_bytes()
    noticed = 0
    for place in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            assert np.array_equal(named(str(path)).values, SPACE.draw(2, (4,), 0))
        except UserError:
            noticed += 1
    assert noticed > 4 * len(whole)
