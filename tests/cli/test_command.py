import pytest

from wavegan.base.errors import UserError
from wavegan.cli.command import Parser, at_least, exit_code


@pytest.mark.parametrize(("problem", "code"), [(None, 0), (UserError("no."), 2), (KeyboardInterrupt(), 130)])
def test_exit_codes(problem, code, capsys):
    def body():
        if problem is not None:
            raise problem

    assert exit_code(body) == code
    assert len(capsys.readouterr().err.splitlines()) == (1 if code else 0)


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        exit_code(lambda: 1 / 0)


def test_a_package_that_is_missing_is_named_and_one_that_is_broken_is_not_called_missing(capsys):
    def body(name):
        raise ModuleNotFoundError(name=name)

    assert exit_code(body, "no_such_package.part") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: the package no_such_package.part is not installed for")
    with pytest.raises(ModuleNotFoundError):
        exit_code(body, "wavegan.no_such_module")


def test_flags_are_not_guessed_from_their_beginnings(capsys):
    parser = Parser(prog="x")
    parser.add_argument("--steps", type=at_least(1))
    with pytest.raises(SystemExit) as exit:
        parser.parse_args(["--step", "4"])
    assert exit.value.code == 2
    assert capsys.readouterr().err == "error: unrecognized arguments: --step 4. See x --help.\n"
