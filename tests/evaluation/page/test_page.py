"""The page holds what was measured, escaped, in one file, with its sounds and pictures."""

import base64
import configparser
import copy
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from jinja2 import UndefinedError

from tests.evaluation.page.support import (
    CLASSES,
    LENGTH,
    NASTY,
    RANDOM,
    RATE,
    SCORES,
    SETS,
    Tags,
    clip,
    example,
    sounds,
    spectrograms,
)
from wavegan.audio.wav import to_pcm16
from wavegan.evaluation.page.cards import Clip
from wavegan.evaluation.page.page import html, templates

ROOT = Path(__file__).resolve().parents[3]


def renamed(value, add):
    """A report with `add` behind every text that a user's files or settings can bring in."""
    if isinstance(value, dict):
        fixed = {"better", "key", "made", "sets", "values"}
        named = {"histogram", "config"}
        return {
            key: inner
            if key in fixed
            else {
                name + add if name in CLASSES or key == "config" else name: renamed(i, add) for name, i in inner.items()
            }
            if key in named
            else renamed(inner, add)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [renamed(inner, add) for inner in value]
    return value + add if isinstance(value, str) else value


@pytest.fixture(scope="module")
def page():
    return html(*example())


def test_every_score_is_there_with_its_values_its_meaning_and_its_direction(page):
    shown = Tags(page).text
    for name, _, _ in SCORES.values():
        assert f"What the {name} says." in shown
    rows = re.findall(r"<tr>.*?</tr>", page.split('<table class="scores">')[1].split("</table>")[0])
    assert [re.findall(r'<td[^>]*data-set="([^"]+)"><span>([^<]+)', row) for row in rows[1:]] == [
        list(zip(SETS, values, strict=True))
        for values in (
            ("4.12", "7.40", "7.51", "1.02"),
            ("3.40", "0.61", "0.20", "210.30"),
            ("0.92", "1.00", "0.98", "0.21"),
            ("0.035", "0.100", "–", "–"),
        )
    ]
    assert [row.count("±") for row in rows[1:]] == [4, 4, 4, 2]
    directions = [re.search('class="direction">. ([^<]+)', row)[1] for row in rows[1:]]
    near = "near the test data is better"
    assert directions == ["higher is better", "lower is better", near, "describes, does not judge"]


def test_the_rest_of_the_report_is_there(page):
    shown = Tags(page).text
    for words in (
        *("little drums", "step 1,750", "2,048 generated clips", "drums-8k", "2026-11-22 23:40", "Few test clips."),
        *("Nothing was memorised.", "0.4 %", "0.41", "own classifier", "97.3 %", "203", "preset", "tiny"),
    ):
        assert words in shown, words
    assert "1,250" in shown and shown.count("50.0 %") == 2


def test_no_text_becomes_markup():
    report, made, real, neighbours, rate = example()
    names = {id(one): Clip(one.name + NASTY, one.audio, one.label + NASTY, 0.5, 0.5) for one in (*made, *real)}
    changed = [names[id(one)] for one in made], [names[id(one)] for one in real]
    pairs = [(names[id(a)], names[id(b)]) for a, b in neighbours]
    nasty = html(renamed(report, NASTY), *changed, pairs, rate)
    calm = {id(one): Clip(one.name + "x", one.audio, one.label + "x", 0.5, 0.5) for one in (*made, *real)}
    changed = [calm[id(one)] for one in made], [calm[id(one)] for one in real]
    pairs = [(calm[id(a)], calm[id(b)]) for a, b in neighbours]
    plain = html(renamed(report, "x"), *changed, pairs, rate)
    assert Tags(nasty).tags == Tags(plain).tags
    nasty.encode("utf-8")  # a file name that is no UTF-8 included
    written = NASTY.encode("utf-8", "backslashreplace").decode()
    assert Tags(nasty).text.count(written) > 40
    assert ("data-name", made[0].name + written) in Tags(nasty).attributes


def test_the_page_is_one_file_that_loads_nothing(page):
    found = Tags(page)
    for name, value in found.attributes:
        assert name not in {"srcset", "action", "background", "onclick", "onload", "onerror"}, name
        if name in {"src", "href", "data", "poster"}:
            assert value.startswith(("data:", "#")), value[:80]
    code = re.sub(r'data:[a-z/]+;base64,[^"]+', "", page)
    assert not re.search(r"https?:|url\(|@import|fetch\(|XMLHttp|WebSocket|import\(", code)
    script = page.split("<script>")[1].split("</script>")[0]
    allowed = re.search(r"script-src 'sha256-([^']+)'", page)[1]
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() == allowed
    assert "default-src 'none'" in page


def test_every_link_inside_the_page_leads_somewhere(page):
    attributes = Tags(page).attributes
    places = {value for name, value in attributes if name == "id"}
    links = {value[1:] for name, value in attributes if name == "href" and value.startswith("#")}
    assert links and links <= places


def test_the_sounds_are_the_clips_to_the_bit(page):
    _, made, real, neighbours, _ = example()
    expected = [*made, *real, *(pair for side in (0, 1) for pair in [pairs[side] for pairs in neighbours])]
    encoded = {(samples.tobytes(), rate) for samples, rate in sounds(page)}
    assert len(sounds(page)) == len(expected)
    assert encoded == {(to_pcm16(one.audio).tobytes(), RATE) for one in expected}


def test_stereo_sounds_keep_both_channels_and_loud_ones_are_clipped():
    report, *_ = example()
    audio = np.stack([np.linspace(-2, 2, LENGTH), np.zeros(LENGTH)], axis=1).astype(np.float32)
    samples, _ = sounds(html(report, [Clip("both", audio)], [], [], RATE))[0]
    assert samples.shape == (LENGTH, 2)
    assert samples[0].tolist() == [-32768, 0] and samples[-1].tolist() == [32767, 0]


RATES = [(1000, 8000), (2999, 8997), (3000, 3000), (44100, 44100), (192_000, 192_000), (500_000, 166_666)]


@pytest.mark.parametrize(("rate", "playable"), RATES)
def test_sample_rates_that_browsers_refuse_are_changed(rate, playable):
    report, *_ = example()
    samples, written = sounds(html(report, [clip("x", 3)], [], [], rate))[0]
    assert written == playable
    assert len(samples) / playable == pytest.approx(LENGTH / rate, rel=0.01)


def test_spectrograms_show_low_tones_low_and_high_ones_high_on_one_scale():
    report, *_ = example()
    time = np.arange(LENGTH) / RATE
    tones = [(0.5 * np.sin(2 * np.pi * hz * time)).astype(np.float32)[:, None] for hz in (300, 3000)]
    silence = np.zeros((LENGTH, 1), np.float32)
    clips = [Clip("low", tones[0]), Clip("high", tones[1]), Clip("quiet", 0.01 * tones[1]), Clip("silent", silence)]
    pictures = spectrograms(html(report, clips, [], [], RATE))
    low, high, quiet, silent = (np.asarray(picture) for picture in pictures)  # palette indices [bins, columns]
    assert low.mean(axis=1).argmax() > 0.7 * len(low) and high.mean(axis=1).argmax() < 0.3 * len(high)
    assert high.max() > 240 and 100 < quiet.max() < 140  # 40 of 80 dB below
    assert silent.max() == 0
    black, colored = (np.asarray(picture.convert("RGB")) for picture in (pictures[3], pictures[1]))
    assert black.max() < 10 and colored[..., 0].mean() > 1.2 * colored[..., 1].mean()  # magma's red, no grey


def test_a_waveform_goes_as_far_as_the_clip_does():
    report, *_ = example()
    audio = np.zeros((LENGTH, 1), np.float32)
    audio[LENGTH // 2 :] = 1.0
    audio[-LENGTH // 4 :] = -0.5
    path = re.search(r'<path d="M([^"]+)z"', html(report, [Clip("step", audio)], [], [], RATE))[1]
    points = np.array(path.split(), float).reshape(-1, 2)  # 0 is the top, 64 the bottom
    heights = {
        quarter: points[(points[:, 0] > start) & (points[:, 0] < start + 30), 1].round()
        for quarter, start in enumerate((1, 33, 65, 97))
    }
    assert set(heights[0]) == set(heights[1]) == {31.0, 32.0}
    assert heights[2].min() == 0 and heights[3].max() == 48


def test_without_classes_there_is_neither_a_filter_nor_an_order_by_class():
    report, made, real, neighbours, rate = example()
    report = {**report, "histogram": {}, "embedding": RANDOM}
    plain = [Clip(one.name, one.audio, distance=one.distance) for one in made]
    page = html(report, plain, real, neighbours, rate)  # folders can have names without a classifier to tell them apart
    assert 'class="chip"' not in page and 'class="shares"' not in page and "right about test clips" not in page
    assert re.findall(r'<option value="([^"]+)"', page) == ["distance-up", "distance-down", "name"]


def test_a_page_without_test_data_and_without_any_clip_is_still_a_page():
    report, *_ = copy.deepcopy(example())
    report["sets"].remove("test data")
    report |= {"checkpoints": report["checkpoints"][:1], "best_step": None, "notes": []}
    report["memorised"]["share"] = None
    for score in report["scores"]:
        del score["values"]["test data"]
    page = html(report, [], [], [], RATE)
    assert 'data-set="test data"' not in page and 'class="chart"' not in page
    assert page.split('class="tile"')[1].count("train data") == 1  # then these stand for recordings
    assert "there is no curve to draw" in page and "Best checkpoint" not in page and "– of the generated" in page


def test_a_curve_for_every_score_with_its_references_and_the_best_step(page):
    charts = re.findall(r'<svg class="chart".*?</svg>', page, re.DOTALL)
    assert len(charts) == len(SCORES)
    assert all(drawn.count("<circle") == 4 and drawn.count('class="best"') == 1 for drawn in charts)
    assert "test data 7.40 ↑" not in charts[0] and charts[0].count('<line class="reference') == 2
    assert "white noise 210 ↑" in charts[1]


def test_where_one_checkpoint_was_scored_none_is_called_the_best():
    report, *clips = example()
    page = html(report | {"checkpoints": report["checkpoints"][:1]}, *clips)
    assert "Best checkpoint" not in page and "step; the only one that was scored this way" in page
    others = [row | {"method": "x"} for row in report["checkpoints"]]  # by a training
    page = html(report | {"checkpoints": report["checkpoints"][:1], "others": others}, *clips)
    assert "Best checkpoint" in page and "the only one" not in page


def test_no_line_ends_within_a_flag():
    report, *clips = example()
    words = "python train_wavegan.py --keep-checkpoints 9 -m x <b> --run a-b; --evaluate-every."
    page = html(report | {"answers": [{"question": "?", "answer": words}], "notes": [words]}, *clips)
    flags = re.findall('<span class="flag">([^<]*)</span>', page)
    assert flags == 2 * ["--keep-checkpoints", "-m", "--run", "--evaluate-every"]
    assert Tags(page).text.count(words) == 2 and ".flag { white-space: nowrap; }" in page


def test_every_one_of_many_classes_is_in_the_table():
    report, *clips = example()
    classes = [f"class {number:03d}" for number in range(500)]
    page = html(report | {"histogram": {one: dict.fromkeys(classes, 1 / 500) for one in SETS}}, *clips)
    shown = re.findall("<bdi>(class [0-9]+)</bdi>", page.split('<table class="shares">')[1].split("</table>")[0])
    assert shown == classes


def test_the_files_of_the_page_are_installed_with_the_package():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = setup["options.package_data"]["wavegan.evaluation.page"].split()
    folder = ROOT / "wavegan" / "evaluation" / "page"
    installed = {path for pattern in patterns for path in folder.glob(pattern)}
    assert installed == {path for path in folder.rglob("*.*") if path.suffix not in {".py", ".pyc"}}
    assert {path.name for path in installed} >= {"page.css", "page.js", "page.html", "cards.html"}
    assert setup["options"]["packages"] == "find:" and "wavegan.*" in setup["options.packages.find"]["include"].split()


def test_whatever_a_template_shows_is_escaped_and_a_name_that_is_missing_is_an_error():
    found = templates()
    assert found.from_string("{{ value }}").render(value="<b a='\"&") == "&lt;b a=&#39;&#34;&amp;"
    for name in found.list_templates():
        source = (ROOT / "wavegan" / "evaluation" / "page" / "templates" / name).read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe\b|autoescape", source), name
    with pytest.raises(UndefinedError, match="runn"):
        found.from_string("{{ report.runn }}").render(report={})
