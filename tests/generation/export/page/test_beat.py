"""The beat: when what sounds, in the loop that is saved, in the MIDI file, and while the page is busy."""

import io
import struct

import numpy as np
import pytest
import soundfile
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.generation.export.page.support import saved

GRID_S = 0.002  # the farthest that an onset may be from its place
# Every voice a click, so that its onset is known to the sample.
CLICKS = """
audios.forEach((audio, voice) => (audios[voice] = audio.map((_, place) => (place ? 0 : 0.5))));
Object.assign(state, arguments[0]);
state.patterns = arguments[1].map((rows) => rows.map(bits));
for (const voice of state.voices) Object.assign(voice, { level: 100, pitch: 0, muted: false });
show();
"""
# Of the first two voices: a tone of so many Hz, so many samples long.
TONES = """
const tone = (place) => (place < arguments[1] ? 0.5 * Math.sin((2 * Math.PI * arguments[0] * place) / model.rate) : 0);
for (const voice of [0, 1]) audios[voice] = audios[voice].map((_, place) => tone(place));
"""
REST = "." * 16


def patterns(*bars):
    """Four patterns of eight voices, the rest of them empty."""
    full = [[*bar, *[REST] * (8 - len(bar))] for bar in bars]
    return [*full, *[[REST] * 8] * (4 - len(full))]


