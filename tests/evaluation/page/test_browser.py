"""What a person sees and hears in a real browser: the evaluation's page, and TensorBoard on a real run.

The browser is Debian's Chromium, without a window. The pictures it took are kept in `.screenshots/`.
"""

import base64
import json
import re

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from tests.chromium import started
from tests.conftest import TINY
from tests.evaluation.page.support import CLASSES, NASTY, RATE, SCORES, clip, example
from tests.evaluation.support import LENGTH, prepared_drums
from tests.evaluation.support import RATE as DRUMS_RATE
from tests.training.test_callbacks import events
from wavegan.cli import evaluate as evaluate_command
from wavegan.cli import train as train_command
from wavegan.evaluation.page.cards import Clip
from wavegan.evaluation.page.page import html
from wavegan.runs.events import Events

WRITTEN = NASTY.encode("utf-8", "backslashreplace").decode()  # a page cannot hold what is no UTF-8


@pytest.fixture(scope="module")
def browser():
    yield from started()


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A page with sounds of a second, forty generated ones, some with names that no one would choose."""
    report, made, real, neighbours, rate = example(generated=40, length=RATE)
    made[7] = Clip(NASTY, made[7].audio, NASTY, 0.5, 0.25)
    made[8] = clip("only its name is known", 8, RATE)
    path = tmp_path_factory.mktemp("a page #1 with spaces & ümlauts?") / "page.html"
    path.write_text(html(report, made, real, neighbours, rate), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def opened(browser, page):
    """The page, just opened."""
    browser.look(prefers_color_scheme="light")
    browser.width(1280)
    browser.get_log("browser")
    browser.get(page)
    return browser


def player(browser, name):
    return browser.execute_script("return document.getElementById('player')[arguments[0]]", name)


def endless(browser):
    """Let every sound repeat, so that a slow machine finds it playing."""
    browser.execute_script("document.getElementById('player').loop = true")


def plays(browser):
    """The gallery's play buttons that are shown."""
    return browser.execute_script(
        "return [...document.querySelectorAll('#clips .play')].filter((one) => one.offsetParent)"
    )


def pressed(browser):
    """The places among them of those that are down."""
    script = "return arguments[0].flatMap((one, place) => (one.ariaPressed === 'true' ? [place] : []))"
    return browser.execute_script(script, plays(browser))


def values(browser, key, side="generated"):
    """One value of each clip on a side of the gallery, in its order; None where a clip has none."""
    script = "return [...document.querySelectorAll(arguments[0])].map((one) => one.dataset[arguments[1]] ?? null)"
    return browser.execute_script(script, f"#clips .{side} .clip", key)


def order_by(browser, value):
    Select(browser.find_element(By.ID, "order")).select_by_value(value)


def test_the_page_loads_whole_and_in_silence(opened):
    assert opened.complaints("WARNING", "SEVERE") == []
    loaded = opened.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert all(name.startswith("data:") for name in loaded)
    assert opened.title == "little drums: how good are its sounds?"
    assert len(values(opened, "name")) == 40 and len(values(opened, "name", "real")) == 6
    opened.keep("page")


def test_every_picture_is_drawn(opened):
    opened.execute_script("for (const image of document.images) image.loading = 'eager'")
    sizes = "return [...document.images].map((one) => one.naturalWidth)"
    opened.wait(lambda: all(opened.execute_script(sizes)), "all spectrograms are decoded")
    assert len(opened.execute_script(sizes)) == 40 + 6 + 2 * 3
    lengths = "return [...document.querySelectorAll('.play path, .chart .curve')].map((one) => one.getTotalLength())"
    lengths = opened.execute_script(lengths)
    assert len(lengths) == 40 + 6 + 2 * 3 + len(SCORES) and min(lengths) > 100


def test_a_click_plays_a_clip_and_another_click_ends_it(opened):
    endless(opened)
    first = plays(opened)[0]
    first.click()
    opened.wait(lambda: player(opened, "currentTime") > 0, "the clip plays")
    assert player(opened, "duration") == pytest.approx(1.0, abs=0.01)
    earlier = player(opened, "currentTime")
    opened.wait(lambda: player(opened, "currentTime") != earlier, "the clip goes on")
    assert pressed(opened) == [0] and not player(opened, "paused")
    opened.keep("page-playing")
    first.click()
    assert pressed(opened) == [] and player(opened, "paused")
    assert opened.complaints("WARNING", "SEVERE") == []


def test_one_clip_sounds_at_a_time(opened):
    endless(opened)
    buttons = plays(opened)
    buttons[2].click()
    # Faster than a sound loads: those before must neither come back nor complain.
    opened.execute_script("for (const one of arguments) one.click()", *(buttons[place] for place in (0, 3, 1)))
    opened.wait(lambda: player(opened, "currentTime") > 0, "the last one plays")
    assert pressed(opened) == [1] and len(opened.all("audio")) == 1
    assert player(opened, "src") == buttons[1].get_attribute("data-sound")
    assert opened.complaints("WARNING", "SEVERE") == []


