"""Worker processes: light, and with a bounded amount of work on its way to them."""

import subprocess
import sys
from pathlib import Path

from preprocess import workers

ROOT = Path(workers.__file__).parents[1]


def test_workers_need_neither_tensorflow_nor_librosa():
    heavy = "{'tensorflow', 'librosa', 'keras'} & {*sys.modules}"
    code = f"import sys, preprocess.workers, preprocess.drumkit; print(*{heavy})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_large_members_wait_outside_the_memory(monkeypatch):
    """A task takes all its files' bytes with it; twice as many tasks as processes with 1 GiB each would not fit."""
    monkeypatch.setattr(workers, "UNDER_WAY_BYTES", 1000)
    drawn = []
    tasks = ((index, [drawn.append(index) or bytes(600)]) for index in range(5))
    results = workers.in_order(tasks, len, 2)
    assert next(results) == (0, 1) and drawn == [0, 1]
    assert [key for key, _ in results] == [1, 2, 3, 4]
