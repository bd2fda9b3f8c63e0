"""Where a data set may be made: in a new folder, or in place of another data set."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from wavegan.base.errors import UserError
from wavegan.base.files import staged_folder
from wavegan.base.locks import Held
from wavegan.base.text import printable, warn
from wavegan.data.schema import FILE_NAME


def check_destination(out: Path, overwrite: bool) -> None:
    """Raises `UserError` where `out` exists, unless it is a data set (or empty) that may be overwritten."""
    text = printable(out)
    if not os.path.lexists(out):
        return
    if not out.is_dir():
        raise UserError(f"--out must be a folder to be made. Received the file {text}.")
    if not overwrite:
        raise UserError(f"--out {text} exists. Choose another name, or replace it with --overwrite.")
    if any(out.iterdir()) and not (out / FILE_NAME).is_file():
        raise UserError(f"--overwrite replaces data sets only, and {text} holds no {FILE_NAME}. Choose another name.")


@contextmanager
def staged(out: Path, overwrite: bool) -> Iterator[Path]:
    """Gives a new directory beside `out` and moves it there at the end, as `staged_folder` does.

    Raises:
        UserError: as in `check_destination`, and where another process makes `out`.
    """
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(staged_folder(out.resolve(), warn, overwrite))
        except Held as holder:
            raise UserError(
                f"--out {printable(out)} is being made by {holder}. Let it finish, stop it, or choose another name."
            ) from None
        check_destination(out, overwrite)  # an older data set may just have come back
        yield folder.partial
