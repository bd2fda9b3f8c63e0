"""What a user can choose: what a model can make, and what is refused."""

import pytest

from preprocess.options import Options
from wavegan.base.errors import UserError
from wavegan.data.lengths import LENGTHS, check_length, default_length


@pytest.mark.parametrize(
    ("sample_rate", "length"),
    [(16000, 16384), (8000, 8192), (4000, 4096), (22050, 32768), (44100, 65536), (48000, 65536), (1000, 1024)],
)
def test_the_default_length_is_one_second_rounded_up(sample_rate, length):
    assert default_length(sample_rate) == length and Options(sample_rate=sample_rate).clip_length == length


@pytest.mark.parametrize("length", [256, 4096, 8192, 16384, 32768, 65536, 1048576])
def test_lengths_of_16_times_4s_and_2s_are_accepted(length):
    assert check_length(length) == length and length in LENGTHS


@pytest.mark.parametrize(("length", "near"), [(20000, 16384), (16000, 16384), (0, 256), (-5, 256), (10**9, 1048576)])
def test_other_lengths_are_refused_with_one_that_works(length, near):
    message = f"--length must be 16 × a power of two, such as {near}. Received: {length}."
    with pytest.raises(UserError) as error:
        Options(length=length)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_rate": 0}, "--sample-rate must be between 1000 and 192000 Hz. Received: 0"),
        ({"channels": 3}, "--channels must be 1 or 2. Received: 3"),
        ({"slices": "some"}, "--slices must be first or all. Received: some"),
        ({"normalize": "rms"}, "--normalize must be none or peak. Received: rms"),
        ({"classes": ()}, "--classes must name at least one folder"),
        ({"classes": (",", " ")}, "--classes must name at least one folder"),
        ({"label": "folder"}, "--label must be parent, top, or a regular expression with a group, .* Received: folder"),
        ({"label": "("}, "--label must be parent, top, or a regular expression with a group"),
        ({"validation": -1}, "--validation must be a percentage from 0 to below 100. Received: -1"),
        ({"test": float("nan")}, "--test must be a percentage"),
        ({"validation": 50, "test": 50}, "must leave something to train on. Received: 50 \\+ 50"),
        ({"workers": 0}, "--workers must be 1 or more. Received: 0"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        Options(**options)
