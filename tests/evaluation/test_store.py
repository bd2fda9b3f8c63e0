"""What an evaluation leaves on disk."""

import json
import math

import pytest

from tests.evaluation.support import scalars
from wavegan.base.errors import UserError
from wavegan.evaluation import store
from wavegan.evaluation.protocol import GENERATED, NOISE, TEST, WITHOUT_DISTANCES
from wavegan.evaluation.scores.catalogue import NEAR_DUPLICATES


def scores(fd=1.0, **others):
    return {key: {"mean": mean, "spread": None} for key, mean in {"frechet_distance": fd, **others}.items()}


def file_of(path, checkpoints=(), others=(), **more):
    path.write_text(json.dumps({"format": 1, "checkpoints": checkpoints, "others": others, "data": "drums"} | more))


def test_the_scores_of_an_earlier_file_come_back_whatever_their_method(tmp_path):
    path = tmp_path / "evaluation.json"
    rows = [{"step": step, "method": method, "scores": scores(d_self=step)} for method in "xy" for step in (4, 8)]
    file_of(path, rows[:2], rows[2:])
    assert store.earlier(path) == rows
    file_of(path, rows[:2], rows[2:], format=2)
    assert store.earlier(path) == []
    for text in ("", "[]", "{}", "\udcff", '{"format": 1, "checkpoints": [{"step": 4}], "others": []}'):
        path.write_bytes(text.encode(errors="surrogateescape"))
        assert store.earlier(path) == [], text
    assert store.earlier(tmp_path / "missing") == []


@pytest.mark.parametrize(
    "change",
    [{"step": "4"}, {"method": 4}, {"scores": scores(math.nan)}, {"scores": {}}, {"scores": {"frechet_distance": 1.0}}],
)
def test_an_earlier_file_by_somebody_else_counts_only_where_all_of_it_is_of_the_right_kind(tmp_path, change):
    file_of(tmp_path / "evaluation.json", [{"step": 4, "method": "x", "scores": scores()} | change])
    assert store.earlier(tmp_path / "evaluation.json") == []


def test_scores_without_distances_are_never_taken_for_scores_with_them(tmp_path):
    """Of a file of version 0.1 neither, where both kinds have one method."""
    rows = [{"step": step, "method": "x", "scores": scores(**more)} for step, more in ((4, {}), (8, {"d_self": 0.5}))]
    file_of(tmp_path / "evaluation.json", rows)
    found = store.merged(store.earlier(tmp_path / "evaluation.json"), "x", {12: scores(d_self=1.0)})
    assert [row["step"] for row in found["checkpoints"]] == [8, 12]
    assert [(row["step"], row["method"]) for row in found["others"]] == [(4, "x" + WITHOUT_DISTANCES)]
    store.add(tmp_path, 4, "x" + WITHOUT_DISTANCES, scores(2.0))  # the same step once more
    now = json.loads((tmp_path / "evaluation.json").read_text())
    assert [row["step"] for row in now["checkpoints"]] == [8] and now["data"] == "drums"
    assert [(row["step"], row["scores"]) for row in now["others"]] == [(4, scores(2.0))]


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
