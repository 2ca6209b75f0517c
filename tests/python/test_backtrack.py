"""What uv says of versions that it tries, and which of them it gave up."""

from __future__ import annotations

from slipway.python.backtrack import MOST, Listener

LOCK = '[[packages]]\nname = "app"\nversion = "1.0"\n\n[[packages]]\nname = "lib"\nversion = "2.0"\n'


def line(name: str, version: str) -> str:
    return f"DEBUG Selecting: {name}=={version} [compatible] ({name}-{version}-py3-none-any.whl)"


def test_the_first_version_that_was_given_up_is_wanted() -> None:
    heard: list[str] = []
    listener = Listener(heard.append)
    for text in (
        line("app", "3.0"),
        line("app", "2.0"),
        "DEBUG other",
        line("lib", "2.0"),
        line("gone", "1"),
    ):
        listener(text)
    assert listener.wanted(LOCK) == ["app>=3.0"]  # lib came through after all, gone is not needed
    assert heard == ["DEBUG other"]


def test_nothing_is_wanted_where_nothing_was_given_up() -> None:
    listener = Listener(None)
    listener("DEBUG other")
    assert listener.wanted(LOCK) == []


def test_only_a_few_are_tried() -> None:
    listener = Listener(None)
    lock = ""
    for number in range(10):
        listener(line(f"p{number}", "2"))
        lock += f'[[packages]]\nname = "p{number}"\nversion = "1"\n'
    assert len(listener.wanted(lock)) == MOST
