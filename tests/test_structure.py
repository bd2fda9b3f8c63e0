"""The layout: what each folder may import, and that nothing imports upwards, sideways or in a circle."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BACKENDS = {"tensorflow", "jax", "torch"}
HEAVY = BACKENDS | {"keras", "librosa", "matplotlib"}

# THE import rule: each package may import those on its right, and modules of its own.
MAY_IMPORT = {
    "wavegan.base": (),
    "wavegan.audio": ("wavegan.base",),
    "wavegan.backend": ("wavegan.base",),
    "wavegan.data": ("wavegan.base", "wavegan.audio", "wavegan.backend"),
    "wavegan.models": ("wavegan.base", "wavegan.audio", "wavegan.backend", "wavegan.data"),
    "preprocess": ("wavegan.base", "wavegan.audio", "wavegan.data"),
}
ROWS = ("wavegan.models", "wavegan.runs", "wavegan.generation", "wavegan.evaluation", "wavegan.training")
for lower, upper in zip(ROWS, ROWS[1:], strict=False):
    MAY_IMPORT[upper] = (*MAY_IMPORT[lower], lower)
MAY_IMPORT["wavegan.cli"] = (*MAY_IMPORT["wavegan.training"], "wavegan.training", "preprocess")
# A person's, for a command each.
ENTRIES = {
    "train_wavegan.py",
    "train_diffusion.py",
    "generate.py",
    "evaluate.py",
    "export.py",
    "preprocess/__main__.py",
}


def sources():
    """{dotted name: path} of all modules but the entries."""
    paths = [*(ROOT / "wavegan").rglob("*.py"), *(ROOT / "preprocess").rglob("*.py"), *ROOT.glob("*.py")]
    found = {path.relative_to(ROOT).as_posix(): path for path in paths}
    return {
        name.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path
        for name, path in found.items()
        if name not in ENTRIES
    }


SOURCES = sources()


def imports(path, only_top=False):
    """The dotted names of all modules a file imports, anywhere in it or at its top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in tree.body if only_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: imports name the whole module"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in SOURCES else node.module for name in names}
    return found


def package_of(module):
    """The package of the rule's table that `module` belongs to; None where there is none."""
    return next((name for name in MAY_IMPORT if module == name or module.startswith(f"{name}.")), None)


def ours(modules):
    return {module for module in modules if module.split(".")[0] in ("wavegan", "preprocess")}


def test_every_module_has_a_rule():
    packages = {"wavegan", *MAY_IMPORT}
    assert [name for name in SOURCES if package_of(name) is None and name not in packages] == []
    assert ours(imports(ROOT / "wavegan" / "__init__.py")) == set()


@pytest.mark.parametrize("module", [name for name in SOURCES if package_of(name)])
def test_nothing_imports_upwards_or_sideways(module):
    package = package_of(module)
    others = ours(imports(SOURCES[module])) - {"wavegan"}  # the version, and nothing else
    wrong = {name for name in others if package_of(name) not in (package, *MAY_IMPORT[package])}
    assert wrong == set()


def test_one_model_family_knows_nothing_of_another():
    folders = [path.name for path in (ROOT / "wavegan" / "models").iterdir() if (path / "__init__.py").exists()]
    assert folders
    for family in folders:
        for path in (ROOT / "wavegan" / "models" / family).rglob("*.py"):
            others = [f"wavegan.models.{other}" for other in folders if other != family]
            assert not [name for name in imports(path) if name.startswith(tuple(others))], path


def test_nothing_outside_a_family_knows_its_modules():
    """Whoever needs a family asks `models.family` for it by its name."""
    families = [path.parent for path in (ROOT / "wavegan" / "models").glob("*/family.py")]
    assert families
    for folder in families:
        own = f"wavegan.models.{folder.name}"
        outside = {name: path for name, path in SOURCES.items() if not name.startswith(own)}
        assert not {name for name, path in outside.items() for other in imports(path) if other.startswith(own)}


def test_no_imports_go_in_a_circle():
    graph = {name: ours(imports(path)) & SOURCES.keys() for name, path in SOURCES.items()}
    done, under_way = set(), []

    def visit(name):
        assert name not in under_way, f"a circle: {[*under_way[under_way.index(name) :], name]}"
        if name not in done:
            under_way.append(name)
            for other in sorted(graph[name]):
                visit(other)
            done.add(under_way.pop())

    for name in graph:
        visit(name)


