"""From recordings to a data set: audio files in, TFRecords and `dataset.json` out.

`python -m preprocess --help` is the way in; `preprocess.convert.prepare` is the same as a function.
"""


class UserError(Exception):
    """A user's mistake. Commands show it as one line `error: …` on standard error and exit with code 2.

    Its text names the flag or file, what was expected, what was received, and the way out.
    """
