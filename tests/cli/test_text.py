from __future__ import annotations

import io

import pytest

from slipway.cli import text


class Terminal(io.StringIO):
    encoding = "UTF-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1234, "1.2 kB"),
        (99_949, "99.9 kB"),
        (99_950, "100 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (38_400_000, "38.4 MB"),
        (2_500_000_000, "2.5 GB"),
        (10**18, "1000 PB"),
    ],
)
def test_sizes_have_three_digits_or_so(count, shown):
    assert text.size(count) == shown


@pytest.mark.parametrize(
    ("value", "shown"), [(0.004, "0.00 s"), (1.234, "1.23 s"), (12.34, "12.3 s"), (61.4, "1 min 01 s")]
)
def test_seconds(value, shown):
    assert text.seconds(value) == shown


def test_colour_needs_a_willing_terminal(monkeypatch):
    assert text.has_colour(Terminal())
    assert not text.has_colour(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "1")
    assert not text.has_colour(Terminal())
    assert text.is_terminal(Terminal())
    monkeypatch.setenv("TERM", "dumb")
    assert not text.is_terminal(Terminal())


def test_a_ci_log_is_no_terminal(monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert not text.is_terminal(Terminal())


def test_columns_align_painted_cells_by_what_is_seen():
    paint = text.Paint(Terminal())
    rows = [(paint("ab", "red"), "1"), ("abcd", "22")]
    assert text.columns(rows, right=[1]) == ["\x1b[31mab\x1b[0m     1", "abcd  22"]


def test_control_characters_of_strangers_are_not_passed_on():
    assert text.printable("a\x1b]0;title\x07b") == "a�]0;title�b"
