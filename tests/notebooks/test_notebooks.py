"""The notebooks run from the first cell to the last, and show what their cells make today."""

import ast
import base64
import html
import io
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import soundfile

from notebooks.execute import SETTINGS, code_cells, executed, stale
from tests.chromium import started
from tests.conftest import SHARED_DATA

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = SHARED_DATA / "speech_commands_v0.01_sample.tar.gz"
SPEECH, YOURS = (ROOT / "notebooks" / f"{name}.ipynb" for name in ("speech_commands", "your_sounds"))
LARGEST = 1_000_000  # bytes
PLAYER = re.compile(r'src="data:audio/flac;base64,([^"]+)"')
MACHINES = re.compile(r"(?<![\w.])/(?:work|tmp|home|root|Users)/")  # folders of one machine

# The 300 clips of Speech Commands where they are, or else the built-in kit.
SOURCE, DIGITS = (str(SAMPLE), "digits") if SAMPLE.is_file() else ("drums", "kick,snare,tom,clap")
FEW_LOOKS = ["from wavegan.evaluation.judge import classifier", "classifier.FEWEST_LOOKS = classifier.MOST_LOOKS = 640"]
QUICK = {
    SPEECH: [
        f"SOURCE, WORDS = {SOURCE!r}, ({DIGITS!r},)",
        "SAMPLE_RATE, MODEL_DIM, STEPS, EPOCHS, SCORED = 4000, 2, 4, 2, 50",
        *FEW_LOOKS,
    ],
    YOURS: [
        f"SOUNDS, PREPARE = {SOURCE!r}, '--sample-rate 4000 --length 1024 --slices first --classes {DIGITS}'",
        "TRAIN = '--preset tiny --model-dim 2 --precision float32 --steps 4'",
        *FEW_LOOKS,
    ],
}
PLAYABLE = """
const [done] = arguments
const length = (player) => new Promise((resolve) => {
  const tell = () => resolve(player.duration || 0)
  if (player.readyState) return tell()
  player.addEventListener("loadedmetadata", tell)
  player.addEventListener("error", tell, true)
  player.preload = "metadata"
  player.load()
})
Promise.all([...document.querySelectorAll("audio")].map(length)).then(done)
"""  # how long each sound is, in seconds
STYLE = "img { max-width: 100% } audio { width: 7.5em } pre { white-space: pre-wrap }"  # nearly as Jupyter shows them
both = pytest.mark.parametrize("path", [SPEECH, YOURS], ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def kinds(cell):
    """What a cell shows: text, pictures, players. Not what it says of its progress."""
    shown = set()
    for output in cell.outputs:
        shown |= {output.name} if output.output_type == "stream" else set(output.get("data", {}))
    return shown - {"stderr", "text/plain"}


def outputs(path):
    """All texts that are kept as outputs."""
    for cell in code_cells(read(path)):
        for output in cell.outputs:
            yield output.get("text", "")
            yield from (value for kind, value in output.get("data", {}).items() if kind.startswith("text/"))


@both
def test_every_cell_runs_and_shows_what_is_kept_of_it(path, tmp_path):
    """magenta/magenta issue 2079 and RAVE issue 223: notebooks that no longer run."""
    fresh, kept = (code_cells(each) for each in (executed(path, tmp_path, QUICK[path]), read(path)))
    assert [kinds(cell) for cell in fresh] == [kinds(cell) for cell in kept]
    assert {"image/png", "text/html", "stdout"} <= set().union(*map(kinds, fresh))


@both
def test_no_output_is_older_than_its_cell(path):
    """After a change: python notebooks/execute.py, which docs/notebooks.md explains."""
    notebook = read(path)
    assert stale(notebook) == []
    assert not [output for cell in code_cells(notebook) for output in cell.outputs if output.output_type == "error"]


@both
def test_a_cell_that_was_changed_is_told(path):
    notebook = read(path)
    code_cells(notebook)[2].source += "\n# changed"
    code_cells(notebook)[4].execution_count = None
    assert stale(notebook) == [code_cells(notebook)[number].source.splitlines()[0] for number in (2, 4)]


@both
def test_what_tests_and_people_set_are_settings_of_the_notebook(path):
    (cell,) = [cell for cell in code_cells(read(path)) if SETTINGS in cell.metadata.get("tags", ())]

    def assigned(source):
        names = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)]
        return {name.id for name in names if isinstance(name.ctx, ast.Store)}

    assert assigned("\n".join(QUICK[path])) <= assigned(cell.source)


@both
def test_it_is_small_and_names_no_folder_of_a_machine(path):
    assert path.stat().st_size <= LARGEST
    assert not [text for text in outputs(path) if MACHINES.search(text)]


@both
def test_its_players_have_sound(path):
    sounds = [io.BytesIO(base64.b64decode(text)) for html in outputs(path) for text in PLAYER.findall(html)]
    assert len(sounds) >= 20
    for sound in sounds:
        audio, rate = soundfile.read(sound)
        assert rate == 8000 and np.abs(audio).max() > 0.001


def shown(cell):
    """A code cell and what is kept of its output as HTML."""
    parts = [f"<pre style='background: #f4f4f4; padding: 1em'>{html.escape(cell.source)}</pre>"]
    for output in cell.outputs:
        data = output.get("data", {})
        if "image/png" in data:
            parts.append(f'<img src="data:image/png;base64,{data["image/png"]}">')
        elif "text/html" in data:
            parts.append(data["text/html"])
        else:
            parts.append(f"<pre>{html.escape(output.get('text') or data.get('text/plain', ''))}</pre>")
    return "\n".join(parts)


@pytest.fixture(scope="module")
def browser():
    yield from started()


@both
def test_a_browser_shows_its_pictures_and_can_play_its_sounds(path, tmp_path, browser):
    page = tmp_path / "notebook.html"
    cells = "\n".join(map(shown, code_cells(read(path))))
    page.write_text(f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{cells}", encoding="utf-8")
    browser.width(980, 680)
    browser.get(page.as_uri())
    pictures = browser.execute_script("return [...document.images].map((one) => one.naturalWidth)")
    sounds = browser.execute_async_script(PLAYABLE)
    assert pictures and min(pictures) > 300
    assert len(sounds) >= 20 and min(sounds) > 0.2
    browser.execute_script("document.images[0].scrollIntoView({block: 'end'})")
    browser.keep(f"notebook-{path.stem}")


@both
def test_files_that_it_names_exist(path):
    prose = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")
    named = re.findall(r"`((?:wavegan|preprocess)/[\w./]+\.\w+)`", prose)
    assert all((ROOT / name).is_file() for name in named)


def test_your_sounds_has_ten_cells():
    notebook = read(YOURS)
    assert len(code_cells(notebook)) == 10
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert re.findall(r"\*\*(\d+)\.", prose) == [str(number) for number in range(1, 11)]
