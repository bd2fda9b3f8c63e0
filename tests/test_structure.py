"""The rooms and the one way between them: who may import what."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BACKENDS = {"tensorflow", "jax", "torch"}


def imports(path):
    """The top names of all modules a file imports, anywhere in it, and `wavegan.x` whole."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {
                f"{node.module}.{alias.name}" if node.module == "wavegan" else node.module for alias in node.names
            }
    return {name if name.startswith("wavegan") else name.split(".")[0] for name in names}


def test_preprocess_imports_nothing_from_wavegan():
    for path in (ROOT / "preprocess").glob("*.py"):
        assert not any(name.startswith("wavegan") for name in imports(path)), path.name


@pytest.mark.parametrize(
    ("room", "allowed"),
    [
        ("layers", {"keras"}),
        ("losses", {"keras"}),
        ("models", {"keras", "wavegan.layers"}),
        ("latents", {"dataclasses", "numpy", "secrets", "wavegan.saved"}),
        ("synthesis", {"keras", "numpy", "wavegan.autodiff"}),
        ("training", {"keras", "numpy", "wavegan.autodiff", "wavegan.losses", "wavegan.models"}),
    ],
)
def test_the_networks_know_no_backend(room, allowed):
    assert imports(ROOT / "wavegan" / f"{room}.py") <= allowed


@pytest.mark.parametrize("room", ["arrays", "neighbours", "scores"])
def test_the_scores_need_arrays_and_nothing_else(room):
    allowed = {"numpy", "scipy", "sklearn", "threadpoolctl"}
    names = imports(ROOT / "wavegan" / "evaluation" / f"{room}.py")
    assert {name for name in names if not name.startswith("wavegan.evaluation")} <= allowed


def test_one_file_knows_what_a_backend_is():
    """TensorFlow also reads records and writes events, whatever computes."""
    readers_and_writers = {"dataset.py", "events.py", "monitoring.py"}
    for path in [*(ROOT / "wavegan").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]:
        backends = imports(path) & BACKENDS
        if path.name != "autodiff.py":
            assert "jax" not in backends, path.name
            assert "keras.backend" not in path.read_text(encoding="utf-8"), path.name
            assert "BACKEND" not in path.read_text(encoding="utf-8") or path.name == "measure.py", path.name
        if path.parent.name == "wavegan" and path.name not in {"autodiff.py", *readers_and_writers}:
            assert not backends, path.name


def test_root_scripts_and_config_leave_heavy_imports_to_their_functions():
    for path in [*ROOT.glob("*.py"), ROOT / "wavegan" / "config.py", ROOT / "preprocess" / "__main__.py"]:
        top = ast.Module([node for node in ast.parse(path.read_text(encoding="utf-8")).body], [])
        for node in top.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
                assert module.split(".")[0] not in BACKENDS | {"keras", "librosa", "matplotlib"}, path.name


def test_nothing_is_skipped_over_in_silence():
    """No bare except, no swallowed errors: DD retries bad files at random, for ever."""
    for path in [*ROOT.glob("*.py"), *(ROOT / "wavegan").rglob("*.py"), *(ROOT / "preprocess").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, path.name
