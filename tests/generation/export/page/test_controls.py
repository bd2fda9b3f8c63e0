"""What a person clicks, drags and moves by the arrow keys, and what that changes and plays."""

import numpy as np
import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.generation.export.page.support import click, down, made, opened, said, sounds, steps

# What is played, instead of playing it: each as [the voice whose sound it is, the corner, whether it is the pad's].
HITS = """
window.hits = [];
const whose = (audio) => [audios.indexOf(audio), cornerAudios.indexOf(audio), audio === padAudio];
Player.prototype.hit = ({ audio }) => hits.push(whose(audio));
"""
CORNERS = "return state.corners.map(({ latent, classes }) => [...latent, ...classes])"
PLACE = "return [state.x, state.y]"


@pytest.fixture
def page(page):
    page.execute_script(HITS)
    return page


def hits(page, count):
    """The voice, corner and pad of each of the `count` sounds that were played since the last call."""
    page.wait(lambda: len(page.execute_script("return hits")) >= count, f"{count} sounds are played")
    return page.execute_script("return hits.splice(0)")


def pattern(page):
    """(the pattern that is shown, the steps that are set in it)."""
    (shown,) = down(page.all("#patterns button"))
    return "ABCD"[shown], [down(steps(page, voice)) for voice in range(8)]


def changed(before, after):
    return [place for place, (old, new) in enumerate(zip(before, after, strict=True)) if not np.array_equal(old, new)]


def test_patterns_are_chosen_copied_cleared_and_brought_back(page):
    a, b, c, d = page.all("#patterns button")
    shown, beat = pattern(page)
    empty = [[]] * 8
    assert shown == "A" and beat != empty
    click(page, "copy")
    assert pattern(page) == ("B", beat)
    steps(page, 7)[3].click()
    d.click()
    assert pattern(page) == ("D", empty)
    a.click()
    assert pattern(page) == ("A", beat)
    click(page, "clear")
    assert pattern(page) == ("A", empty)
    b.click()
    assert pattern(page) == ("B", [*beat[:7], [3]])
    click(page, "undo")  # of the clearing alone
    assert pattern(page) == ("A", beat)
    b.click()
    assert pattern(page) == ("B", [*beat[:7], [3]])


def test_patterns_in_a_row_are_marked_as_they_play(page):
    def marks():
        return [one.value_of_css_property("box-shadow") for one in page.all("#patterns button")]

    plain, played = marks(), "return playedPatterns()"
    click(page, "copy")
    assert page.execute_script(played) == [1]
    click(page, "chain")
    assert page.execute_script(played) == [0, 1] and down(page.all("#chain")) == [0]
    page.find_element(By.ID, "tempo").send_keys(Keys.END)
    click(page, "play")
    for pattern in (0, 1):
        page.wait(lambda pattern=pattern: changed(plain, marks()) == [pattern], "what plays is marked, and it alone")
    click(page, "play")
    assert marks() == plain
    click(page, "chain")
    assert page.execute_script(played) == [1]


def test_a_new_sound_of_a_voice_is_played_and_the_others_stay(page):
    before = sounds(page)
    page.all(".voice .new")[5].click()
    assert [voice for voice, *_ in hits(page, 1)] == [5]
    assert page.find_element(By.ID, "sound-title").text == "Sound 6: tom" and changed(before, sounds(page)) == [5]
    page.all(".name")[2].click()
    click(page, "new")
    assert [voice for voice, *_ in hits(page, 1)] == [2]
    assert changed(before, sounds(page)) == [2, 5]


def test_a_click_on_a_picture_plays_it(page):
    page.all(".voice .hit")[4].click()
    assert page.find_element(By.ID, "sound-title").text == "Sound 5: snare"
    click(page, "whole")
    page.all(".corner .picture")[2].click()
    assert hits(page, 3) == [[4, -1, False], [4, -1, False], [-1, 2, False]]


def test_a_sound_is_put_into_a_corner(page):
    before = page.execute_script(CORNERS)
    page.all(".name")[6].click()
    assert page.all(".corner .take")[1].text == "← sound 7"
    page.all(".corner .take")[1].click()
    made(page)
    taken = page.execute_script("return [...state.voices[6].latent, ...state.voices[6].classes]")
    assert changed(before, page.execute_script(CORNERS)) == [1] and page.execute_script(CORNERS)[1] == taken
    np.testing.assert_array_equal(page.execute_script("return Array.from(cornerAudios[1])"), sounds(page)[6])
    click(page, "undo")
    made(page)
    assert page.execute_script(CORNERS) == before


def test_four_new_corners_are_of_the_same_classes(page):
    before, voices = page.execute_script(CORNERS), sounds(page)
    audio = "return cornerAudios.map((audio) => Array.from(audio))"
    heard = page.execute_script(audio)
    click(page, "pad-new")
    made(page)
    after = page.execute_script(CORNERS)
    assert changed(heard, page.execute_script(audio)) == changed(before, after) == [0, 1, 2, 3]
    assert [sound[-3:] for sound in after] == [sound[-3:] for sound in before]
    np.testing.assert_array_equal(sounds(page), voices)


def test_the_pad_is_dragged(page):
    field = page.find_element(By.ID, "field")
    size = field.rect["width"]

    def drag(x, y):
        mouse = ActionChains(page).move_to_element(field).click_and_hold()
        mouse.move_by_offset(10, 10).move_by_offset(x - 10, y - 10).release().move_by_offset(5, 5).perform()
        return page.execute_script(PLACE)

    assert drag(40, -20) == pytest.approx([0.5 + 40 / size, 0.5 - 20 / size], abs=0.01)
    assert hits(page, 1)[0] == [-1, -1, True]
    x, y = drag(-2 * int(size), 10)  # beyond the edge
    assert (x, y) == (0, pytest.approx(0.5 + 10 / size, abs=0.01))
    assert page.find_element(By.ID, "pad-is").text.startswith(f"0 % right, {round(100 * y)} % down: ")


def test_arrow_keys_move_in_the_pad_and_enter_plays(page):
    field = page.find_element(By.ID, "field")
    field.send_keys(Keys.ENTER)
    assert hits(page, 1) == [[-1, -1, True]] and page.execute_script(PLACE) == [0.5, 0.5]
    field.send_keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_UP)
    assert hits(page, 1)[0] == [-1, -1, True] and page.execute_script(PLACE) == pytest.approx([0.6, 0.45])
    field.send_keys(Keys.ARROW_DOWN * 12, Keys.ARROW_LEFT)
    assert page.execute_script(PLACE) == pytest.approx([0.55, 1])


def test_a_copied_link_brings_back_the_same_beat(page, browser):
    permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"]
    browser.execute_cdp_cmd("Browser.grantPermissions", {"permissions": permissions})
    steps(page, 7)[3].click()
    page.execute_script("clearTimeout(keeping); state.swing = 61")  # which the address does not have yet
    before = pattern(page), sounds(page)
    click(page, "save-link")
    page.wait(lambda: said(page) == "The link is copied.", "the link is copied")
    link = page.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    opened(browser, link)
    assert pattern(page) == before[0] and page.execute_script("return state.swing") == 61
    np.testing.assert_array_equal(sounds(page), before[1])


def test_where_nothing_may_be_copied_the_address_bar_has_the_link(page):
    page.execute_script("navigator.clipboard.writeText = () => Promise.reject(new Error())")
    steps(page, 7)[3].click()
    click(page, "save-link")
    page.wait(lambda: said(page).endswith("take the link from the address bar."), "it is said")
    assert page.current_url.endswith(f"#{page.execute_script('return written(state, model)')}")
