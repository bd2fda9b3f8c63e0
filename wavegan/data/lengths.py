"""The one rule for the length of a clip, for every model family."""

from wavegan.base.errors import UserError

RULE = "16 × a power of two"
LENGTHS = tuple(16 * 2**k for k in range(4, 17))  # samples: 256 … 1,048,576


def check_length(length: int) -> int:
    """Returns `length` (samples) where a clip can have it, raises `UserError` naming --length otherwise."""
    if length not in LENGTHS:
        nearest = min(LENGTHS, key=lambda possible: abs(possible - length))
        raise UserError(f"--length must be {RULE}, such as {nearest}. Received: {length}.")
    return length


def default_length(sample_rate: int) -> int:
    """One second at `sample_rate` (Hz), rounded up to the next length (samples) that a clip can have."""
    return next(length for length in LENGTHS if length >= sample_rate)
