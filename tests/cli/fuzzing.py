"""Examples for the fuzzing tests: what is drawn from Hypothesis, and how a property is tried on it."""

import copy
import json
import signal
from contextlib import contextmanager

import numpy as np
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from wavegan.base.files import json_checksum

HANGS_S = 120  # an example that takes longer hangs


def mutated(draw, content):
    """`content` (bytes) after one to four small accidents."""
    content = bytearray(content)
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 4]))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.sampled_from([0, 1, 4, 8, 16, 600])))
        accident = draw(st.sampled_from(["flip", "flip", "flip", "cut out", "zero", "double", "insert", "cut off"]))
        if accident == "flip" and start < len(content):
            content[start] ^= 1 << draw(st.integers(0, 7))
        elif accident == "cut out":
            del content[start:end]
        elif accident == "zero":
            content[start:end] = bytes(end - start)
        elif accident == "double":
            content[start:start] = content[start:end]
        elif accident == "insert":
            content[start:start] = draw(st.binary(max_size=20))
        elif accident == "cut off":
            del content[start:]
    return bytes(content)


ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([0, 1, 2, -1, 2**31, 2**63, 2**64, 10**400]),
        st.floats(),
        st.text(max_size=8),
        st.sampled_from(["", ".", "..", "/etc/passwd", "../x", "float32", "tiny", "\ud800", "a\0b", "x" * 5000]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def edited(draw, value):
    """A JSON value with one place of it, at any depth, replaced, left out or added to."""
    value = copy.deepcopy(value)
    inside = value
    while True:
        places = list(inside) if isinstance(inside, dict) else list(range(len(inside)))
        if not places:
            return draw(ANYTHING)
        place = draw(st.sampled_from(places))
        if isinstance(inside[place], dict | list) and draw(st.booleans()):
            inside = inside[place]
            continue
        change = draw(st.sampled_from(["replace", "leave out", "add"]))
        if change == "leave out":
            del inside[place]
        elif change == "add" and isinstance(inside, dict):
            inside[draw(st.text(max_size=8))] = draw(ANYTHING)
        else:
            inside[place] = draw(ANYTHING)
        return value


def edit_with_checksum(draw, path):
    """Edits the JSON file at `path` as `edited` does, and gives it the checksum that fits, where it has one."""
    values = edited(draw, json.loads(path.read_text()))
    if isinstance(values, dict) and "checksum" in values:
        values["checksum"] = json_checksum(values)
    path.write_text(json.dumps(values))


def recording(draw, length, loudest):
    """Samples float64 [time, channels]: every number of samples at which something changes, every kind of content."""
    edges = [0, 1, length // 4 - 1, length // 4, length - 1, length]
    samples = draw(st.sampled_from([0, 0, length, 2 * length])) + draw(st.sampled_from(edges))
    channels = draw(st.integers(1, 3))
    noise = np.random.default_rng(draw(st.integers(0, 99)))
    kind = draw(st.sampled_from(["noise", "full scale", "silence", "sound after silence", "opposite channels"]))
    sound = noise.integers(-32768, 32768, (samples, channels)) / 32768
    if kind == "full scale":
        sound = np.where(sound < 0, -1.0, loudest)
    elif kind == "silence":
        sound[:] = 0
    elif kind == "sound after silence":
        sound[:length] = 0
    elif kind == "opposite channels":
        sound[:, :2] = np.clip(sound[:, :1], -loudest, loudest) * [[1, -1][:channels]]
    return sound


def explore(holds, examples, start):
    """Tries a property on `examples` examples, always the same for the same `start`. Returns how many it tried."""
    tried = 0

    @seed(start)
    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def each(data):
        nonlocal tried
        tried += 1
        with no_hang():
            holds(data)

    each()
    return tried


@contextmanager
def no_hang():
    def stop(number, frame):
        raise AssertionError(f"hangs: no end after {HANGS_S} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(HANGS_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
