"""The page of a run, as a person uses it in a real browser."""

import io
import re
import zipfile

import numpy as np
import pytest
import soundfile
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.generation.export.page.support import click, down, made, opened, said, saved, sounds, steps
from wavegan.cli import export as export_command
from wavegan.generation.generate import load_sampler
from wavegan.runs.run import Run

KEPT = "keep(); return location.hash"


def test_the_page_opens_from_disk_and_its_self_test_holds(page):
    assert page.complaints("WARNING", "SEVERE") == []
    loaded = page.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert all(name.startswith(("data:", "blob:")) for name in loaded)
    assert page.title == "by class: sounds that were never recorded"
    assert float(re.search(r"differs from the trainer's sound by (\S+?)\.$", said(page))[1]) < 1e-3
    assert page.execute_script("return generator.inPage") is False
    assert [name.text for name in page.all(".name")][:4] == ["1 kick", "2 snare", "3 tom", "4 kick"]


def test_the_sounds_are_those_of_the_run(page, trained_by_class):
    sampler, *_ = load_sampler(Run(trained_by_class))
    latents = np.array(page.execute_script("return state.voices.map(({latent}) => Array.from(latent))"), "float32")
    weights = np.array(page.execute_script("return state.voices.map(({classes}) => classes)"), "float32")
    expected = sampler(latents / 127, weights / 100)
    np.testing.assert_allclose(sounds(page), expected[:, :, 0], atol=1e-3)
    assert len(np.unique(latents, axis=0)) == 8


def test_the_address_brings_back_the_same_beat_and_sounds(page, browser, address):
    for voice, step in ((0, 3), (5, 15), (7, 0)):
        steps(page, voice)[step].click()
    page.execute_script("state.voices[2].pitch = -5; state.voices[3].muted = true; state.swing = 61; state.x = 0.25")
    before, grid, hash = sounds(page), [down(steps(page, voice)) for voice in range(8)], page.execute_script(KEPT)
    assert len(hash) < 4000
    opened(browser, address + hash)
    np.testing.assert_array_equal(sounds(page), before)
    assert [down(steps(page, voice)) for voice in range(8)] == grid and grid[5] == [15]
    assert page.execute_script("return [state.voices[2].pitch, state.voices[3].muted, state.swing, state.x]") == [
        *(-5, True, 61, 0.25)
    ]
    assert page.execute_script(KEPT) == hash


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("parts.m = 'another'", "The link was made with another model: the beat is the same, the sounds are others."),
        ("parts.v[0][0] = 'AAAA'", "cannot be played here (a latent has 3 numbers, 100 are expected)"),
        ("parts.v[0][1] = [7, 100]", "cannot be played here (it has other classes)"),
        ("parts.g.pop()", "cannot be played here (parts of it are missing)"),
        ("parts.t = '<b>'", "cannot be played here (a number is missing)"),
    ],
)
def test_an_address_of_another_model_is_said_plainly(page, browser, address, change, says):
    script = "const parts = JSON.parse(new TextDecoder().decode(fromText(written(state, model).slice(2))));"
    end = "return '1.' + toText(new TextEncoder().encode(JSON.stringify(parts)))"
    hash = page.execute_script(f"{script} {change}; {end}")
    opened(browser, f"{address}#{hash}")
    assert says in said(page) and page.complaints("SEVERE") == []


def test_an_address_that_is_no_beat_leaves_a_page_that_plays(browser, address):
    page = opened(browser, f"{address}#tempo=7")
    assert "cannot be played here (it is of another version)" in said(page)
    assert np.abs(sounds(page)).max() > 0


def test_a_good_address_after_a_broken_one_takes_back_what_was_said_of_it(page):
    good = page.execute_script(KEPT)
    click(page, "all-new")
    made(page)
    page.execute_script("location.hash = 'tempo=7'")
    page.wait(lambda: "cannot be played here" in said(page), "the broken address is said")
    page.execute_script("location.hash = arguments[0]", good)
    page.wait(lambda: said(page) == "", "nothing is said of the good one")
    made(page)
    assert page.execute_script(KEPT) == good


def test_an_address_counts_that_the_page_writes_over_before_it_is_told(page):
    other = page.execute_script(KEPT)
    click(page, "all-new")
    made(page)
    page.execute_script("keep(); location.hash = arguments[0]; keep()", other)
    page.wait(lambda: page.execute_script(KEPT) == other, "the beat of the address is there")
    page.execute_script("location.hash = 'tempo=7'; keep()")
    page.wait(lambda: "cannot be played here" in said(page), "the broken address is said")


