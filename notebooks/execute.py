"""Execute a notebook, first cell to last, and keep what it shows: python notebooks/execute.py FILE NAME=VALUE…

What is given as NAME=VALUE, where VALUE is written as in Python, stands in for that line of the notebook's cell of
settings, and leaves no trace in the file but the outputs. Every code cell keeps a checksum of its source, by which
`stale` tells a cell that was changed since.
"""

import argparse
import base64
import hashlib
import io
import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = "parameters"  # tag of the cell whose values can be given
CHECKSUM = "sha256"  # of a cell's source when it was executed, in its metadata
COLOURS = 64  # of a picture that is kept


def executed(path, folder, given=(), timeout_s=600):
    """The notebook at `path` with the outputs that it has when it is executed in `folder`.

    Args:
        path: of the .ipynb file.
        folder: its working directory.
        given: lines of Python that stand in for settings.
        timeout_s: of a cell.

    Raises CellExecutionError, which shows the cell and the error, where one fails.
    """
    notebook = nbformat.read(path, as_version=4)
    place = 1 + next(index for index, cell in enumerate(notebook.cells) if SETTINGS in cell.metadata.get("tags", ()))
    notebook.cells.insert(place, nbformat.v4.new_code_cell("\n".join(given)))
    client = NotebookClient(notebook, timeout=timeout_s, resources={"metadata": {"path": str(folder)}})
    client.coalesce_streams = True
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore:IProgress"})
    del notebook.cells[place]
    for number, cell in enumerate(code_cells(notebook), 1):
        cell.metadata[CHECKSUM] = checksum(cell)
        cell.execution_count = number
        for output in cell.outputs:
            if "execution_count" in output:
                output.execution_count = number
            if "image/png" in output.get("data", {}):
                output.data["image/png"] = smaller(output.data["image/png"])
    return notebook


def code_cells(notebook):
    """The cells of a notebook that hold code."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def checksum(cell):
    """SHA-256 of a cell's source, hexadecimal."""
    return hashlib.sha256(cell.source.encode()).hexdigest()


def stale(notebook):
    """The first lines of the code cells whose outputs are not of their source, or that were never executed."""
    return [
        (cell.source.splitlines() or ["an empty cell"])[0]
        for number, cell in enumerate(code_cells(notebook), 1)
        if cell.metadata.get(CHECKSUM) != checksum(cell) or cell.execution_count != number
    ]


def smaller(picture):
    """A PNG file in base64 with at most `COLOURS` colours, in base64."""
    file = io.BytesIO()
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    image.quantize(COLOURS).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode()


def parser():
    """Of the command."""
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("file", help="the notebook, which gets its outputs")
    flags.add_argument("given", nargs="*", metavar="NAME=VALUE", help="lines of Python that stand in for settings")
    return flags


def main():
    """Executes the notebook in a new folder and writes its outputs into it."""
    flags = parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        notebook = executed(flags.file, folder, flags.given, timeout_s=None)
    nbformat.write(notebook, flags.file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
