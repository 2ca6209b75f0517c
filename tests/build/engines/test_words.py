"""How texts are written; that they come out again is tried with real builders in `tests/e2e/test_engines.py`."""

from __future__ import annotations

import pytest

from slipway.build.engines.words import NEWLINE, is_line, listed, pairs, word


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "plain"),
        ("/usr/local/bin:/bin", "/usr/local/bin:/bin"),
        ("", '""'),
        ("a b", '"a b"'),
        ("it's", '"it\'s"'),
        ('say "hi"', r'"say \"hi\""'),
        ("$HOME", r'"\$HOME"'),
        ("end\\", r'"end\\"'),
        ("a\nb", f'"a${{{NEWLINE}}}b"'),
        ("#no comment", '"#no comment"'),
    ],
)
def test_words(text: str, written: str) -> None:
    assert word(text) == written


def test_pairs_stand_on_lines_of_their_own() -> None:
    assert pairs("ENV", [("A", "1"), ("B", "x y")]) == 'ENV A=1 \\\n    B="x y"'


def test_lists_are_json() -> None:
    assert listed(["sh", "-c", 'a "b"\nc', "ü"]) == r'["sh", "-c", "a \"b\"\nc", "ü"]'


@pytest.mark.parametrize("text", ["make && make install", "echo '$A' \"b\" # c", "test -f x"])
def test_a_line_for_the_shell(text: str) -> None:
    assert is_line(text)


@pytest.mark.parametrize(
    "text",
    ["", " a", "a ", "a\nb", '["a"]', "[ -f x ]", "--mount=type=x", "a \\", "cat <<E", "a\tb", "a\x1bb"],
)
def test_what_would_not_arrive_as_it_is(text: str) -> None:
    assert not is_line(text)
