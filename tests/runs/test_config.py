import argparse
import json
from dataclasses import asdict, replace

import pytest

from wavegan.base.errors import UserError
from wavegan.base.files import json_checksum
from wavegan.models.diffusion.family import DIFFUSION
from wavegan.models.gan.family import GAN
from wavegan.models.gan.settings import PRESETS
from wavegan.runs.config import Config
from wavegan.runs.flags import add_flags, continued, finetuned, given_flags, resolve

AUDIO = {"sample_rate": 16000, "length": 16384, "channels": 1}


def flags(*words):
    parser = argparse.ArgumentParser()
    add_flags(parser, GAN)
    return given_flags(parser.parse_args(words), GAN)


def test_the_preset_paper_is_the_papers():
    """Donahue et al., arXiv 1802.04208, table 2, section 4 and appendix D; Gulrajani et al., arXiv 1704.00028."""
    classes = {"kick": 10, "snare": 10}
    config = resolve({"preset": "paper"}, GAN, gpu=True, fast_bfloat16=True, **AUDIO, classes=classes)
    assert asdict(config.model) == {
        "model_dim": 64, "kernel_length": 25, "latent_size": 100, "networks": "paper", "sound_gain": "no",
        "conditional": "no", "spectral_window": 0, "phase_shuffle": 2, "loss": "wgan-gp", "critic_updates": 5,
        "penalty_weight": 10.0, "spectral_penalty_weight": 10.0, "penalty_every": 1, "critic_learning_rate": 1e-4,
        "generator_learning_rate": 1e-4, "learning_rate_end": 1.0, "ema": 0.0,
    }  # fmt: skip
    training = config.training
    assert (training.batch_size, training.steps, training.precision) == (64, 200_000, "float32")
    gan = config.changed({"length": 256, "model_dim": 2}).build_model()
    for optimizer in (gan.critic_optimizer, gan.optimizer):
        assert type(optimizer).__name__ == "Adam" and float(optimizer.learning_rate) == pytest.approx(1e-4)
        assert (optimizer.beta_1, optimizer.beta_2) == (0.5, 0.9)
    assert [critic.network.name for critic in gan.critics] == ["critic"] and gan.losses_of.penalised == "between"
    assert gan.critics[0].penalty_weight == 10.0 and gan.averaged_generator is gan.generator


def test_auto_means_paper_on_a_gpu_and_small_without():
    assert resolve({}, GAN, gpu=True, **AUDIO).training.preset == "paper"
    assert resolve({}, GAN, gpu=False, **AUDIO).training.preset == "small"
    assert resolve({"preset": "auto"}, GAN, gpu=True, **AUDIO).model.model_dim == 64


def test_every_preset_is_a_valid_configuration():
    for preset in PRESETS:
        assert resolve({"preset": preset}, GAN, gpu=False, **AUDIO).training.preset == preset


def test_a_typed_flag_wins_over_the_preset():
    given = flags("--preset", "tiny", "--model-dim", "12")
    assert given == {"preset": "tiny", "model_dim": 12}
    config = resolve(given, GAN, gpu=False, **AUDIO)
    assert config.model.model_dim == 12
    assert config.training.batch_size == PRESETS["tiny"]["batch_size"]


def test_every_setting_has_a_flag_with_help():
    parser = argparse.ArgumentParser()
    add_flags(parser, GAN)
    text = parser.format_help()
    for name in (
        "--batch-size",
        "--model-dim",
        "--penalty-weight",
        "--phase-shuffle",
        "--seed",
        "--ema",
        "--preview-every",
    ):
        assert name in text


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"batch_size": 0}, "--batch-size must be 1 or more. Received: 0"),
        ({"penalty_weight": -1.0}, "--penalty-weight must be 0 or more"),
        ({"critic_learning_rate": float("nan")}, "--critic-learning-rate must be"),
        ({"generator_learning_rate": float("inf")}, "--generator-learning-rate must be"),
        ({"phase_shuffle": 17}, "--phase-shuffle must be 16 or less. Received: 17"),
        ({"kernel_length": 3}, "--kernel-length must be 4 or more"),
        ({"steps": "many"}, "--steps must be of type int. Received: 'many'"),
    ],
)
def test_a_value_out_of_range_names_its_flag(given, complaint):
    with pytest.raises(UserError, match=complaint):
        resolve(given, GAN, gpu=False, **AUDIO)


def test_settings_come_back_from_their_file(tmp_path):
    config = resolve({"preset": "tiny", "seed": 7}, GAN, gpu=False, **AUDIO)
    config.save(tmp_path / "config.json")
    assert Config.load(tmp_path / "config.json") == config


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": 3}',
        '{"format": 1, "colour": 3}',
        '{"format": 1, "steps": 0}',
        '{"format": 2, "family": "gan"}',
    ],
)
def test_a_settings_file_that_cannot_be_used_is_named(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UserError, match="config.json cannot be used"):
        Config.load(path)


