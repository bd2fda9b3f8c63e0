"""From recordings to a data set: audio files in, TFRecords and `dataset.json` out.

`python -m preprocess --help` is the way in; `preprocess.convert.prepare` is the same as a function.
"""

import sys
from importlib.util import find_spec

if missing := [name for name in ("numpy", "keras") if find_spec(name) is None]:
    print(
        f"error: the package {missing[0]} is not installed for {sys.executable}. Activate the environment (after make: "
        ". .venv/bin/activate), or install: python -m pip install -e .",
        file=sys.stderr,
    )
    raise SystemExit(2)


class UserError(Exception):
    """A user's mistake. Commands show it as one line `error: …` on standard error and exit with code 2.

    Its text names the flag or file, what was expected, what was received, and the way out.
    """
