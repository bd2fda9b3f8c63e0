"""The sound nearest to a recording of one's own: the distance, the search, and the real commands."""

import keras
import librosa
import numpy as np
import pytest
import soundfile

from preprocess import drumkit
from wavegan.base.progress import Progress
from wavegan.cli import generate as generate_command
from wavegan.generation import nearest as search
from wavegan.generation.distance import FLOOR, WINDOWS_S, Distance
from wavegan.generation.generate import load_sampler
from wavegan.generation.nearest import named_like, nearest
from wavegan.models.classes import drawn, rows
from wavegan.models.gan.networks import build_generator
from wavegan.models.gan.sampler import GeneratorSampler
from wavegan.models.latents import Uniform
from wavegan.runs.run import PRETRAINED, Run

RATE, LENGTH = 4000, 1024


def noise(seed, n=1):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (n, LENGTH, 1)).astype("float32")


def by_librosa(one, other):
    """The distance of two clips [time], by librosa's own transform and filters."""
    found = []
    for window_s in WINDOWS_S:
        window = max(16, round(window_s * RATE))
        size = 1 << (window - 1).bit_length()
        front = Distance(other[:, None], RATE).fronts[WINDOWS_S.index(window_s)]
        filters = front.filters / front.filters.sum(axis=1, keepdims=True)
        decibels = []
        for clip in (one, other):
            clip = clip / np.sqrt(np.mean(clip**2))
            spectrum = librosa.stft(clip, n_fft=size, hop_length=front.hop, win_length=window) / np.sqrt(window)
            decibels.append(20 * np.log10(filters @ np.abs(spectrum) + FLOOR))
        frames = 1 + LENGTH // front.hop
        found.append(np.sqrt(np.mean((decibels[0] - decibels[1])[:, :frames] ** 2)))
    return np.mean(found)


def test_the_distance_is_the_mean_difference_of_log_spectra():
    one, other = noise(0)[0], noise(1)[0] * np.linspace(1, 0, LENGTH)[:, None].astype("float32")
    distance = Distance(other, RATE)
    expected = by_librosa(one[:, 0], other[:, 0])
    assert expected > 10
    assert np.asarray(distance(one[None]))[0] == pytest.approx(expected, rel=1e-3)
    assert np.asarray(distance(other[None]))[0] < 0.01


def test_a_softer_recording_is_no_farther():
    one, other = noise(0), noise(1)[0]
    near, same = (np.asarray(Distance(target, RATE)(one))[0] for target in (other, 0.01 * other))
    assert same == pytest.approx(near, rel=1e-3)


@pytest.fixture
def quick(monkeypatch):
    """Fewer draws and steps, where only what becomes of them is looked at."""
    monkeypatch.setattr(search, "DRAWS", 64)
    monkeypatch.setattr(search, "STEPS", 12)
    monkeypatch.setattr(search, "SIFTED", 6)


@pytest.mark.parametrize("classes", [0, 3])
def test_generated_sounds_are_found_again_and_their_class_too(classes):
    keras.utils.set_random_seed(0)
    generator = build_generator(LENGTH, model_dim=4, kernel_length=9, latent_size=8, classes=classes, modern=True)
    sampler = GeneratorSampler(generator, classes)
    latents = Uniform().draw(3, (8,), seed=99)
    weights = rows(np.array([0, 2, 1]), 3) if classes else None
    for place, clip in enumerate(sampler(latents, weights)):
        found = nearest(sampler, Uniform(), clip, RATE, lambda n: drawn([1] * 3, n, 1) if classes else None)
        assert found.distance < 0.05 < 1 < found.drawn < found.usual
        # The loudness, which does not count, may be another: so may be the length.
        assert np.corrcoef(found.latent[0], latents[place])[0, 1] > 0.999
        if classes:
            np.testing.assert_allclose(found.classes[0], weights[place], atol=0.01)


