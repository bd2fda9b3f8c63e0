"""What an evaluation leaves behind: beside what others leave at the same time, and for others to see."""

import json
import sys
from dataclasses import replace

import pytest

from wavegan.base.errors import UserError
from wavegan.base.locks import locked
from wavegan.cli import evaluate as evaluate_command
from wavegan.data.schema import DatasetInfo
from wavegan.evaluation import evaluate, store
from wavegan.evaluation.page.page import html
from wavegan.runs.run import Run


def test_nobody_waits_while_the_page_is_made_and_scores_that_come_meanwhile_are_on_it(run, monkeypatch, capsys):
    folder, made = run / "evaluation", []
    scores = {"frechet_distance": {"mean": 1.0, "spread": None}}

    def slow(report, *rest):
        with locked(folder / ".lock"):  # raises where anybody holds it
            pass
        if not made:
            store.add(folder, 4, "another method", scores)
        made.append(html(report, *rest))
        return made[-1]

    monkeypatch.setattr(evaluate, "html", slow)
    assert evaluate_command.main(["--run", str(run), "--n", "50"]) == 0
    report = json.loads((folder / "evaluation.json").read_text())
    assert [(row["step"], row["scores"]) for row in report["others"]] == [(4, scores)]
    assert len(made) == 2 and (folder / "evaluation.html").read_text(encoding="utf-8") == made[1]


@pytest.mark.parametrize(
    ("name", "part"),
    [("..\\..\\x", ".._.._x"), ("C:x\x1b", "C_x_"), ("x" * 1500, "x" * 60), ("kleine Trömmelchen", None)],
)
def test_the_folder_of_an_evaluation_by_other_recordings_lies_in_the_run(kit, run, monkeypatch, name, part):
    def stop(*arguments):
        raise UserError("enough")

    monkeypatch.setattr(evaluate, "is_fingerprint_of", lambda *_: False)
    monkeypatch.setattr(evaluate, "Evaluation", stop)
    before = set(run.parent.rglob("*"))
    with pytest.raises(UserError, match="enough"):
        evaluate.evaluate(Run(run), [None], str(kit), replace(DatasetInfo.load(kit), name=name), 50)
    assert set(run.parent.rglob("*")) - before == {run / f"evaluation by {part or name}"}


def test_what_others_see_names_no_folder_of_this_machine(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "programs" / "evaluate.py")])
    config = replace(Run(run).config(), finetuned_from=f"{tmp_path / 'private' / 'first'}, step 10")
    config.save(run / "config.json")
    assert evaluate_command.main(["--run", str(run), "--n", "50"]) == 0
    assert f"python {tmp_path}/programs/generate.py --run {run} --checkpoint" in capsys.readouterr().out
    for name in ("evaluation.json", "evaluation.html"):
        shown = (run / "evaluation" / name).read_text(encoding="utf-8")
        assert str(tmp_path) not in shown and config.data.directory not in shown
        assert "first, step 10" in shown and "generate.py" in shown


def test_a_path_in_a_config_that_can_be_none_is_an_error_of_one_line(run, capsys):
    config = Run(run).config()
    for directory in ("x" * 5000, "nul\0"):
        replace(config, data=replace(config.data, directory=directory)).save(run / "config.json")
        assert evaluate_command.main(["--run", str(run)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "is not there any more. Give it with --data" in line
