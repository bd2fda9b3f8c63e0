"""The pictures of docs/guide.md show what is in the event files."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from benchmarks.__main__ import main
from benchmarks.curves import draw, read, smoothed
from wavegan.runs.events import Events

TAGS = (
    "critic/wasserstein_distance", "critic/gradient_penalty", "generator/loss", "audio/rms_generated",
    "audio/rms_real", "audio/spread", "critic/gradient_norm", "generator/gradient_norm",
)  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """A run of 40 steps whose value at a step is the step, with a warning at step 30 and six scores elsewhere."""
    events = Events(tmp_path / "run")
    for step in range(10, 41, 10):
        with events.at(step):
            for tag in TAGS:
                tf.summary.scalar(tag, float(step))
            tf.summary.audio("generated/0", np.zeros((1, 64, 1), np.float32), 4000)
    events.text("warnings", "the generator has gone silent", 30)
    events.close()
    for name, value in {"generated": 0.5, "white noise": 99.0}.items():
        later = Events(tmp_path / "run" / "evaluation" / name)
        later.scalars({f"quality/score_{number}": value for number in range(6)}, 20)
        later.close()
    return tmp_path / "run"


def test_every_value_every_warning_and_the_scores_of_the_generated_sounds_are_read(run):
    curves, warnings = read(run)
    assert set(curves) == {*TAGS, *(f"quality/score_{number}" for number in range(6))}
    np.testing.assert_array_equal(curves["audio/spread"], [[10, 20, 30, 40], [10, 20, 30, 40]])
    np.testing.assert_array_equal(curves["quality/score_3"], [[20], [0.5]])
    assert warnings == [(30, "the generator has gone silent")]


def test_a_damaged_event_is_reported_and_the_others_are_read(run, capsys):
    (path,) = run.glob("events.*")
    content = bytearray(path.read_bytes())
    content[-6] ^= 1  # in the last event, the warning
    path.write_bytes(content)
    curves, warnings = read(run)
    assert len(curves["audio/spread"][0]) == 4 and warnings == []
    assert capsys.readouterr().err == f"warning: {path} is damaged; the curves lack some of its steps\n"


def test_the_panels_that_depend_on_family_and_loss_are_those_of_the_runs():
    scalars = (np.array([10, 20]), np.array([1.0, 2.0]))
    flow = {tag: scalars for tag in ("loss/all", "loss/quarter_1", "loss/quarter_4", "previews/spread")}
    figure = draw({"flow": (flow, [])})
    titles = [axes.get_title() for axes in figure.axes if axes.axison]
    assert titles == ["loss/all", "loss/quarter_1  (dashed: loss/quarter_2)", "previews/spread"]
    wgan = {tag: scalars for tag in TAGS}
    other = {tag: scalars for tag in (*TAGS[1:], "critic/score_difference", "spectral_critic/score_difference")}
    for runs, tags in ([wgan], ["wasserstein"]), ([other], ["score"]), ([wgan, other], ["wasserstein", "score"]):
        figure = draw({str(number): (curves, []) for number, curves in enumerate(runs)})
        titles = [axes.get_title() for axes in figure.axes if axes.axison]
        assert [title[7:].partition("_")[0] for title in titles[: len(tags)]] == tags
        assert len(titles) == 5 + len(tags)


def test_a_panel_has_every_value_thin_and_their_mean_thick_and_a_warning_is_upright(run):
    figure = draw({"one": read(run), "other": read(run)})
    panels = {axes.get_title(): axes for axes in figure.axes if axes.axison}
    assert len(figure.axes) == 12 and len(panels) == 6 + 4  # at most four scores
    assert "quality/score_3" in panels and "quality/score_4" not in panels
    norms = next(axes for title, axes in panels.items() if title.startswith("critic/gradient_norm"))
    assert norms.get_yscale() == "log" and panels["generator/loss"].get_yscale() == "linear"
    raw, mean, warning = panels["audio/spread  (dashed: audio/silent_generated)"].lines[:3]
    assert raw.get_linewidth() < mean.get_linewidth()
    np.testing.assert_array_equal(raw.get_xydata(), [[step, step] for step in (10, 20, 30, 40)])
    assert list(warning.get_xdata()) == [30, 30]
    rms = next(axes for title, axes in panels.items() if title.startswith("audio/rms"))
    assert [line.get_linestyle() for line in rms.lines[:4]] == ["-", "-", "-", "--"]
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == [
        w for name in ("one", "other") for w in (name, "warning at step 30: the generator has gone silent")
    ]


def test_a_run_that_was_never_warned_has_no_legend(run):
    curves, _ = read(run)
    assert draw({"run": (curves, [])}).legends == []


def test_the_mean_of_a_straight_line_is_that_line_but_at_its_ends():
    values = np.arange(100.0)
    np.testing.assert_allclose(smoothed(values)[5:-5], values[5:-5])
    np.testing.assert_allclose(smoothed(np.ones(100)), 1.0)
    assert smoothed(np.array([3.0])) == [3.0]


def test_the_commands_write_small_pictures(run, tmp_path, capsys):
    out = tmp_path / "new" / "curves.png"
    assert main(["curves", str(run), "--title", "how it went", "--out", str(out)]) == 0
    picture = Image.open(out)
    assert (picture.format, picture.mode, picture.width) == ("PNG", "P", 960) and out.stat().st_size < 150_000
    assert capsys.readouterr().out == f"wrote {out}\n"


def test_sheets_stand_in_rows_of_two(tmp_path):
    colours, out = ("red", "lime", "blue"), tmp_path / "out.png"
    for colour in colours:
        Image.new("RGB", (30, 20), colour).save(tmp_path / f"{colour}.png")
    assert main(["sheets", *(str(tmp_path / f"{colour}.png") for colour in colours), "--out", str(out)]) == 0
    picture = Image.open(out).convert("RGB")
    assert picture.size == (60, 40)
    corners = [picture.getpixel(place) for place in ((0, 0), (59, 0), (0, 39), (59, 39))]
    assert corners == [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]


def test_what_comes_after_the_last_step_asked_for_is_left_out(run):
    curves, warnings = read(run, until=20)
    assert list(curves["audio/spread"][0]) == [10, 20] and warnings == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["curves", "nowhere"], "RUN must be a folder with TensorBoard's events of a training. Received: nowhere."),
        (["curves", *7 * ["run"]], "RUN can be given 6 times. Received: 7."),
        (["sheets", "nowhere"], "SHEET must be a picture."),
    ],
)
def test_what_cannot_be_drawn_is_one_line(words, complaint, tmp_path, capsys):
    assert main([*words, "--out", str(tmp_path / "out.png")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and complaint in line


def test_a_place_that_cannot_be_written_is_named(run, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["curves", str(run), "--out", str(tmp_path / "file" / "x.png")]) == 2
    assert "x.png cannot be written" in capsys.readouterr().err
