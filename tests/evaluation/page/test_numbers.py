"""Numbers are written for people."""

import pytest

from wavegan.evaluation.page.numbers import decimals_for, number, percent


@pytest.mark.parametrize(
    ("value", "written"), [(12345.6, "12,345.6"), (-0.5, "−0.5"), (None, "–"), (float("nan"), "–"), (float("inf"), "–")]
)
def test_numbers_are_written_for_people(value, written):
    assert number(value, 1) == written


def test_decimals_follow_the_smallest_value_and_shares_are_percent():
    assert [decimals_for([value, 5000]) for value in (123, 12.3, 1.23, 0.12, 0.012, 0.0001, 0)] == [0, 1, 2, 2, 3, 3, 0]
    assert decimals_for([None, 0]) == 2 and percent(0.1234) == "12.3 %" and percent(1, 0) == "100 %"