def test_settings_edited_by_hand_are_reported(tmp_path):
    """A sample rate, say, that sounds would silently be written with."""
    path = tmp_path / "config.json"
    resolve({"preset": "tiny"}, GAN, gpu=False, **AUDIO).save(path)
    path.write_text(path.read_text().replace('"channels": 1', '"channels": 2'))
    with pytest.raises(UserError, match="config.json cannot be used: it was edited by hand.*Restore it"):
        Config.load(path)


def test_a_run_may_get_more_steps_but_keeps_its_model():
    stored = resolve({"preset": "tiny"}, GAN, gpu=False, **AUDIO)
    assert continued(stored, {"steps": 5000, "preset": "auto"}).training.steps == 5000
    assert continued(stored, {"model_dim": stored.model.model_dim}) == stored
    with pytest.raises(UserError, match="--model-dim was 16 when this run was made. Received: 9"):
        continued(stored, {"model_dim": 9})
    with pytest.raises(UserError, match="--preset was tiny when this run was made. Received: small"):
        continued(stored, {"preset": "small"})


def test_a_run_may_go_on_in_another_precision():
    stored = resolve({"preset": "tiny"}, GAN, gpu=False, **AUDIO)
    assert stored.training.precision == "float32"
    assert continued(stored, {"precision": "bfloat16"}).training.precision == "bfloat16"
    with pytest.raises(UserError, match="--precision must be one of auto, float32, bfloat16. Received: float16"):
        resolve({"precision": "float16"}, GAN, gpu=False, **AUDIO)


def sealed(path, values):
    """Write {name: value} with the checksum that makes it a file of the program's own."""
    path.write_text(json.dumps(values | {"checksum": json_checksum(values)}))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda values: values["training"].pop("steps"), None),
        (lambda values: values["training"].update(steps=0), "--steps must be 1 or more. Received: 0"),
        (lambda values: values["training"].update(colour=3), "unexpected keyword argument 'colour'"),
        (lambda values: values["model"].update(ema=2.0), "--ema must be 1 or less. Received: 2.0"),
        (lambda values: values.pop("model"), "'model' is missing"),
        (lambda values: values.update(family="vae"), "the model family must be one of .*gan.*. Received: vae"),
        (
            lambda values: values["training"].update(preset="huge"),
            "--preset must be one of auto, paper.*Received: huge",
        ),
        (lambda values: values["data"].update(length=1000), "length must be 16 × a power of two.*Received: 1000"),
        (lambda values: values.update(finetuned_from=3), "finetuned_from must be a text. Received: 3"),
    ],
)
def test_a_settings_file_with_impossible_values_says_which(tmp_path, change, complaint):
    path = tmp_path / "config.json"
    resolve({"preset": "tiny"}, GAN, gpu=False, **AUDIO).save(path)
    values = json.loads(path.read_text())
    del values["checksum"]
    change(values)
    sealed(path, values)
    if complaint is None:  # a setting that a version before did not have
        assert Config.load(path).training.steps == 200_000
        return
    with pytest.raises(UserError, match=f"config.json cannot be used: .*{complaint}"):
        Config.load(path)


def test_settings_lie_in_groups_and_versions_beside_them(tmp_path):
    path = tmp_path / "config.json"
    config = resolve({"preset": "tiny"}, GAN, gpu=False, **AUDIO)
    replace(config, made_with={"keras": "3.15.1"}).save(path)
    stored = json.loads(path.read_text())
    assert list(stored) == ["format", "family", "data", "training", "model", "finetuned_from", "made_with", "checksum"]
    assert (stored["format"], stored["family"], stored["made_with"]) == (2, "gan", {"keras": "3.15.1"})
    assert Config.load(path) == config  # what made a run is no setting of it
    assert config.flat()["data"] == "" and config.flat()["model_dim"] == 16


def test_a_rate_whose_spectrograms_have_other_bands_cannot_be_started_from():
    """A WaveGAN knows samples alone, and starts from any rate."""
    for family, fits in ((GAN, True), (DIFFUSION, False)):
        config = resolve({"preset": "small"}, family, gpu=False, **AUDIO)
        other = replace(config.data, sample_rate=8000)
        if fits:
            assert finetuned(config, {}, other).data == other
        else:
            with pytest.raises(UserError, match="the run to start from at 16000 Hz: .*with --sample-rate 16000"):
                finetuned(config, {}, other)


@pytest.mark.parametrize("folder", ["/home/ann/runs/", "C:\\Users\\ann\\runs\\", ""])
def test_what_others_see_of_the_settings_names_no_folder_of_this_machine(folder):
    config = resolve({"preset": "tiny"}, GAN, gpu=False, **AUDIO | {"directory": f"{folder}drums"})
    shown = replace(config, finetuned_from=f"{folder}first run, step 10").shown()
    assert (shown["data"], shown["finetuned_from"]) == ("drums", "first run, step 10")
    assert shown.keys() == config.flat().keys()


def test_flags_stand_in_the_groups_of_all_families_and_of_the_own_one():
    parser = argparse.ArgumentParser()
    add_flags(parser, GAN)
    shared, own = parser.format_help().split("training:")[1].split("WaveGAN:")
    assert "--batch-size" in shared and "--preset {auto,paper,small,tiny,large}" in shared and "--ema" not in shared
    assert "--ema" in own and "--critic-updates" in own and "--seed" not in own
