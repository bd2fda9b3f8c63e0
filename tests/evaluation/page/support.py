"""What the tests of the page share: an example of a report, its clips, and what stands in a page."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import soundfile
from PIL import Image

from wavegan.evaluation.page.cards import Clip

RATE = 8000  # Hz
LENGTH = 4096  # samples
CLASSES = ("kick", "snare", "tom")
SETS = ("generated", "test data", "train data", "white noise")
SCORES = {
    "inception_score": ("Inception Score", "higher", (4.12, 7.4, 7.51, 1.02)),
    "frechet_distance": ("Fréchet distance", "lower", (3.4, 0.61, 0.2, 210.3)),
    "self_distance": ("Distance to itself", "near test", (0.92, 1.0, 0.98, 0.21)),
    "entropy": ("Entropy", "", (0.035, 0.1, None, float("nan"))),
}
RANDOM = {"name": "random", "description": "random", "test_accuracy": None, "classes": []}
NASTY = "</script><script>document.title = 'broken'</script><b a='\"&amp;${x}\udcff.wav"


def clip(name, seed=0, length=LENGTH, **known):
    """A decaying tone whose pitch depends on the seed."""
    time = np.arange(length, dtype=np.float32)[:, None] / RATE
    return Clip(name, (np.exp(-6 * time) * np.sin(900 * (seed + 1) * time)).astype(np.float32), **known)


def example(generated=12, length=LENGTH):
    """`page.html`'s arguments: a report, clips of three classes, and pairs."""
    rng = np.random.default_rng(0)
    made = [
        clip(str(n), n, length, label=CLASSES[n % 3], confidence=float(rng.uniform()), distance=float(rng.uniform()))
        for n in range(generated)
    ]
    real = [clip(f"{CLASSES[n % 3]}/{n}.wav", n, length, label=CLASSES[n % 3]) for n in range(6)]
    neighbours = list(zip(sorted(made, key=lambda one: one.distance)[:3], real, strict=False))
    scores = [
        {
            "key": key,
            "name": name,
            "better": better,
            "explanation": f"What the {name} says.",
            "values": {one: {"mean": mean, "spread": 0.1} for one, mean in zip(SETS, means, strict=True)},
        }
        for key, (name, better, means) in SCORES.items()
    ]
    report = {
        **{"format": 1, "run": "little drums", "step": 1750, "data": "drums-8k", "clips": 2048, "clips_at_once": 203},
        **{"subsets": 10, "seed": 0, "made": "2026-11-22T23:40:00"},
        "embedding": {
            "name": "own classifier",
            "description": "own classifier, right about 97.3%",
            "test_accuracy": 0.973,
            "classes": list(CLASSES),
        },
        "sets": list(SETS),
        "scores": scores,
        "histogram": {one: dict(zip(CLASSES, (0.5, 0.3, 0.2), strict=True)) for one in SETS[:2]},
        "memorised": {
            **{"share": 0.004, "threshold": 0.41, "usual": 0.01, "sign": 0.047},
            "verdict": "Nothing was memorised.",
        },
        "checkpoints": [
            {"step": step, "scores": {key: {"mean": 5 - step / 500, "spread": 0.1} for key in SCORES}}
            for step in (250, 750, 1250, 1750)
        ],
        "others": [],
        "best_step": 1250,
        "answers": [
            {"question": "Is it any good yet?", "answer": "On its way."},
            {"question": "When to stop?", "answer": "Not yet."},
        ],
        "config": {"preset": "tiny", "finetuned_from": ""},
        "notes": ["Few test clips."],
    }
    return report, made, real, neighbours, RATE


class Tags(HTMLParser):
    """What a browser would see: [(tag, names of its attributes)] and all that is text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text, self.attributes = [], "", []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, [name for name, _ in attrs]))
        self.attributes += attrs

    def handle_data(self, data):
        self.text += data


def sounds(page):
    """The WAV files in a page, decoded, in its order."""
    found = re.findall(r'data-sound="data:audio/wav;base64,([^"]+)"', page)
    return [soundfile.read(io.BytesIO(base64.b64decode(one)), dtype="int16", always_2d=True) for one in found]


def spectrograms(page):
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    return [Image.open(io.BytesIO(base64.b64decode(one))) for one in found]