def test_it_comes_nearer_to_held_out_drums_than_the_best_of_two_thousand_draws(trained_by_class):
    sampler, config, _ = load_sampler(Run(trained_by_class))
    random = sampler(Uniform().draw(2000, sampler.latent_shape, 1), rows(np.arange(2000) % 3, 3))
    for index in range(10):
        kind = ("kick", "snare", "tom")[index % 3]
        drum = drumkit.render(kind, 100 + index, RATE)[:LENGTH, None]
        drum = np.pad(drum, ((0, LENGTH - len(drum)), (0, 0)))
        distance = Distance(drum, RATE)
        found, _ = named_like("drum", drum, sampler, config)
        assert np.asarray(distance(sampler(found.values, found.classes)))[0] < np.min(distance(random)), (kind, index)
        assert found.classes.min() >= 0 and found.classes.sum() == pytest.approx(1)
        assert np.abs(found.values).max() <= 1


@pytest.mark.slow
def test_of_ten_new_drums_the_one_of_the_model_that_comes_with_it_is_nearer_than_two_thousand_draws():
    sampler, config, _ = load_sampler(Run(PRETRAINED / "drums"))
    random = sampler(Uniform().draw(2000, sampler.latent_shape, 1), rows(np.arange(2000) % 8, 8))
    for index in range(10):
        kind = config.classes[index % 8]
        drum = drumkit.render(kind, index, config.data.sample_rate, seed=7)[: config.data.length, None]
        drum = np.pad(drum, ((0, config.data.length - len(drum)), (0, 0)))
        found, _ = named_like("drum", drum, sampler, config)
        distance = Distance(drum, config.data.sample_rate)
        made = np.asarray(distance(sampler(found.values, found.classes)))[0]
        assert made < np.min(distance(random)), (kind, index)


def test_a_seed_finds_the_same_again(trained_by_class, quick):
    sampler, config, _ = load_sampler(Run(trained_by_class))
    first, again, other = (named_like("x", noise(3)[0], sampler, config, seed=seed)[0] for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.values, again.values)
    np.testing.assert_array_equal(first.classes, again.classes)
    assert not np.array_equal(first.values, other.values)


def test_a_class_that_is_asked_for_stays_as_it_is(trained_by_class, quick):
    sampler, config, _ = load_sampler(Run(trained_by_class))
    found, _ = named_like("x", noise(3)[0], sampler, config, asked="snare:0.75,tom:0.25")
    np.testing.assert_array_equal(found.classes, np.array([[0, 0.75, 0.25]], "float32"))


def test_the_few_that_go_on_move_as_if_they_had_been_alone():
    rates, slopes = np.array([0.1, 0.02, 0.1]), np.random.default_rng(0).normal(size=(4, 3, 5)).astype("float32")
    some, alone, left = search.Adam(rates), search.Adam(rates[[2, 1]]), [2, 1]
    for step, each in enumerate(slopes):
        if step == 2:
            some.keep(np.array(left))
        moved = some(each if step < 2 else each[left])
        np.testing.assert_array_equal(moved if step >= 2 else moved[left], alone(each[left]))


def test_only_the_nearest_go_on():
    asked = []

    def slopes(latents, weights):
        asked.append(len(latents))
        return np.abs(latents[:, 0]), np.zeros_like(latents), None

    latents = np.linspace(0.9, -0.9, 16, dtype="float32")[:, None] + 0.03
    found, _ = search._descended(slopes, Uniform(), latents, None, False, Progress(search.STEPS, "x"))
    assert asked == [16] * search.SIFTED + [search.LEFT] * (search.STEPS - search.SIFTED)
    np.testing.assert_array_equal(np.sort(np.abs(found[:, 0])), np.sort(np.abs(latents[:, 0]))[: search.LEFT])


def test_the_nearest_mixture_is_that_of_a_slow_search():
    random = np.random.default_rng(0)
    grid = random.dirichlet([0.5] * 3, 20_000)
    for weights in random.normal(0.3, 0.7, (20, 3)):
        mixture = search._mixtures(weights[None])[0]
        assert mixture.min() >= 0 and mixture.sum() == pytest.approx(1)
        assert np.linalg.norm(mixture - weights) <= np.linalg.norm(grid - weights, axis=1).min() + 1e-6


