"""The page about how good a run's generated sounds are: to listen, to compare, to choose a checkpoint.

One HTML file that needs no network and opens from disk. A clip costs 8/3 bytes a sample and channel, for its WAV file
in base64, and about 10 KB for its two pictures: 2 MB for 100 clips of 4,096 samples, 5.5 MB for 100 of 16,384.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from wavegan.evaluation.page import view
from wavegan.evaluation.page.cards import Clip, cards
from wavegan.evaluation.page.numbers import finite, number, percent, whole_flags
from wavegan.evaluation.protocol import GENERATED


def html(
    report: Mapping[str, Any],
    generated: Sequence[Clip],
    real: Sequence[Clip],
    neighbours: Sequence[tuple[Clip, Clip]],
    sample_rate: int,
) -> str:
    """The page as text, to be written as UTF-8.

    Args:
        report: what `evaluation.json` holds. A mean that is None or not finite is shown as a dash.
        generated: clips to listen to.
        real: clips to compare with, shown beside them.
        neighbours: [(generated clip, its nearest training clip)], nearest first.
        sample_rate: of all clips (Hz), which are of one length.
    """
    gallery = cards([*generated, *real], sample_rate)
    pairs = cards([clip for pair in neighbours for clip in pair], sample_rate)
    script = _file("page.js")
    page = (
        templates()
        .get_template("page.html")
        .render(
            report=report,
            script=Markup(script),
            script_hash=b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            style=Markup(_file("page.css")),
            tiles=view.tiles(report),
            generated=gallery[: len(generated)],
            real=gallery[len(generated) :],
            orders=view.orders(generated),
            classes=view.classes(generated, real),
            pairs=list(zip(pairs[::2], pairs[1::2], strict=True)),
            shares=view.shares(report["histogram"]),
            curves=view.curves(report),
            legend=view.legend(report),
            method=view.method(report),
        )
    )
    # File names can hold bytes that are no UTF-8, as lone surrogates.
    return page.encode("utf-8", "backslashreplace").decode("utf-8")


def templates() -> Environment:
    """The page's templates: whatever they show is escaped, and a name that is missing is an error."""
    found = Environment(loader=PackageLoader(__package__), autoescape=True, undefined=StrictUndefined)
    found.globals["GENERATED"] = GENERATED
    found.tests["finite"] = finite
    found.filters |= {
        "number": number,
        "percent": percent,
        "decimals": view.decimals,
        "arrow": view.ARROWS.get,
        "direction": view.DIRECTIONS.get,
        "place": "{:.1f}".format,
        "whole_flags": whole_flags,
    }
    return found


def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
