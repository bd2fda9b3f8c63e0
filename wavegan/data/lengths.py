"""The one rule for the length of a clip, for every model family."""

from wavegan.base.errors import UserError

RULE = "16 × a product of 4s and 2s"
# The generator starts at 16 samples and every layer multiplies by 4 or 2.
LENGTHS = tuple(16 * 2**k for k in range(4, 17))  # samples: 256 … 1,048,576


def check_length(length: int, flag: str = "--length") -> int:
    """Returns `length` (samples) where the model can make it, raises `UserError` naming `flag` otherwise."""
    if length not in LENGTHS:
        nearest = min(LENGTHS, key=lambda possible: abs(possible - length))
        raise UserError(f"{flag} must be {RULE}, such as {nearest}. Received: {length}.")
    return length


def default_length(sample_rate: int) -> int:
    """One second at `sample_rate` (Hz), rounded up to the next length (samples) that the model can make."""
    return next(length for length in LENGTHS if length >= sample_rate)
