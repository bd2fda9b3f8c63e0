"""The pages agree with the program: the flags, files and sections that they name exist, and the example runs."""

import re
import shlex
import shutil
from functools import partial
from pathlib import Path

import pytest

import wavegan
from benchmarks import __main__ as benchmarks
from benchmarks.quality import FAMILIES
from notebooks import execute
from wavegan.cli import evaluate, export, generate, preprocess, train
from wavegan.models.family import BUILT_IN, family_named

ROOT = Path(__file__).resolve().parents[1]
CARDS = (ROOT / "wavegan" / "pretrained").glob("*/README.md")
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *CARDS])
FOREIGN = {"--logdir", "--samples_per_plugin", "--check", "--no-deps"}  # TensorBoard's, ruff's, pip's
# Beam's
FOREIGN |= {"--direct_num_workers", "--direct_running_mode", "--environment_config", "--environment_type"}
FOREIGN |= {"--flink_master", "--job_endpoint", "--max_num_workers", "--parallelism", "--project", "--region"}
FOREIGN |= {"--sdk_container_image", "--spark_master_url", "--temp_location", "--artifact_endpoint", "--machine_type"}
FOREIGN |= {"--nodes", "--ntasks-per-node", "--gres", "--cpus-per-task"}  # Slurm's
OURS = re.compile(r"`((?:wavegan|preprocess|tests|benchmarks|docs)/[\w./-]+\.\w+)")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())


def anchors(path):
    """GitHub's anchors of a page's headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not link.startswith("http"):
            file, _, anchor = link.partition("#")
            target = (page.parent / file) if file else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


@pages
def test_flags_exist(page):
    ours = [
        *map(train.parser, map(family_named, BUILT_IN)),
        generate.parser(),
        evaluate.parser(),
        export.parser(),
        preprocess._parser("preprocess"),
    ]
    known = {flag for parser in ours for action in parser._actions for flag in action.option_strings} | FOREIGN
    for path in (ROOT / "benchmarks").rglob("*.py"):
        known |= set(re.findall(r'"(--[a-z][\w-]*)"', path.read_text(encoding="utf-8")))
    named = set(re.findall(r"(?<![\w-])--[a-z][\w-]*", page.read_text(encoding="utf-8")))
    assert named - known == set()


def commands(page):
    """What a page says to type, in blocks and in lines, [[word, …]]; without what has gaps for a person to fill."""
    text = page.read_text(encoding="utf-8")
    fenced = re.compile(r"^```.*?\n(.*?)^```", re.MULTILINE | re.DOTALL)
    lines = [line for block in fenced.findall(text) for line in block.splitlines()]
    spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", fenced.sub("", text))]
    typed = [shlex.split(line, comments=True) for line in (*lines, *spans) if re.match(r"(python|make) [\w-]", line)]
    return [words for words in typed if not any(gap in word for word in words for gap in "…[]")]


@pages
def test_commands_are_understood(page):
    ours = {name: partial(train.parser, family_named(family)) for name, family in FAMILIES.items()}
    ours |= {"generate.py": generate.parser, "evaluate.py": evaluate.parser}
    ours |= {"export.py": export.parser, "notebooks/execute.py": execute.parser}
    ours |= {"preprocess": partial(preprocess._parser, "preprocess"), "benchmarks": benchmarks.parser}
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for words in commands(page):
        if words[0] == "make":
            assert set(words[1:]) <= set(targets), words
            continue
        name, *arguments = words[2:] if words[1] == "-m" else words[1:]
        if name in ours and "--help" not in arguments and (arguments or words[1] != "-m"):  # alone it is a name
            ours[name]().parse_args(arguments)
        assert name in (*ours, "pip", "pytest"), words


@pages
def test_files_exist(page):
    for name in OURS.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / name).is_file(), name


def test_the_readme_is_one_screen_a_topic():
    assert len((ROOT / "README.md").read_bytes()) <= 9000


def test_the_citation_is_of_this_version():
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {wavegan.__version__}" in lines


def test_the_map_has_every_module():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([^`]+)` \|", page, re.MULTILINE))
    modules = [*(ROOT / "wavegan").rglob("*.py"), *(ROOT / "preprocess").rglob("*.py")]
    missing = {path.relative_to(ROOT).as_posix() for path in modules if path.name != "__init__.py"} - named
    assert missing == set()


def test_the_library_example_runs(drums, tmp_path, monkeypatch):
    import keras

    page = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    code = page.split("```python\n")[1].split("```")[0]
    for whole, small in {
        "steps_per_epoch=1000, epochs=10": "steps_per_epoch=1, epochs=1, verbose=0",
        "build_generator(info.length": "build_generator(info.length, model_dim=2",
        "build_critic(info.length": "build_critic(info.length, model_dim=2",
    }.items():
        assert whole in code
        code = code.replace(whole, small)
    shutil.copytree(drums, tmp_path / "data" / "mine")
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(code, names)
    assert isinstance(names["gan"], keras.Model) and names["gan"].step == 1
