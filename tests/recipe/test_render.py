from __future__ import annotations

from slipway.errors import Problem, RecipeError, Where
from slipway.recipe import render_problems


def rendered(column: int, line: str, message: str = "wrong", hint: str = "") -> str:
    return render_problems(RecipeError([Problem(Where("f.yaml", 3, column), message, line, hint)]))


def test_place_line_caret_hint():
    assert rendered(6, "tag: Bad", "no good", "better") == (
        "f.yaml:3:6: no good\n    tag: Bad\n         ^\n  hint: better"
    )


def test_problems_are_separated():
    found = [Problem(Where("f", n, 1), f"m{n}", "x") for n in (1, 2)]
    assert render_problems(RecipeError(found)) == "f:1:1: m1\n    x\n    ^\n\nf:2:1: m2\n    x\n    ^"


def test_an_empty_line_is_not_shown():
    assert rendered(1, "  ") == "f.yaml:3:1: wrong"


def test_the_caret_stands_under_the_place_after_tabs_and_wide_characters():
    for line in ("\tab: x", "日本: x"):
        shown, caret = rendered(line.index("x") + 1, line).splitlines()[1:]
        width = sum(2 if c in "日本" else 1 for c in shown[: shown.index("x")])
        assert caret.index("^") == width


def test_long_lines_are_cut_around_the_place():
    for column in (1, 50, 500, 1000):
        line = "." * (column - 1) + "X" + "." * (1000 - column)
        shown, caret = rendered(column, line).splitlines()[1:]
        assert len(shown) <= 106
        assert shown[caret.index("^")] == "X"


def test_nothing_acts_on_the_terminal():
    text = rendered(1, "a\x1b[31m\x9bb", "bad \x1b]0;t\x07", "x\ry")
    assert text.replace("\n", "").isprintable()
