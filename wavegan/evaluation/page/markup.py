"""Values as text of an HTML page."""

import math
from html import escape

NOTHING = "–"  # where there is no value


def text(value):
    """`value` as HTML text or attribute: nothing in it is markup, and it can be written as UTF-8.

    File names can hold anything, bytes that are no UTF-8 (as lone surrogates) included.
    """
    return escape(str(value).encode("utf-8", "backslashreplace").decode("utf-8"))


def finite(value):
    """Whether `value` is a number to show: not None, not NaN, not infinite."""
    return value is not None and math.isfinite(value)


def number(value, decimals):
    """12345.6 with one decimal is 12,345.6; what is not finite is a dash."""
    return f"{value:,.{decimals}f}".replace("-", "−") if finite(value) else NOTHING


def decimals_for(values):
    """How many decimals show two or three digits of the smallest of `values`: 123, 12.3, 1.23, 0.12, 0.012."""
    sizes = [abs(value) for value in values if finite(value) and value != 0]
    exponent = math.floor(math.log10(min(sizes))) if sizes else 0
    return min(max(2 - exponent - (exponent < 0), 0), 3)


def percent(share, decimals=1):
    """0.123 is 12.3 %."""
    return f"{number(100 * share, decimals)} %" if finite(share) else NOTHING