def test_the_entries_are_three_lines_each():
    for name in ENTRIES:
        tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
        docstring, imported, guard = tree.body
        assert isinstance(docstring, ast.Expr) and isinstance(guard, ast.If), name
        assert isinstance(imported, ast.ImportFrom) and imported.module.startswith("wavegan.cli."), name


def test_networks_losses_and_steps_know_no_backend():
    """Models import only Keras and NumPy beside the project's own modules."""
    for path in (ROOT / "wavegan" / "models").rglob("*.py"):
        outside = {name.split(".")[0] for name in imports(path)} - {"wavegan"}
        assert outside <= {
            "collections",
            "dataclasses",
            "difflib",
            "functools",
            "importlib",
            "keras",
            "math",
            "numpy",
            "typing",
        }, path


def test_the_scores_need_arrays_and_nothing_else():
    for path in (ROOT / "wavegan" / "evaluation" / "scores").glob("*.py"):
        names = imports(path)
        assert {name for name in ours(names) if not name.startswith("wavegan.evaluation.scores")} == set(), path.name
        allowed = {"collections", "dataclasses", "numpy", "scipy", "sklearn", "threadpoolctl", "wavegan"}
        assert {name.split(".")[0] for name in names} <= allowed, path.name


def test_one_folder_knows_what_a_backend_is():
    """TensorFlow also reads records and writes events, whatever computes."""
    readers_and_writers = {"records.py", "batches.py", "schema.py", "events.py"}
    for path in [*(ROOT / "wavegan").rglob("*.py"), *(ROOT / "benchmarks").glob("*.py")]:
        if path.parent.name == "backend":
            continue
        backends = {name.split(".")[0] for name in imports(path)} & BACKENDS
        assert "jax" not in backends, path.name
        assert "keras.backend" not in path.read_text(encoding="utf-8"), path.name
        assert "BACKEND" not in path.read_text(encoding="utf-8") or path.name == "measure.py", path.name
        if path.parent.name != "benchmarks" and path.name not in readers_and_writers:
            assert not backends, path.name


def test_one_folder_imports_the_libraries_that_keep_caches():
    """It gives them a folder for these first, where the user has none that can be written."""
    for name, path in SOURCES.items():
        if not name.startswith("wavegan.audio."):
            assert not {module.split(".")[0] for module in imports(path)} & {"librosa", "matplotlib", "numba"}, name
        elif {"librosa", "matplotlib"} & {module.split(".")[0] for module in imports(path, only_top=True)}:
            pytest.fail(f"{name} imports them outside of caches_ready()")


def test_whatever_imports_keras_gives_it_the_settings_that_the_program_depends_on():
    """~/.keras/keras.json may say otherwise: channels first, another precision."""
    paths = SOURCES | {
        path.relative_to(ROOT).as_posix().removesuffix(".py").replace("/", "."): path
        for path in (ROOT / "benchmarks").rglob("*.py")
    }
    found = 0
    for name, path in paths.items():
        if "keras" in {module.split(".")[0] for module in imports(path, only_top=True)}:
            reached, left = set(), [path]
            while left:
                new = ({*imports(left.pop(), only_top=True)} & paths.keys()) - reached
                reached |= new
                left += [paths[other] for other in new]
            assert "wavegan.backend.start" in reached or name == "wavegan.backend.start", name
            found += 1
    assert found > 10


def test_commands_and_settings_leave_heavy_imports_to_their_functions():
    light = [name for name in SOURCES if name.startswith(("wavegan.cli", "wavegan.base"))]
    for name in [*light, "wavegan.runs.config", "wavegan.runs.run", "preprocess.options"]:
        assert not {module.split(".")[0] for module in imports(SOURCES[name], only_top=True)} & HEAVY, name


def test_all_that_is_printed_is_made_safe_for_a_terminal_in_one_place():
    """By `base.text`; `say` writes beside a progress bar, which is tqdm's."""
    printing = {}
    for name, path in SOURCES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in {"print", "tqdm.write"} or called.endswith(("stdout.write", "stderr.write")):
                printing.setdefault(name, []).append(ast.unparse(node.args[0]))
            passed = [*node.args, *(each.value for each in node.keywords)] if isinstance(node, ast.Call) else []
            assert not any(isinstance(each, ast.Name) and each.id == "print" for each in passed), name
    assert printing == {"wavegan.base.text": ["printable(line)"], "wavegan.training.callbacks": ["printable(line)"]}


def test_nothing_is_skipped_over_in_silence():
    """No bare except: Harmonai-org/sample-generator retries bad files at random, for ever."""
    for path in SOURCES.values():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                assert node.type is not None, path.name
