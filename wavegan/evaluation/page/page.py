"""The page about how good a run's generated sounds are: to listen, to compare, to choose a checkpoint.

One HTML file that needs no network and opens from disk. A clip costs 8/3 bytes a sample and channel, for its WAV file
in base64, and about 10 KB for its two pictures: 2 MB for 100 clips of 4,096 samples, 5.5 MB for 100 of 16,384.
"""

import hashlib
from base64 import b64encode
from dataclasses import dataclass
from importlib import resources
from string import Template

import numpy as np

from wavegan.evaluation import protocol
from wavegan.evaluation.page import tables
from wavegan.evaluation.page.cards import cards
from wavegan.evaluation.page.markup import number, percent, text

ORDERS = {  # value of the sorting menu: (what a person reads, what the clips must have for it)
    "label": ("class", "label"),
    "confidence-down": ("certainty, surest first", "confidence"),
    "confidence-up": ("certainty, least sure first", "confidence"),
    "distance-up": ("distance to training data, nearest first", "distance"),
    "distance-down": ("distance to training data, farthest first", "distance"),
    "name": ("name", "name"),
}


@dataclass(frozen=True)
class Clip:
    """A sound on the page.

    Attributes:
        name: a number such as "017", or a training file's path.
        audio: float32 [time, channels] in [-1, 1].
        label: its class: predicted for generated clips, the folder's for real ones; None where there are no classes.
        confidence: of that class, 0 to 1; None where nothing was predicted.
        distance: to the nearest training clip, in units of the test clips' mean distance; None where not measured.
    """

    name: str
    audio: np.ndarray
    label: str | None = None
    confidence: float | None = None
    distance: float | None = None


def html(report, generated, real, neighbours, sample_rate):
    """The page as text, to be written as UTF-8.

    Args:
        report: what `evaluation.json` holds. A mean that is None or not finite is shown as a dash.
        generated: `Clip`s to listen to.
        real: `Clip`s to compare with, shown beside them.
        neighbours: [(generated clip, its nearest training clip)], nearest first.
        sample_rate: of all clips (Hz), which are of one length.
    """
    style, script, skeleton = (
        resources.files(__package__).joinpath(f"page.{kind}").read_text(encoding="utf-8")
        for kind in ("css", "js", "html")
    )
    parts = {
        "script_hash": b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        "style": style,
        "script": script,
        "run": text(report["run"]),
        "facts": _facts(report),
        "judge": text(report["embedding"]["description"]),
        "notes": "".join(f"<li>{text(note)}</li>" for note in report["notes"]),
        "tiles": _tiles(report),
        "answers": "".join(
            f"<div><dt>{text(each['question'])}</dt><dd>{text(each['answer'])}</dd></div>" for each in report["answers"]
        ),
        "sounds": _sounds(generated, real, sample_rate),
        "scores": tables.scores(report),
        "histogram": tables.histogram(report["histogram"]),
        "memorised": _memorised(report["memorised"], neighbours, sample_rate),
        "curves": tables.curves(report),
        "method": tables.listing(_method(report)),
        "configuration": tables.listing(report["config"]),
    }
    return Template(skeleton).substitute(parts)


def _facts(report):
    facts = [
        f"step {number(report['step'], 0)}",
        f"{number(report['clips'], 0)} generated clips",
        f"data {text(report['data'])}",
        text(report["made"][:16].replace("T", " ")),  # without the seconds
    ]
    return " · ".join(f"<span>{fact}</span>" for fact in facts)


def _tiles(report):
    """The first scores, what was memorised and the best checkpoint, large."""
    tiles = [_score_tile(score, report["sets"]) for score in report["scores"][:3]]
    memorised = report["memorised"]
    tiles.append(_tile("Memorised", percent(memorised["share"]), "of the generated clips; 0 is best", "#memorised"))
    if report["best_step"] is not None:
        here = "this one" if report["best_step"] == report["step"] else f"this page: {number(report['step'], 0)}"
        tiles.append(_tile("Best checkpoint", number(report["best_step"], 0), f"step; {here}", "#checkpoints"))
    return "".join(tiles)


def _score_tile(score, sets):
    decimals = tables.decimals(score)
    means = {name: number(score["values"].get(name, {}).get("mean"), decimals) for name in sets}
    others = "<br>".join(
        f"{text(name)} {means[name]}" for name in sets if name in (protocol.reference_set(sets), protocol.NOISE)
    )
    direction = tables.DIRECTIONS[score["better"]]
    return _tile(text(score["name"]), means[protocol.GENERATED], f"{direction}<br>{others}", "#scores")


def _tile(name, value, words, target):
    return f'<a class="tile" href="{target}"><b>{name}</b><strong>{value}</strong><small>{words}</small></a>'


def _sounds(generated, real, sample_rate):
    """The gallery: the menu, a filter for every class, and all cards; page.js groups and orders them."""
    known = {"name"} | {
        key for key in ("label", "confidence", "distance") if any(getattr(clip, key) is not None for clip in generated)
    }
    options = "".join(
        f'<option value="{value}">{words}</option>' for value, (words, needed) in ORDERS.items() if needed in known
    )
    labels = {clip.label for clip in (*generated, *real)} - {None} if "label" in known else ()
    chosen = "".join(
        f'<button class="chip" aria-pressed="false" data-label="{text(label)}"><bdi>{text(label)}</bdi> '
        f"<span>{sum(clip.label == label for clip in generated)}</span></button>"
        for label in sorted(labels)
    )
    every = f'<button class="chip" aria-pressed="true">all <span>{len(generated)}</span></button>' if labels else ""
    drawn = cards([*generated, *real], sample_rate)
    return (
        f'<div class="tools"><label>Sort by <select id="order">{options}</select></label>'
        f'<button id="all" class="plain">Play these one by one</button><div class="chips">{every}{chosen}</div></div>'
        f'<div id="clips"><div class="group"><div class="side generated"><h4>Generated</h4>'
        f'<div class="cards">{"".join(drawn[: len(generated)])}</div></div><div class="side real"><h4>Real</h4>'
        f'<div class="cards">{"".join(drawn[len(generated) :])}</div></div></div></div>'
    )


def _memorised(memorised, neighbours, sample_rate):
    facts = (
        f"<p>{text(memorised['verdict'])}</p>"
        f"<p class='quiet'>{percent(memorised['share'])} of the generated clips are nearer to a training clip than "
        f"{number(memorised['threshold'], 2)}. A distance (↔) of 1 is that of an average recording which does not "
        "count as training data; 0 is a copy. Below are the clips nearest to a training clip: listen whether they are "
        "the same sound.</p>"
    )
    drawn = cards([clip for pair in neighbours for clip in pair], sample_rate)
    pairs = "".join(
        f'<li><div class="generated">{made}</div><div class="real">{nearest}</div></li>'
        for made, nearest in zip(drawn[::2], drawn[1::2], strict=True)
    )
    return f"{facts}<ol class='pairs'>{pairs}</ol>" if pairs else facts


def _method(report):
    embedding = report["embedding"]
    method = {
        "clips": report["clips"],
        "clips at once": report["clips_at_once"],
        "subsets": report["subsets"],
        "seed": report["seed"],
        "compared by": embedding["name"],
    }
    if embedding["test_accuracy"] is not None:
        method["right about test clips"] = percent(embedding["test_accuracy"])
    return method
