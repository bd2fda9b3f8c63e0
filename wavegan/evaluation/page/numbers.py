"""Numbers as a person reads them on the page."""

import math
from collections.abc import Iterable
from typing import TypeGuard

NOTHING = "–"  # where there is no value


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
