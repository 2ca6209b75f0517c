from __future__ import annotations

import errno
import io
import json
from typing import TYPE_CHECKING

import click
import pytest

from slipway import errors
from slipway.cli.exits import EXITS, guard, render, status_of
from slipway.cli.face import Face
from slipway.cli.text import Paint
from slipway.errors import Problem, RecipeError, SlipwayError, StoreError, VerifyError, Where

if TYPE_CHECKING:
    from collections.abc import Callable


def raising(error: BaseException) -> Callable[[], object]:
    def action() -> object:
        raise error

    return action


def test_every_error_of_the_tree_has_a_status_of_its_own_kind():
    named = {e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, SlipwayError)}
    listed = {kind for e in EXITS for kind in e.errors}
    assert named - {SlipwayError, errors.WrittenError} == listed
    assert len({e.status for e in EXITS}) == len(EXITS)


def test_a_subclass_has_the_status_of_its_base():
    class OddError(VerifyError):
        pass

    assert status_of(OddError("x")) == 4
    assert status_of(SlipwayError("x")) == 1


def test_an_error_says_where_what_why_and_what_to_do():
    error = StoreError("it broke", details="line 1\nline 2", hint="mend it", where=Where("a.yaml", 3, 7))
    assert render(error, Paint(io.StringIO())) == (
        "error: a.yaml:3:7: it broke\n  line 1\n  line 2\nhint: mend it"
    )


def test_problems_of_a_recipe_show_their_line_and_a_caret():
    problems = [
        Problem(
            Where("a.yaml", 12, 3), "unknown key 'pakages'", "  pakages: [x]", "did you mean 'packages'?"
        ),
        Problem(Where("a.yaml", 14), "no more"),
    ]
    assert render(RecipeError(problems, "a.yaml"), Paint(io.StringIO())).splitlines() == [
        "error: a.yaml:12:3: unknown key 'pakages'",
        "      pakages: [x]",
        "      ^",
        "  hint: did you mean 'packages'?",
        "error: a.yaml:14: no more",
        "error: 2 problems in a.yaml",
    ]


def test_a_single_problem_is_told_once():
    shown = render(RecipeError([Problem(Where("a.yaml", 1, 1), "bad", "x", "good")]), Paint(io.StringIO()))
    assert shown.count("bad") == 1
    assert shown.count("good") == 1


def test_known_errors_have_no_trace_unless_asked(capsys):
    assert guard(Face(), raising(StoreError("full"))) == 6
    assert capsys.readouterr().err == "error: full\n"
    assert guard(Face(debug=True), raising(StoreError("full"))) == 6
    assert "Traceback" in capsys.readouterr().err


def test_unexpected_errors_are_called_bugs(capsys):
    assert guard(Face(), raising(ZeroDivisionError("division by zero"))) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ZeroDivisionError: division by zero\n  This is a bug")
    assert "--debug" in said
    assert "Traceback" not in said
    assert guard(Face(debug=True), raising(ZeroDivisionError())) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_full_disk_is_the_disks_fault(capsys):
    assert guard(Face(), raising(OSError(errno.ENOSPC, "No space left on device", "/x"))) == 6
    assert "error: /x: No space left on device\nhint: free some space" in capsys.readouterr().err


def test_a_full_disk_behind_standard_output_is_told_on_the_other_stream(capsys, monkeypatch):
    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("slipway.cli.exits.emit", full)
    assert guard(Face(json=True), raising(StoreError("no such image"))) == 6
    assert "error: No space left on device" in capsys.readouterr().err


def test_a_missing_file_that_nobody_expected_is_a_bug():
    assert guard(Face(), raising(FileNotFoundError(errno.ENOENT, "No such file", "/x"))) == 1


def test_interrupts_say_one_line(capsys, monkeypatch):
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert guard(Face(), raising(KeyboardInterrupt())) == 130
    assert guard(Face(), raising(click.Abort())) == 130
    assert capsys.readouterr().err == "interrupted\ninterrupted\n"


def test_a_closed_pipe_is_silent(capsys):
    assert guard(Face(), raising(BrokenPipeError())) == 141
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (StoreError("full", hint="mend it"), 6, "store"),
        (ValueError("x"), 1, "bug"),
        (click.UsageError("what?"), 2, "usage"),
    ],
)
def test_json_errors_are_one_line_on_stdout(error, status, code, capsys):
    assert guard(Face(json=True), raising(error)) == status
    out, err = capsys.readouterr()
    assert err == ""
    value = json.loads(out)
    assert (value["type"], value["exit"], value["code"]) == ("error", status, code)


def test_a_usage_error_is_json_too_when_json_was_meant(call):
    done = call("build", "--json", "--no-such-option")
    assert done.status == 2
    assert done.lines[-1]["code"] == "usage"


def test_a_global_option_in_the_wrong_place_is_explained(call):
    done = call("build", "x.yaml", "--store", "y")
    assert done.status == 2
    assert "hint: --store is for all commands; write it before `build`" in done.err


def test_a_misspelt_command_gets_a_suggestion(call):
    done = call("biuld")
    assert done.status == 2
    assert "build" in done.err.split("No such command")[1]


def test_the_value_of_an_action_is_the_status():
    assert guard(Face(), lambda: 7) == 7
    assert guard(Face(), lambda: None) == 0
