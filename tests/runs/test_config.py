import argparse
import json

import pytest

from wavegan.base.errors import UserError
from wavegan.base.files import json_checksum
from wavegan.runs.config import PRESETS, Config, add_flags, continued, given_flags, resolve

AUDIO = {"sample_rate": 16000, "length": 16384, "channels": 1}


def flags(*words):
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return given_flags(parser.parse_args(words))


def test_the_defaults_are_the_papers():
    """Donahue et al., table 2 and section 4."""
    config = Config()
    assert (config.model_dim, config.batch_size, config.latent_size, config.kernel_length) == (64, 64, 100, 25)
    assert (config.critic_updates, config.penalty_weight, config.phase_shuffle) == (5, 10.0, 2)
    assert config.critic_learning_rate == config.generator_learning_rate == 1e-4


def test_auto_means_paper_on_a_gpu_and_small_without():
    assert resolve({}, gpu=True, **AUDIO).preset == "paper"
    assert resolve({}, gpu=False, **AUDIO).preset == "small"
    assert resolve({"preset": "auto"}, gpu=True, **AUDIO).model_dim == 64


def test_every_preset_is_a_valid_configuration():
    for preset in PRESETS:
        assert resolve({"preset": preset}, gpu=False, **AUDIO).preset == preset


def test_a_typed_flag_wins_over_the_preset():
    given = flags("--preset", "tiny", "--model-dim", "12")
    assert given == {"preset": "tiny", "model_dim": 12}
    config = resolve(given, gpu=False, **AUDIO)
    assert config.model_dim == 12
    assert config.batch_size == PRESETS["tiny"]["batch_size"]


def test_every_setting_has_a_flag_with_help():
    parser = argparse.ArgumentParser()
    add_flags(parser)
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
        resolve(given, gpu=False, **AUDIO)


def test_settings_come_back_from_their_file(tmp_path):
    config = resolve({"preset": "tiny", "seed": 7}, gpu=False, **AUDIO)
    config.save(tmp_path / "config.json")
    assert Config.load(tmp_path / "config.json") == config


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": 2}',
        '{"format": 1, "colour": 3}',
        '{"format": 1, "steps": 0}',
    ],
)
def test_a_settings_file_that_cannot_be_used_is_named(tmp_path, text):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UserError, match="config.json cannot be used"):
        Config.load(path)


def test_settings_edited_by_hand_are_told(tmp_path):
    """A sample rate, say, that sounds would silently be written with."""
    path = tmp_path / "config.json"
    resolve({"preset": "tiny"}, gpu=False, **AUDIO).save(path)
    path.write_text(path.read_text().replace('"channels": 1', '"channels": 2'))
    with pytest.raises(UserError, match="config.json cannot be used: it was edited by hand.*Restore it"):
        Config.load(path)


def test_a_run_may_get_more_steps_but_keeps_its_model():
    stored = resolve({"preset": "tiny"}, gpu=False, **AUDIO)
    assert continued(stored, {"steps": 5000, "preset": "auto"}).steps == 5000
    assert continued(stored, {"model_dim": stored.model_dim}) == stored
    with pytest.raises(UserError, match="--model-dim was 16 when this run was made. Received: 9"):
        continued(stored, {"model_dim": 9})
    with pytest.raises(UserError, match="--preset was tiny when this run was made. Received: small"):
        continued(stored, {"preset": "small"})


def test_a_run_may_go_on_in_another_precision_which_older_runs_do_not_name(tmp_path):
    stored = resolve({"preset": "tiny"}, gpu=False, **AUDIO)
    assert stored.precision == "float32" and stored.dtype_policy == "float32"
    assert continued(stored, {"precision": "bfloat16"}).dtype_policy == "mixed_bfloat16"
    path = tmp_path / "config.json"
    stored.save(path)
    older = json.loads(path.read_text())
    del older["precision"]
    path.write_text(json.dumps(older | {"checksum": json_checksum(older)}))
    assert Config.load(path) == stored
    with pytest.raises(UserError, match="--precision must be one of float32, bfloat16. Received: float16"):
        resolve({"precision": "float16"}, gpu=False, **AUDIO)
