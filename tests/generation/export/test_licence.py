"""What is made of a run goes out with the licence of the run."""

import json
import shutil
import zipfile

import onnx
import pytest

from wavegan.cli import export as export_command
from wavegan.runs.run import Run

SAID = 'Learned from "Calls & Cries" by A. Finch, CC BY 4.0 (https://creativecommons.org/licenses/by/4.0/).'


@pytest.fixture
def licensed(trained_by_class, tmp_path):
    """A run whose licence.txt a person wrote, on two lines."""
    run = Run(shutil.copytree(trained_by_class, tmp_path / "finches"))
    run.licence_path.write_text(SAID.replace("by A.", "by\r\nA."), encoding="utf-8")
    return run


def exported(run, *words):
    out = run.path.parent / "out"
    assert export_command.main(["--run", str(run.path), "--out", str(out), "--format", *words]) == 0
    return out


def test_a_page_says_it_at_its_end(licensed):
    text = exported(licensed, "web").read_text(encoding="utf-8")
    (said,) = [line for line in text.splitlines() if line.startswith("<footer")]
    assert said.endswith(f"{SAID.replace('&', '&amp;').replace(chr(34), '&#34;')}</footer>")


def test_a_file_for_other_runtimes_has_it_among_its_facts(licensed):
    facts = {each.key: each.value for each in onnx.load(exported(licensed, "onnx")).metadata_props}
    assert facts["licence"] == SAID


def test_a_folder_for_other_runtimes_has_it_among_its_facts(licensed):
    facts = json.loads((exported(licensed, "savedmodel") / "facts.json").read_text(encoding="utf-8"))
    assert facts["licence"] == SAID


def test_a_kit_has_it_as_a_file_in_the_folder_and_in_the_zip(licensed):
    folder = exported(licensed, "kit", "--n", "1")
    assert (folder / "licence.txt").read_text(encoding="utf-8") == f"{SAID}\n"
    assert zipfile.ZipFile(folder / "finches.zip").read("finches/licence.txt").decode() == f"{SAID}\n"


@pytest.mark.parametrize("kind", ["web", "onnx", "kit"])
def test_one_that_is_no_text_is_one_line_and_nothing_is_made(kind, licensed, capsys):
    licensed.licence_path.write_bytes(b"\xff\xfe\x00 no UTF-8")
    out = licensed.path.parent / "out"
    assert export_command.main(["--run", str(licensed.path), "--out", str(out), "--format", kind]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and "licence.txt cannot be read" in line and "Expected text in UTF-8" in line
    assert not out.exists()
