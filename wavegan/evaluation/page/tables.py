"""What the page says in numbers: the scores, the shares of the classes, the curves, the settings."""

from wavegan.evaluation.page.charts import chart
from wavegan.evaluation.page.markup import decimals_for, finite, number, percent, text
from wavegan.evaluation.protocol import GENERATED, NOISE, reference_set

DIRECTIONS = {
    "higher": "higher is better",
    "lower": "lower is better",
    "near test": "near the test data is better",
    "": "describes, does not judge",
}
ARROWS = {"higher": "↑", "lower": "↓", "near test": "≈", "": "·"}


def decimals(score):
    """How many decimals a score is shown with, the same for every set."""
    return decimals_for(
        score["values"].get(name, {}).get("mean") for name in (GENERATED, reference_set(score["values"]))
    )


def scores(report):
    """The table of all scores: a row a score, a column a set."""
    heads = "".join(f'<th scope="col" class="number">{text(name)}</th>' for name in report["sets"])
    rows = "".join(_row(score, report["sets"]) for score in report["scores"])
    return (
        f'<table class="scores"><thead><tr><th scope="col">score</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _row(score, sets):
    cells = "".join(_cell(name, score["values"].get(name, {}), decimals(score)) for name in sets)
    return (
        f'<tr><th scope="row">{text(score["name"])} <span class="direction">{_direction(score)}</span>'
        f"<small>{text(score['explanation'])}</small></th>{cells}</tr>"
    )


def _direction(score):
    return f"{ARROWS[score['better']]} {DIRECTIONS[score['better']]}"


def _cell(name, value, places):
    mean, spread = value.get("mean"), value.get("spread")
    beside = f"<small>± {number(spread, places)}</small>" if finite(mean) and finite(spread) else ""
    kind = ' class="number generated"' if name == GENERATED else ' class="number"'
    return f'<td{kind} data-set="{text(name)}"><span>{number(mean, places)}</span>{beside}</td>'


def histogram(shares):
    """The share of every class in every set, as bars; nothing where there are no classes.

    Args:
        shares: {set: {class: share, 0 to 1}}.
    """
    if not shares:
        return ""
    labels = sorted({label for set_shares in shares.values() for label in set_shares})
    most = max(share for set_shares in shares.values() for share in set_shares.values()) or 1
    rows = "".join(
        f'<tr><th scope="row"><bdi>{text(label)}</bdi></th>'
        + "".join(_bar(name, shares[name].get(label, 0), most) for name in shares)
        + "</tr>"
        for label in labels
    )
    heads = "".join(f'<th scope="col">{text(name)}</th>' for name in shares)
    return (
        "<h3>How often each class comes</h3><p class='quiet'>A generator that knows all of the data makes every class "
        "about as often as the recordings have it; a class that is missing was not learned.</p>"
        f'<table class="shares"><thead><tr><th scope="col">class</th>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _bar(name, share, most):
    kind = "generated" if name == GENERATED else "real"
    bar = f'<i class="{kind}" style="width:{100 * share / most:.1f}%"></i>'
    return f'<td><div class="bar"><span>{percent(share)}</span><div>{bar}</div></div></td>'


def curves(report):
    """A small curve for every score that at least two checkpoints have."""
    drawn = "".join(_figure(score, report) for score in report["scores"] if len(_points(score, report)) > 1)
    if not drawn:
        return "<p class='quiet'>One checkpoint was measured, so there is no curve to draw.</p>"
    legend = {"generated": GENERATED, "real": reference_set(report["sets"]), "noise": NOISE}
    if report["best_step"] is not None:
        legend["best"] = f"best checkpoint, step {number(report['best_step'], 0)}"
    keys = "".join(f"<span class='{kind}'>{words}</span>" for kind, words in legend.items())
    return (
        "<p class='quiet'>Each dot is a checkpoint, the band its spread.</p><p class='legend'>"
        f"{keys}</p><div class='charts'>{drawn}</div>"
    )


def _points(score, report):
    """[(step, mean, spread)] of the checkpoints that have this score, steps ascending."""
    found = [(checkpoint["step"], checkpoint["scores"].get(score["key"], {})) for checkpoint in report["checkpoints"]]
    points = [(step, value["mean"], value.get("spread")) for step, value in found if finite(value.get("mean"))]
    return sorted((step, mean, spread if finite(spread) else None) for step, mean, spread in points)


def _figure(score, report):
    values = score["values"]
    means = {name: values.get(name, {}).get("mean") for name in (reference_set(values), NOISE)}
    levels = {name: mean for name, mean in means.items() if finite(mean)}
    drawn = chart(_points(score, report), levels, report["best_step"], score["name"])
    return (
        f'<figure><figcaption>{text(score["name"])} <span class="direction">{_direction(score)}</span></figcaption>'
        f"{drawn}</figure>"
    )


def listing(values):
    """Names and values, in columns."""
    rows = "".join(
        f"<div><dt>{text(name).replace('_', ' ')}</dt><dd>{text(value) or '–'}</dd></div>"
        for name, value in values.items()
    )
    return f"<dl>{rows}</dl>"
