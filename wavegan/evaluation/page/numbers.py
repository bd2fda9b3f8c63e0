"""Numbers, and texts with commands in them, as a person reads them on the page."""

import math
import re
from collections.abc import Iterable
from typing import TypeGuard

from markupsafe import Markup, escape

NOTHING = "–"  # where there is no value
FLAG = re.compile(r"(?<![\w-])(--?[a-z][\w-]*)")


def finite(value: float | None) -> TypeGuard[float]:
    """Whether `value` is a number to show: not None, not NaN, not infinite."""
    return value is not None and math.isfinite(value)


def number(value: float | None, decimals: int) -> str:
    """12345.6 with one decimal is 12,345.6; what is not finite is a dash."""
    return f"{value:,.{decimals}f}".replace("-", "−") if finite(value) else NOTHING


def decimals_for(values: Iterable[float | None]) -> int:
    """How many decimals show two or three digits of the smallest of `values`: 123, 12.3, 1.23, 0.12, 0.012."""
    sizes = [abs(value) for value in values if finite(value) and value != 0]
    exponent = math.floor(math.log10(min(sizes))) if sizes else 0
    return min(max(2 - exponent - (exponent < 0), 0), 3)


def percent(share: float | None, decimals: int = 1) -> str:
    """0.123 is 12.3 %."""
    return f"{number(100 * share, decimals)} %" if finite(share) else NOTHING


def whole_flags(text: str) -> Markup:
    """`text` escaped, its flags in elements that no line break divides: after the hyphens of `--run` there may be one.

    >>> str(whole_flags("train --run <x>"))
    'train <span class="flag">--run</span> &lt;x&gt;'
    """
    parts = FLAG.split(text)
    return Markup("").join(
        Markup('<span class="flag">{}</span>').format(part) if place % 2 else escape(part)
        for place, part in enumerate(parts)
    )
