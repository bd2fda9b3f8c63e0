"""Loading executes nothing: neither a checkpoint, nor latents, nor settings can name code."""

import ast
import hashlib
import io
import json
import pickle
import zipfile
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from wavegan.base.errors import UserError
from wavegan.base.files import json_checksum
from wavegan.cli import generate as generate_command
from wavegan.models.family import family_named
from wavegan.models.gan.family import GAN
from wavegan.runs.config import Config, Data, Training
from wavegan.runs.flags import resolve
from wavegan.runs.run import Run

ROOT = Path(__file__).resolve().parents[2]
EXECUTED = []


def execute(what):
    EXECUTED.append(what)


class Trap:
    """Whoever unpickles it calls `execute`."""

    def __reduce__(self):
        return execute, ("a pickle was loaded",)


@pytest.fixture(autouse=True)
def nothing_executed():
    EXECUTED.clear()
    yield
    assert EXECUTED == []


def trapped_array():
    """A .npy file's bytes, whose one element is a trap."""
    file = io.BytesIO()
    np.save(file, np.array([Trap()], object), allow_pickle=True)
    return file.getvalue()


def plant(path, member):
    """Puts the trap into a .npz file, as the array `member`, in the place of one of that name."""
    with zipfile.ZipFile(path) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in (held | {f"{member}.npy": trapped_array()}).items():
            archive.writestr(name, content)
    seal(path)


def seal(path):
    """Whoever plants a pickle can also write the size and the checksum that lie beside a checkpoint."""
    beside = path.with_suffix(".json")
    if beside.exists():
        content = path.read_bytes()
        facts = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        beside.write_text(json.dumps(json.loads(beside.read_text()) | facts))


def test_the_trap_works():
    np.load(io.BytesIO(trapped_array()), allow_pickle=True)
    assert EXECUTED == ["a pickle was loaded"]
    EXECUTED.clear()


@pytest.fixture
def run(tmp_path):
    run = Run(tmp_path / "run")
    run.create(resolve({}, GAN, gpu=True))
    run.save(3, {"generator/kernel": np.ones(4), "critic/kernel": np.ones(4)})
    return run


@pytest.mark.parametrize("member", ["generator/kernel", "generator/another"])
def test_a_pickle_in_a_checkpoint_is_refused(run, member):
    plant(run.checkpoint_path(3), member)
    with pytest.raises(UserError, match="step-00000003.npz is damaged"):
        run.load(3)


def test_a_pickle_in_the_place_of_a_checkpoint_is_refused(run):
    run.checkpoint_path(3).write_bytes(pickle.dumps(Trap()))
    seal(run.checkpoint_path(3))
    with pytest.raises(UserError, match="step-00000003.npz is damaged"):
        run.load(3)


def test_the_generate_command_refuses_a_pickle_without_a_traceback(run, capsys):
    plant(run.checkpoint_path(3), "generator/kernel")
    assert generate_command.main(["--run", str(run.path), "--n", "1"]) == 2
    complaint = capsys.readouterr().err
    assert complaint.splitlines()[-1].startswith("error: ") and "Traceback" not in complaint


def test_latents_are_numbers_that_load_without_pickle(trained, tmp_path):
    stored = trained / "preview_latents.npz"
    assert np.load(stored, allow_pickle=False)["latents"].dtype == np.float32
    path = tmp_path / "latents.npz"
    path.write_bytes(stored.read_bytes())
    plant(path, "latents")
    with pytest.raises(ValueError, match="allow_pickle=False"):
        np.load(path)["latents"]


@pytest.mark.parametrize(
    "change",
    [
        {"class_name": "WaveGAN"},
        {"module": "os", "registered_name": "system"},
        {"__reduce__": ["os.system", "true"]},
        {"__class__": "os.system"},
        {"preset": {"class_name": "__lambda__", "config": {"value": "os.system"}}},
        {"preset": "os.system"},
        {"precision": "os:system"},
        {"model_dim": "__import__('os').getpid()"},
        {"seed": {"class_name": "function", "config": "os.getpid"}},
    ],
)
def test_config_json_can_name_no_class_and_no_code(tmp_path, change):
    resolve({}, GAN, gpu=True).save(tmp_path / "config.json")
    values = json.loads((tmp_path / "config.json").read_text())
    for name, value in change.items():
        group = next((group for group in (values["training"], values["model"]) if name in group), values)
        group[name] = value
    (tmp_path / "config.json").write_text(json.dumps(values | {"checksum": json_checksum(values)}))
    with pytest.raises(UserError, match="config.json cannot be used"):
        Config.load(tmp_path / "config.json")


def test_every_text_in_config_json_is_a_choice_or_says_where_a_run_comes_from():
    groups = (Config, Data, Training, GAN.Settings)
    texts = {spec.name: spec for group in groups for spec in fields(group) if spec.type is str}
    free = {name for name, spec in texts.items() if not spec.metadata.get("choices")}
    assert free == {"directory", "fingerprint", "finetuned_from", "family", "preset"}
    for name in ("family", "preset"):  # both are looked up by name
        with pytest.raises(UserError, match="must be one of"):
            resolve({"preset": "os.system"}, GAN, gpu=True) if name == "preset" else family_named("os.system")


def test_nothing_in_the_sources_can_turn_data_into_code():
    forbidden = {"eval", "exec", "compile", "__import__", "load_model", "deserialize", "deserialize_keras_object"}
    forbidden |= {"from_config", "enable_unsafe_deserialization", "load_module", "run_path"}
    modules = {"pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "runpy"}
    for path in [*ROOT.glob("*.py"), *(ROOT / "wavegan").rglob("*.py"), *(ROOT / "preprocess").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
                assert not {name.split(".")[0] for name in names} & modules, f"{path.name}:{node.lineno}"
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", None))
                if called == "compile" and isinstance(node.func, ast.Attribute):
                    continue  # of `re` or a model: takes no source text
                if called == "deserialize_keras_object" and path.name == "model.py":
                    continue  # `WaveGAN.from_config`, for people who clone a model; no command calls it
                assert called not in forbidden, f"{path.name}:{node.lineno} calls {called}"
                if isinstance(node.func, ast.Attribute) and called == "load" and ast.unparse(node.func) == "np.load":
                    assert "allow_pickle=False" in ast.unparse(node), f"{path.name}:{node.lineno}"