def test_new_sounds_spare_locked_voices_and_undo_brings_them_back(page):
    before = sounds(page)
    page.all(".lock")[1].click()
    click(page, "all-new")
    made(page)
    changed = [not np.array_equal(old, new) for old, new in zip(before, sounds(page), strict=True)]
    assert changed == [True, False, True, True, True, True, True, True]
    click(page, "undo")
    made(page)
    np.testing.assert_array_equal(sounds(page), before)


def test_variations_are_near_and_one_is_taken(page):
    before = sounds(page)[0]
    page.execute_script("setSpread = document.getElementById('spread'); setSpread.value = 5")
    click(page, "vary")
    page.wait(lambda: len(page.all("#variations .picture")) == 7, "seven pictures")
    made(page)
    latent = "return Array.from(state.voices[0].latent)"
    start = np.array(page.execute_script(latent))
    page.all("#variations .picture")[3].click()
    made(page)
    moved = np.abs(np.array(page.execute_script(latent)) - start)
    assert 0 < moved.max() <= 0.05 * 127 + 1 and not np.array_equal(sounds(page)[0], before)
    page.all("#variations .picture")[0].click()
    made(page)
    np.testing.assert_array_equal(sounds(page)[0], before)


def test_a_class_and_a_mixture_are_chosen(page):
    before = sounds(page)[0]
    Select(page.find_element(By.ID, "kind")).select_by_visible_text("tom")
    made(page)
    assert page.all(".name")[0].text == "1 tom" and not np.array_equal(sounds(page)[0], before)
    click(page, "mixture")
    page.execute_script(
        "const slider = document.querySelectorAll('#weights input')[0]; slider.value = 25;"
        "slider.dispatchEvent(new Event('input')); slider.dispatchEvent(new Event('change'))"
    )
    made(page)
    assert page.find_element(By.ID, "sound-title").text == "Sound 1: 80 % tom, 20 % kick"
    assert Select(page.find_element(By.ID, "kind")).first_selected_option.text == "a mixture"


def test_the_pad_moves_between_four_sounds(page):
    between = (
        "const s = betweenFour(state.corners, arguments[0], arguments[1]); return [Array.from(s.latent), s.classes]"
    )
    corners = page.execute_script("return state.corners.map((c) => [Array.from(c.latent), c.classes])")
    for corner, place in zip(corners, ((0, 0), (1, 0), (0, 1), (1, 1)), strict=True):
        assert page.execute_script(between, *place) == corner
    latent, classes = page.execute_script(between, 0.5, 0.5)
    assert np.linalg.norm(latent) > 0.8 * np.linalg.norm(corners[0][0]) and classes == [50, 25, 25]
    field = page.find_element(By.ID, "field")
    ActionChains(page).move_to_element_with_offset(field, 40, -40).click().perform()
    made(page)
    x, y = page.execute_script("return [state.x, state.y]")
    assert x > 0.5 > y and page.execute_script("return Array.from(padAudio)")
    click(page, "pad-use")
    made(page)
    np.testing.assert_array_equal(sounds(page)[0], page.execute_script("return Array.from(padAudio)"))


def test_the_keyboard_alone_plays_and_sets_steps(page):
    page.execute_script(
        "window.hits = []; const hit = Player.prototype.hit;"
        "Player.prototype.hit = function (voice, when) { hits.push(when); hit.call(this, voice, when) }"
    )
    keys = ActionChains(page)
    keys.send_keys("ak").perform()
    assert page.execute_script("return hits.length") == 2
    keys.send_keys("3").perform()
    assert page.find_element(By.ID, "sound-title").text == "Sound 3: tom"
    keys.send_keys(Keys.SPACE).perform()
    assert page.execute_script("return clock.running") and page.find_element(By.ID, "play").text == "■ Stop"
    page.wait(lambda: page.all(".step.now"), "a step is marked")
    page.keep("machine-playing")
    keys.send_keys(Keys.SPACE).perform()
    assert not page.execute_script("return clock.running") and not page.all(".step.now")
    steps(page, 6)[5].click()
    keys.send_keys(Keys.SPACE).perform()  # of a step that was clicked, the space bar starts and does not set it again
    assert page.execute_script("return clock.running") and 5 in down(steps(page, 6))
    keys.send_keys(Keys.SPACE).perform()
    before = down(steps(page, 7))
    page.execute_script("document.querySelector('.step').focus()")
    keys.send_keys(Keys.ARROW_UP, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ENTER).perform()
    assert page.switch_to.active_element == steps(page, 7)[2] and down(steps(page, 7)) == sorted([*before, 2])
    assert page.complaints("SEVERE") == []