@pytest.fixture
def recording(tmp_path):
    """A drum as a person has it: another rate, two channels, longer than a clip."""
    path = tmp_path / "my drum.wav"
    drum = np.pad(drumkit.render("tom", 3, 16_000), (6000, 9000)) * 0.2
    soundfile.write(path, np.stack([drum, drum], axis=1), 16_000)
    return path


def made(run, out, *words):
    assert generate_command.main(["--run", str(run), "--out", str(out), *map(str, words)]) == 0
    return np.load(out / "latents.npz")


def test_like_makes_the_nearest_sound_and_variations_of_it(trained_by_class, recording, tmp_path, quick, capsys):
    stored = made(trained_by_class, tmp_path / "out", "--like", recording, "--n", "3", "--spread", "0.1")
    assert len(list((tmp_path / "out").glob("*.wav"))) == 3
    moved = np.abs(stored["latents"] - stored["latents"][0]).max(axis=1)
    assert moved[0] == 0 and 0 < moved[1] < 0.11 and 0 < moved[2] < 0.11
    assert (stored["classes"] == stored["classes"][0]).all()
    shown = capsys.readouterr()
    assert "around my drum.wav, spread 0.1, seed " in shown.out
    assert "my drum.wav: the nearest sound is " in shown.out and "looking for what is nearest to" in shown.err
    again = made(trained_by_class, tmp_path / "again", "--like", recording, "--n", "1", "--class", "tom")
    assert [path.name for path in (tmp_path / "again").glob("*.wav")] == ["000-tom.wav"]
    assert again["latents"].shape == (1, 100)


def test_interpolate_goes_from_a_recording_to_a_saved_sound(trained, recording, tmp_path, quick):
    saved = made(trained, tmp_path / "saved", "--n", "2", "--seed", "1")
    like = made(trained, tmp_path / "like", "--like", recording, "--n", "1")
    way = made(trained, tmp_path / "way", "--interpolate", recording, tmp_path / "saved" / "001.wav", "--steps", "3")
    np.testing.assert_array_equal(way["latents"][[0, 2]], [like["latents"][0], saved["latents"][1]])


def test_interpolate_goes_from_one_recording_to_another(trained, recording, tmp_path, quick, capsys):
    other = tmp_path / "other.wav"
    soundfile.write(other, 0.3 * np.sin(2 * np.pi * 900 * np.arange(1024) / 4000), 4000)
    ends = [
        made(trained, tmp_path / each.stem, "--like", each, "--n", "1")["latents"][0] for each in (recording, other)
    ]
    assert not np.array_equal(*ends)
    capsys.readouterr()
    way = made(trained, tmp_path / "way", "--interpolate", recording, other, "--n", "4")
    assert len(way["latents"]) == 4
    np.testing.assert_array_equal(way["latents"][[0, 3]], ends)
    shown = capsys.readouterr()
    for name in ("my drum.wav", "other.wav"):
        assert f"{name}: the nearest sound is " in shown.out and f"searching for {name}" in shown.err


@pytest.mark.parametrize("flag", ["--like", "--interpolate"])
def test_a_recording_that_says_nothing_is_one_line_before_anything_is_made(trained, tmp_path, capsys, flag):
    silent, broken = tmp_path / "silent.wav", tmp_path / "broken.mp3"
    soundfile.write(silent, np.zeros(9000), 8000)
    broken.write_bytes(b"no sound at all" * 100)
    for path, reason in ((silent, "it is silent"), (broken, "not readable as audio")):
        words = [path] if flag == "--like" else [path, "3"]
        code = generate_command.main(["--run", str(trained), "--out", str(tmp_path / "x"), flag, *map(str, words)])
        (line,) = capsys.readouterr().err.splitlines()
        assert code == 2 and line.startswith(f"error: {path} cannot be used as a recording: {reason}")
    assert not (tmp_path / "x").exists()
