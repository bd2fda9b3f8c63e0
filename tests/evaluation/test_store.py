"""What an evaluation leaves on disk."""

import json

import pytest

from tests.evaluation.support import scalars
from wavegan.base.errors import UserError
from wavegan.evaluation import store
from wavegan.evaluation.protocol import GENERATED, NOISE, TEST
from wavegan.evaluation.scores.catalogue import NEAR_DUPLICATES


def test_the_scores_of_an_earlier_file_come_back_whatever_their_method(tmp_path):
    path = tmp_path / "evaluation.json"
    rows = [{"step": step, "method": method, "scores": {"d_self": step}} for method in "xy" for step in (4, 8)]
    path.write_text(json.dumps({"format": 1, "checkpoints": rows[:2], "others": rows[2:], "data": "drums"}))
    assert store.earlier(path) == rows
    path.write_text(json.dumps({"format": 2, "checkpoints": rows[:2], "others": rows[2:]}))
    assert store.earlier(path) == []
    for text in ("", "[]", "{}", "\udcff", '{"format": 1, "checkpoints": [{"step": 4}], "others": []}'):
        path.write_bytes(text.encode(errors="surrogateescape"))
        assert store.earlier(path) == [], text
    assert store.earlier(tmp_path / "missing") == []


def test_scores_of_now_replace_those_of_their_step_and_method_and_leave_all_others():
    """Of a file of version 0.1, too, whose score of near-duplicates has the same key."""
    rows = [{"step": step, "method": method, "scores": {"twins": step}} for method in "xy" for step in (4, 8)]
    found = store.merged(rows, "x", {8: {NEAR_DUPLICATES: 0.5}, 2: {NEAR_DUPLICATES: 0.1}})
    assert [(row["step"], row["scores"]) for row in found["checkpoints"]] == [
        (2, {"twins": 0.1}), (4, {"twins": 4}), (8, {"twins": 0.5})
    ]  # fmt: skip
    assert {row["method"] for row in found["checkpoints"]} == {"x"} and found["others"] == rows[2:]


def test_the_scores_of_each_step_and_the_references_beside_them_replace_what_was_logged(tmp_path):
    references = {TEST: {"d_self": {"mean": 2.0}}, NOISE: {"d_self": {"mean": 3.0}}}
    for factor in (10.0, 1.0):
        checkpoints = [{"step": step, "scores": {"d_self": {"mean": factor * step}}} for step in (4, 8)]
        store.log(tmp_path, checkpoints, references)
    assert scalars(tmp_path / GENERATED, "quality/d_self") == {4: 4.0, 8: 8.0}
    assert scalars(tmp_path / TEST, "quality/d_self") == {4: 2.0, 8: 2.0}
    assert scalars(tmp_path / NOISE, "quality/d_self") == {4: 3.0, 8: 3.0}


def test_a_report_that_cannot_be_written_says_where(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="evaluation .*file cannot be written"):
        store.save(tmp_path / "file", {}, "")