def test_the_page_fits_a_telephone(browser, address):
    page = opened(browser, address, width=390)
    assert page.execute_script("return document.documentElement.scrollWidth") <= 390
    smallest = """
        const buttons = [...document.querySelectorAll('button')].filter((button) => button.offsetParent);
        return Math.min(...buttons.flatMap((button) => [button.offsetWidth, button.offsetHeight]));
    """
    assert page.execute_script(smallest) >= 24
    page.keep("machine-telephone")


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        ("delete window.Worker", "starts no worker here, so the page stops for a moment"),
        ("delete window.AudioContext", "no Web Audio, so nothing can be played here"),
    ],
)
def test_what_a_browser_lacks_is_said(browser, address, missing, says):
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": missing})
    try:
        browser.get("about:blank")
        browser.get(address)
        browser.wait(lambda: says in said(browser), says)
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_without_midi_the_button_is_off(browser, address):
    source = {"source": "delete Navigator.prototype.requestMIDIAccess"}
    added = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    try:
        page = opened(browser, address)
        assert not page.find_element(By.ID, "midi").is_enabled()
        assert "no Web MIDI here" in page.find_element(By.ID, "midi-is").text
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_midi_notes_play(page):
    page.execute_script(
        "window.hits = []; Player.prototype.hit = ({ audio, pitch }) => hits.push([audios.indexOf(audio), pitch]);"
        "window.port = { name: 'keys' };"
        "navigator.requestMIDIAccess = async () => ({ inputs: new Map([[0, port]]) })"
    )
    click(page, "midi")
    page.wait(lambda: "Connected: keys." in page.find_element(By.ID, "midi-is").text, "it is connected")
    page.execute_script(
        "for (const data of arguments[0]) port.onmidimessage({ data })",
        [[0x90, 67, 90], [0x80, 67, 0], [0x99, 38, 90], [0x90, 60, 0]],
    )
    assert page.execute_script("return hits") == [[0, 7], [1, 0]]


def test_sounds_and_kit_are_saved(page):
    click(page, "save-sound")
    samples, rate = soundfile.read(io.BytesIO(saved(page, "by-class-kick.wav")), dtype="int16")
    assert rate == 4000
    np.testing.assert_array_equal(samples, np.floor(sounds(page)[0] * 32768 + 0.5))
    click(page, "save-kit")
    kit = zipfile.ZipFile(io.BytesIO(saved(page, "by-class-kit.zip")))
    assert kit.testzip() is None
    names = [f"{voice + 1}-{kind}.wav" for voice, kind in enumerate(["kick", "snare", "tom"] * 3)][:8]
    assert kit.namelist() == [*names, "kit.sfz", "beat.mid"]
    assert soundfile.info(io.BytesIO(kit.read(names[7]))).frames == 1024
    keys = re.findall(r"sample=(\S+) key=(\d+)", kit.read("kit.sfz").decode())
    assert [name for name, _ in keys] == names and len({key for _, key in keys}) == 8
    assert keys[0][1] == "36" and keys[1][1] == "38"


def test_what_files_say_is_text_and_no_markup(browser, trained_by_class, tmp_path):
    import shutil
    from dataclasses import replace

    name = "</script><img src=x onerror='document.title=1'>"
    run = Run(shutil.copytree(trained_by_class, tmp_path / "a & <b>run"))
    config = run.config()
    classes = {name: 8, "ünï\udcff": 8, "\u2028'\"`${x}": 8}
    replace(config, data=replace(config.data, classes=classes)).save(run.config_path)
    path = tmp_path / "page.html"
    assert export_command.main(["--format", "web", "--run", str(run.path), "--out", str(path)]) == 0
    page = opened(browser, path.as_uri())
    assert page.title == "a & <b>run: sounds that were never recorded" and page.complaints("SEVERE") == []
    assert page.all(".name")[0].get_attribute("title") == name and not page.all("img")
