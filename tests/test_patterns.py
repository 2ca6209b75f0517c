"""Patterns that are compiled when they are used."""

from __future__ import annotations

import re

import pytest

from slipway import patterns


def test_answers_as_a_compiled_expression_does() -> None:
    word = patterns.pattern(r"([a-z]+)-\d", re.IGNORECASE)
    found = word.fullmatch("Ab-1")
    assert found
    assert found[1] == "Ab"
    assert word.sub("x", "q-1 r-2") == "x x"
    assert word.pattern == r"([a-z]+)-\d"


def test_is_compiled_only_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[tuple[str, int]] = []
    original = re.compile

    def compile_(text: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append((text, flags))
        return original(text, flags)

    monkeypatch.setattr(re, "compile", compile_)
    word = patterns.pattern("a+")
    assert compiled == []
    assert word.match("aa")
    assert word.match("aa")
    assert compiled == [("a+", 0)]


def test_what_an_expression_lacks_is_an_error() -> None:
    with pytest.raises(AttributeError):
        getattr(patterns.pattern("a"), "matches")  # noqa: B009