def test_a_clip_that_is_over_gives_its_button_back(opened):
    plays(opened)[0].click()
    opened.wait(lambda: player(opened, "ended"), "the clip ends")
    opened.wait(lambda: pressed(opened) == [], "its button is up")


def test_the_keyboard_plays_goes_on_and_ends(opened):
    endless(opened)
    buttons = plays(opened)
    opened.execute_script("arguments[0].focus()", buttons[0])
    keys = ActionChains(opened)
    keys.send_keys(Keys.SPACE).perform()
    opened.wait(lambda: player(opened, "currentTime") > 0, "the clip plays")
    assert pressed(opened) == [0]
    keys.send_keys(Keys.ARROW_RIGHT).perform()
    assert opened.switch_to.active_element == buttons[1]
    keys.send_keys(Keys.ENTER).perform()
    assert pressed(opened) == [1]
    keys.send_keys(Keys.ARROW_LEFT, Keys.ESCAPE).perform()
    assert opened.switch_to.active_element == buttons[0] and pressed(opened) == []


def test_the_generated_clips_play_one_by_one(opened):
    order_by(opened, "name")
    opened.execute_script("const p = player; window.played = []; p.addEventListener('play', () => played.push(p.src))")
    opened.find_element(By.ID, "all").click()
    opened.wait(lambda: opened.execute_script("return played.length") >= 3, "three clips play")
    opened.find_element(By.ID, "all").click()
    played = opened.execute_script("return played")
    assert played == [button.get_attribute("data-sound") for button in plays(opened)[: len(played)]]
    assert pressed(opened) == [] and player(opened, "paused")
    assert opened.complaints("WARNING", "SEVERE") == []


@pytest.mark.parametrize(("key", "down"), [("confidence", True), ("confidence", False), ("distance", False)])
def test_clips_are_sorted_by_a_number_and_those_without_it_come_last(opened, key, down):
    order_by(opened, f"{key}-{'down' if down else 'up'}")
    shown = values(opened, key)
    assert shown[-1] is None and None not in shown[:-1]
    numbers = [float(value) for value in shown[:-1]]
    assert len(set(numbers)) > 30 and numbers == sorted(numbers, reverse=down)


def test_clips_are_sorted_by_name_as_people_count(opened):
    order_by(opened, "name")
    numbers = [int(name) for name in values(opened, "name") if name.isdigit()]
    assert numbers == sorted(numbers) and len(numbers) == 38


def test_by_class_each_class_has_its_group_with_the_surest_first(opened):
    order_by(opened, "label")
    groups = opened.all("#clips .group")
    titles = [group.find_element(By.TAG_NAME, "h3").text for group in groups]
    assert titles == [WRITTEN, *CLASSES, "no class"]
    for group, title in zip(groups, titles, strict=True):
        made = group.find_elements(By.CSS_SELECTOR, ".generated .clip")
        assert {one.get_attribute("data-label") or "no class" for one in made} == {title}
        sure = [float(one.get_attribute("data-confidence") or 0) for one in made]
        assert sure == sorted(sure, reverse=True)


def test_a_class_can_be_chosen_and_its_real_clips_stay_beside_it(opened):
    chip = next(chip for chip in opened.all(".chip") if chip.text.startswith("snare"))
    chip.click()
    assert set(values(opened, "label")) == set(values(opened, "label", "real")) == {"snare"}
    assert chip.text == f"snare {len(values(opened, 'label'))}"
    assert [one.get_attribute("aria-pressed") for one in opened.all(".chip")].count("true") == 1
    opened.all(".chip")[0].click()
    assert len(values(opened, "label")) == 40


def test_a_nasty_class_can_be_chosen_too(opened):
    next(chip for chip in opened.all(".chip") if "script" in chip.text).click()
    assert values(opened, "name") == values(opened, "label") == [WRITTEN]
    assert "broken" not in opened.title
    plays(opened)[0].click()
    opened.wait(lambda: player(opened, "currentTime") > 0, "it plays like any other")
    assert opened.complaints("WARNING", "SEVERE") == []


