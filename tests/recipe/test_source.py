from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import Where
from slipway.recipe.source import Source, cover, quote


@pytest.mark.parametrize(
    ("index", "line", "column"), [(0, 1, 1), (1, 1, 2), (3, 2, 1), (5, 3, 1), (7, 4, 1), (8, 4, 2)]
)
def test_lines_end_as_editors_say(index: int, line: int, column: int):
    source = Source("f", "a\r\nb\nc\rde")
    index = min(index, len(source.text))
    assert source.where(index) == Where("f", line, column)


def test_yaml_line_breaks_that_editors_do_not_know_do_not_count():
    assert Source("f", "a\u2028b\x85c").where(4) == Where("f", 1, 5)


def test_the_blank_end_of_the_text_is_not_pointed_at():
    assert Source("f", "ab: [\n\n  \n").where(9) == Where("f", 1, 6)


def test_columns_count_characters_not_bytes():
    assert Source("f", "äöü😀x").where(4) == Where("f", 1, 5)


@given(st.text(alphabet="a \t\r\n\x85ä"), st.integers(0, 30))
def test_a_place_is_always_in_the_text(text: str, index: int):
    source = Source("f", text)
    where = source.where(index)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert 1 <= where.line <= len(lines)
    assert source.line(where.line) == lines[where.line - 1]
    assert 1 <= where.column <= len(lines[where.line - 1]) + 1


def test_passwords_of_urls_are_covered_and_places_kept():
    line = "a: [https://bob:secret@host/x, b]"
    assert cover(line) == "a: [https://**********@host/x, b]"
    assert Source("f", line).problem(4, "m").line_text == cover(line)
    assert "secret" not in quote("https://bob:secret@host/")


def test_quoted_text_is_short_and_harmless():
    assert quote("a\x1b[2J\nb") == "`a\\x1b[2J\\nb`"
    assert len(quote("x" * 1000)) == 62
