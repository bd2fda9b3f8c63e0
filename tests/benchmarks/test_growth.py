"""The corpora of `growth` are what they are said to be, and every stage of each is measured."""

import json

from benchmarks import growth
from benchmarks.__main__ import main
from wavegan.cli.preprocess import main as preprocess
from wavegan.data.schema import SPLITS, DatasetInfo

STAGES = ["prepare", "open", "shuffle", "train", "evaluate"]


def test_every_stage_of_every_corpus_is_measured(monkeypatch, tmp_path):
    clips = []

    def measured(command):
        words = [str(word) for word in command]
        if "preprocess" in words:
            assert preprocess(words[2:]) == 0
            info = DatasetInfo.load(words[words.index("--out") + 1])
            assert len(info.classes) == growth.CLASSES and not info.report["skipped"]
            clips.append(sum(info.splits[split]["clips"] for split in SPLITS))
        return {"seconds": 2.0, "cpu_seconds": 1.0, "peak_memory_mib": 3.0}

    monkeypatch.setattr(growth, "PER_ARCHIVE", 60)
    monkeypatch.setattr(growth, "_measured", measured)
    out = tmp_path / "results.jsonl"
    assert main(["growth", "--clips", "100", "130", "--out", str(out)]) == 0
    figures = json.loads(out.read_text())["figures"]
    assert clips == [100, 130]
    assert [(row["stage"], row["clips"]) for row in figures] == [(stage, n) for n in clips for stage in STAGES]


def test_memory_is_that_of_the_command_and_not_of_who_measures():
    held = bytearray(200 << 20)
    found = growth._measured(["-S", "-c", "x = bytearray(64 << 20); print(len(x))"])
    assert len(held) > 0 and 64 < found["peak_memory_mib"] < 150 and found["cpu_seconds"] > 0