def test_what_is_many_is_shown_in_part_until_one_asks(opened):
    order_by(opened, "name")
    more, titles = opened.find_element(By.ID, "more"), opened.all("#clips h4")
    assert len(plays(opened)) == 24 + 6 and more.text == "Show 16 more"
    assert [title.text for title in titles] == ["Generated (24 of 40)", "Real (6)"]
    more.click()
    assert len(plays(opened)) == 46 and more.text == "Show fewer" and titles[0].text == "Generated (40)"
    more.click()
    assert len(plays(opened)) == 30


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1280])
def test_the_page_fits_its_window_in_both_schemes(opened, scheme, width):
    opened.look(prefers_color_scheme=scheme)
    opened.width(width)
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    background = opened.execute_script("return getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(value) for value in re.findall(r"\d+", background)[:3]) / 3
    assert (brightness > 200) if scheme == "light" else (brightness < 60)
    opened.keep(f"page-{scheme}-{width}")


@pytest.fixture(scope="module")
def evaluated(browser, tmp_path_factory):
    """The page that evaluate.py wrote of a run that was trained on drums."""
    folder = tmp_path_factory.mktemp("evaluated")
    data, run = prepared_drums(folder / "wav"), folder / "run"
    assert train_command.main(["--data", str(data), "--run", str(run), "--steps", "8", *TINY]) == 0
    assert evaluate_command.main(["--run", str(run), "--checkpoint", "all", "--n", "60"]) == 0
    return run / "evaluation" / "evaluation.html"


def test_the_page_of_a_real_evaluation_plays_sorts_and_shows_what_was_measured(browser, evaluated):
    browser.look(prefers_color_scheme="light")
    browser.width(1280)
    browser.get_log("browser")
    browser.get(evaluated.as_uri())
    endless(browser)
    plays(browser)[0].click()
    browser.wait(lambda: player(browser, "currentTime") > 0, "a generated clip plays")
    assert player(browser, "duration") == pytest.approx(LENGTH / DRUMS_RATE, abs=0.01)
    generated, recorded = browser.all("#memorised .play")[:2]  # of the pair that is most alike
    for one in (generated, recorded):
        one.click()
        browser.wait(lambda: player(browser, "currentTime") > 0, "a clip of a pair plays")
        assert player(browser, "src") == one.get_attribute("data-sound")
    order_by(browser, "distance-up")
    distances = [float(value) for value in values(browser, "distance")]
    assert len(distances) == 60 and distances == sorted(distances)
    report = json.loads(evaluated.with_name("evaluation.json").read_text())
    text = browser.find_element(By.TAG_NAME, "body").text
    assert all(each["answer"] in text for each in report["answers"])
    assert len(browser.all(".chart .curve")) == len(report["scores"]) and len(report["checkpoints"]) == 3
    browser.keep("evaluation")
    assert browser.complaints("WARNING", "SEVERE") == []


def tab(browser, address, name, kind, least):
    """Opens a tab of TensorBoard; its elements of a kind, as soon as there are that many."""
    browser.look(prefers_color_scheme="light")
    browser.width(1280)
    browser.get("about:blank")  # another tab of the same page would not be loaded anew
    browser.get_log("browser")
    browser.get(f"{address}/#{name}")

    return browser.wait(lambda: len(now := browser.every(kind)) >= least and now, f"TensorBoard shows {least} {name}")


def test_tensorboards_players_play(browser, tensorboard):
    players = tab(browser, tensorboard, "audio", "audio", 8)
    first = players[0]
    browser.wait(lambda: browser.get_of(first, "readyState") >= 1, "the sound is loaded")
    assert browser.get_of(first, "duration") == pytest.approx(1024 / 4000, abs=0.01)
    browser.keep("tensorboard-audio")
    width = first.size["width"]
    ActionChains(browser).move_to_element_with_offset(first, 26 - width // 2, 0).click().perform()  # its play button
    moved = "const times = arguments[0].played; return times.length ? times.end(times.length - 1) : 0"
    browser.wait(lambda: browser.execute_script(moved, first) > 0, "the sound plays")
    assert browser.get_of(first, "error") is None
    assert browser.complaints("SEVERE") == []


@pytest.mark.parametrize("rate", [1000, 2999, 3000, 768_001])
def test_sounds_of_any_rate_are_logged_so_that_they_play(browser, tmp_path, rate):
    """Chromium refuses those below 3,000 Hz and above 768,000."""
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (1, rate, 1)).astype("float32")
    Events(tmp_path).clips("generated", audio, rate, np.zeros((1, 1, 3), "uint8"), step=1, titles=["00"])
    sound = base64.b64encode(events(tmp_path)["generated/00", 1][0][0, 0]).decode()
    browser.get("about:blank")  # the page before may say what may be played
    browser.execute_script("window.heard = new Audio(arguments[0])", f"data:audio/wav;base64,{sound}")
    browser.wait(lambda: browser.execute_script("return heard.error || heard.readyState > 3"), "it can be played")
    assert browser.execute_script("return heard.error") is None
    assert browser.execute_script("return heard.duration") == pytest.approx(1, abs=0.01)


def test_tensorboards_pictures_show(browser, tensorboard):
    tab(browser, tensorboard, "images", "tf-image-loader", 2)
    browser.wait(
        lambda: [browser.get_of(image, "naturalWidth") > 300 for image in browser.every("img")] == [True, True],
        "the sheets of generated and real clips are decoded",
    )
    assert all(image.is_displayed() for image in browser.every("img"))
    browser.keep("tensorboard-images")
    assert browser.complaints("SEVERE") == []


def test_tensorboards_scalars_are_drawn(browser, tensorboard):
    tab(browser, tensorboard, "scalars", "vz-line-chart2", 3)
    drawn = "return arguments[0].filter((one) => one.matches('.line')).map((one) => one.getTotalLength())"

    browser.wait(
        lambda: sum(length > 50 for length in browser.execute_script(drawn, browser.every("path"))) >= 3,
        "three curves have a length",
    )
    browser.keep("tensorboard-scalars")
    assert browser.complaints("SEVERE") == []