def places(bar, tempo, swing, first=0):
    """Seconds of the steps of a bar that have an "x"."""
    sixteenth = 15 / tempo
    times = [(step // 2 * 2 + (2 * swing / 100 if step % 2 else 0)) * sixteenth for step in range(16)]
    return [first + time for time, step in zip(times, bar, strict=True) if step == "x"]


def loop(page, tempo):
    name = f"by-class-{tempo}-bpm.wav"
    page.execute_script("delete saved[arguments[0]]", name)
    page.find_element(By.ID, "save-loop").click()
    page.wait(lambda: saved(page, name), "the loop is saved")
    return soundfile.read(io.BytesIO(saved(page, name)), dtype="float32")


def onsets(samples, rate):
    """Seconds of the peaks of clicks that do not overlap."""
    loud = np.flatnonzero(samples > 0.1)
    starts = np.split(loud, np.flatnonzero(np.diff(loud) > rate / 200) + 1)
    return [(each[0] + np.argmax(samples[each[0] : each[-1] + 1])) / rate for each in starts]


@pytest.mark.parametrize(("tempo", "swing"), [(97, 50), (120, 66), (180, 75), (40, 58)])
def test_onsets_of_a_saved_loop_lie_on_the_grid(page, tempo, swing):
    bar = "xx.x..xxx....xxx"
    page.execute_script(CLICKS, {"tempo": tempo, "swing": swing, "chain": False, "pattern": 0}, patterns([bar]))
    samples, rate = loop(page, tempo)
    assert rate == 44100 and len(samples) == round(4 * 60 / tempo * rate)
    np.testing.assert_allclose(onsets(samples, rate), places(bar, tempo, swing), atol=GRID_S)


def test_tempo_and_swing_are_set_by_hand(page):
    bar = "xx.x..xxx....xxx"
    page.execute_script(CLICKS, {"tempo": 60, "swing": 50, "chain": False, "pattern": 0}, patterns([bar]))
    ActionChains(page).drag_and_drop_by_offset(page.find_element(By.ID, "tempo"), 20, 0).perform()  # from its middle
    page.find_element(By.ID, "swing").send_keys(Keys.ARROW_RIGHT * 16)
    tempo, swing = (page.find_element(By.ID, f"{identity}-is").text for identity in ("tempo", "swing"))
    assert 140 < (tempo := int(tempo.removesuffix(" bpm"))) < 240 and swing == "66 %"
    samples, rate = loop(page, tempo)
    assert len(samples) == round(4 * 60 / tempo * rate)
    np.testing.assert_allclose(onsets(samples, rate), places(bar, tempo, 66), atol=GRID_S)


def test_patterns_follow_each_other_and_empty_ones_are_left_out(page):
    first, third = "x.......x.......", "...x............"
    bars = patterns([first], [REST], [REST, third])
    page.execute_script(CLICKS, {"tempo": 120, "swing": 50, "chain": True, "pattern": 2}, bars)
    samples, rate = loop(page, 120)
    assert len(samples) == 2 * 2 * rate
    expected = [*places(first, 120, 50), *places(third, 120, 50, first=2)]
    np.testing.assert_allclose(onsets(samples, rate), expected, atol=GRID_S)


def test_a_loop_has_no_seam_and_ends_in_its_beginning(page):
    """The sound of the last step goes on at the start; repeated, it is what plays without an end."""
    page.execute_script(CLICKS, {"tempo": 240, "swing": 50, "chain": False}, patterns(["...............x"]))
    page.execute_script("audios[0] = audios[0].map((_, place) => 0.5 * Math.exp(-place / 600))")
    samples, rate = loop(page, 240)
    last = round(15 / 16 * rate)  # of a second
    assert len(samples) == rate and samples[0] == pytest.approx(samples[rate - 1], rel=0.01) and samples[0] > 0.2
    assert samples[last + 10] > samples[rate - 1] > samples[0] > samples[rate // 10] > samples[last - 10]


def test_a_muted_voice_and_a_level_count(page):
    bars = patterns(["x.......x.......", "....x...........", "......x........."])
    page.execute_script(CLICKS, {"tempo": 120, "swing": 50, "chain": False}, bars)
    page.all(".mute")[1].click()
    page.find_element(By.ID, "level").send_keys(Keys.ARROW_LEFT * 50)
    samples, rate = loop(page, 120)
    assert page.find_element(By.ID, "level-is").text == "50 %"
    assert onsets(samples, rate) == pytest.approx([0, 0.75, 1], abs=GRID_S)
    peaks = [samples[round(at * rate) :][: rate // 10].max() for at in (0, 0.75, 1)]
    assert peaks == pytest.approx([0.125, 0.5, 0.125], abs=0.01)
    page.all(".mute")[1].click()
    assert len(onsets(loop(page, 120)[0], rate)) == 4


def test_an_octave_up_is_half_as_long_and_twice_as_high(page):
    page.execute_script(
        CLICKS, {"tempo": 120, "swing": 50, "chain": False}, patterns([f"x{REST[1:]}", "........x......."])
    )
    page.execute_script(TONES, 300, 800)
    page.all(".name")[1].click()
    page.find_element(By.ID, "pitch").send_keys(Keys.ARROW_RIGHT * 12)
    assert page.find_element(By.ID, "pitch-is").text == "+12"
    samples, rate = loop(page, 120)
    tones = np.split(samples, 2)
    seconds = [(np.flatnonzero(np.abs(tone) > 0.01)[-1] + 1) / rate for tone in tones]
    highest = [np.abs(np.fft.rfft(tone)).argmax() for tone in tones]  # a second each, so that these are Hz
    assert seconds == pytest.approx([0.2, 0.1], abs=GRID_S) and highest == pytest.approx([300, 600], abs=2)


def test_a_stereo_loop_keeps_its_channels_apart(page):
    page.execute_script(CLICKS, {"tempo": 120, "swing": 50, "chain": False}, patterns(["....x..........."]))
    page.execute_script("model.channels = 2; audios[0] = audios[0].map((_, place) => (place === 1 ? 0.5 : 0))")
    samples, rate = loop(page, 120)
    assert samples.shape == (2 * rate, 2) and not samples[:, 0].any()
    assert onsets(samples[:, 1], rate) == pytest.approx([0.5], abs=GRID_S)


def notes(content):
    """(beats per minute, ticks of a quarter, [(tick, note, velocity)], tick of the end) of a MIDI file."""
    kind, tracks, quarter = struct.unpack(">HHH", content[8:14])
    (length,) = struct.unpack(">I", content[18:22])
    assert (content[:4], content[14:18], kind, tracks, len(content)) == (b"MThd", b"MTrk", 0, 1, 22 + length)
    at, tick, found, tempo = 22, 0, [], None
    while at < len(content):
        delta = 0
        while True:
            delta, at = delta << 7 | content[at] & 127, at + 1
            if not content[at - 1] & 128:
                break
        tick += delta
        if content[at] == 0xFF:
            size = content[at + 2]
            if content[at + 1] == 0x51:
                tempo = 6e7 / int.from_bytes(content[at + 3 : at + 6])
            at += 3 + size
        else:
            status, note, velocity = content[at : at + 3]
            assert status in (0x99, 0x89)
            found += [(tick, note, velocity)] if status == 0x99 else []
            at += 3
    return tempo, quarter, found, tick


def test_the_beat_as_a_midi_file(page):
    bars = patterns(["xx..............", REST, "....x..........."], ["x..............x"])
    page.execute_script(CLICKS, {"tempo": 100, "swing": 75, "chain": True, "pattern": 0}, bars)
    page.execute_script("state.voices[0].level = 40")
    page.find_element(By.ID, "save-midi").click()
    tempo, quarter, found, end = notes(saved(page, "by-class.mid"))
    assert tempo == pytest.approx(100, rel=1e-5) and (quarter, end) == (480, 2 * 4 * 480)
    kick, tom = 36, 45
    swung = 480 // 2 * 3 // 4  # of an eighth, three quarters
    assert found == [
        *((0, kick, 51), (swung, kick, 51), (480, tom, 127)),
        *((1920, kick, 51), (1920 + 7 * 240 + swung, kick, 51)),
    ]


WATCHED = """
window.hits = [];
const hit = Player.prototype.hit;
Player.prototype.hit = function (voice, when) {
  hits.push([when, this.context.currentTime]);
  hit.call(this, voice, when);
};
"""


def test_hits_keep_to_the_grid_when_the_page_is_busy(page):
    """What is scheduled is on the audio clock; what comes too late is left out, and not played all at once."""
    tempo, swing = 240, 62
    page.execute_script(CLICKS, {"tempo": tempo, "swing": swing, "chain": False}, patterns(["x" * 16]))
    page.execute_script(WATCHED)
    page.find_element(By.ID, "play").click()
    for _ in range(3):
        page.execute_script("const end = performance.now() + 900; while (performance.now() < end);")
        before = page.execute_script("return hits.length")
        page.wait(lambda before=before: page.execute_script("return hits.length") > before + 12, "the beat goes on")
    page.find_element(By.ID, "play").click()
    when, known = np.array(page.execute_script("return hits")).T
    pair = 30 / tempo
    places = (when - when[0]) / pair % 1  # within a pair of steps
    off = np.minimum.reduce([np.abs(places - place) for place in (0, swing / 100, 1)])
    assert len(when) > 36 and off.max() < 1e-6
    assert np.diff(when).min() > 0.99 * (1 - swing / 100) * pair and (when >= known).all()
