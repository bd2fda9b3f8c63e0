"""The one error that a person is shown as a line."""


class UserError(Exception):
    """A user's mistake. Commands show it as one line `error: …` on standard error and exit with code 2.

    Its text names the flag or file, what was expected, what was received, and the way out.
    """
