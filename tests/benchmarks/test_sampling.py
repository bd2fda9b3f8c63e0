"""Ways to sample, and strengths, beside each other (`python -m benchmarks sampling`)."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks import sampling as tool
from benchmarks.__main__ import main


def rows_of(shown):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in shown.splitlines() if line[0] == "|"]


def test_every_way_is_scored_and_stands_in_a_row(flow_run, monkeypatch, capsys):
    heard = []

    def found(evaluation, audio, classes, config):
        assert audio.shape == (50, 1024, 1) and classes.shape == (50, 3)
        heard.append(audio)
        return {"fd": 10.0 + len(heard), "is": 2.0}

    monkeypatch.setattr(tool, "Evaluation", lambda directory, info, n: SimpleNamespace(n=n, seed=0))
    monkeypatch.setattr(tool, "of_sounds", found)
    words = ["sampling", "--run", str(flow_run), "--n", "50", "--steps", "1", "3", "--guidance", "1", "1.5"]
    assert main([*words, "--solver", "euler"]) == 0
    heads, _, *rows = rows_of(capsys.readouterr().out)
    assert heads[:4] == ["solver", "steps", "guidance", "FD"] and heads[-1] == "seconds"
    ways = [
        ["euler", "1", "1", "11"],
        ["euler", "1", "1.5", "12"],
        ["euler", "3", "1", "13"],
        ["euler", "3", "1.5", "14"],
    ]
    assert [row[:2] + [f"{float(cell):g}" for cell in row[2:4]] for row in rows] == ways
    for other in range(1, 4):
        assert not np.array_equal(heard[0], heard[other])


def test_strengths_lead_from_the_recordings_to_other_sounds(flow_run, capsys):
    assert main(["sampling", "--run", str(flow_run), "--strength", "0", "1"]) == 0
    heads, _, same, other = rows_of(capsys.readouterr().out)
    assert heads == ["strength", "dB", "loudness"]
    assert float(same[1]) < 0.1 and float(same[2]) == pytest.approx(1, abs=1e-3)
    assert float(other[1]) > 5


def test_a_family_of_one_way_is_one_line(trained, capsys):
    assert main(["sampling", "--run", str(trained)]) == 2
    assert "is a WaveGAN, whose sounds are made in one way. Give another --run." in capsys.readouterr().err
