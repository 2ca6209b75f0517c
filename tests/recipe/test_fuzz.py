"""Whatever the text is: a recipe, or problems with places inside it; never another exception."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.errors import RecipeError, SlipwayError
from slipway.recipe import load, render_problems
from slipway.recipe.keys import FIELDS
from slipway.recipe.model import Recipe
from tests.recipe.helpers import FILE
from tests.recipe.test_load import EVERYTHING, MORE
from tests.recipe.test_messages import CASES

PIECES = [
    *"\n \t:-?,[]{}&*#!|>'\"%@`~\r\x85\u2028\ufeff\x00😀",
    *(
        "\n  ",
        "\n- ",
        ": ",
        "<<: ",
        "&a ",
        "*a ",
        "!!str ",
        "!x ",
        "---\n",
        "...\n",
        "|\n ",
        "%YAML 1.1\n",
        '"\\ud800"',
    ),
    *(field.name for field in FIELDS),
    *(
        "test",
        "debian",
        "true",
        "null",
        "3.10",
        "80/tcp",
        "oci:",
        "http://[",
        "../x",
        "%ENV{A}",
        "%ENV{A:-b}",
        "%%ENV{",
        "pre: |\n  ",
        "RUN <<E\n",
        "\nE\n",
        "ENV a=",
        "COPY [",
        "command: ",
        "secrets: [",
        "match: [(a+",
        "url: ",
        "commit_id: ",
        "git@h:",
        "ssh_key: |\n  ",
        "scp://",
        "mode: 07",
        "lib64/x",
        "a==1;",
        "${WORKSPACE}",
    ),
]
SOUP = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)
SEEDS = st.sampled_from([EVERYTHING, MORE, *(case[0] for case in CASES)])


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(SEEDS)
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 5)))
        text = text[:start] + draw(st.sampled_from(PIECES)) + text[stop:]
    return text


def check(text: str) -> None:
    try:
        recipe = load(FILE, text)
    except RecipeError as error:
        lines = re.split(r"\r\n|\n|\r", text.removeprefix("\ufeff"))
        for problem in error.problems:
            assert 1 <= problem.where.line <= len(lines)
            assert 1 <= problem.where.column <= len(lines[problem.where.line - 1]) + 1
            assert problem.message
        places = [(p.where.line, p.where.column) for p in error.problems]
        assert places == sorted(places)
        render_problems(error).encode()
        error.as_dict()
    else:
        assert isinstance(recipe, Recipe)


many = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@many
@given(st.text())
def test_any_text(text: str):
    check(text)


@many
@given(SOUP)
def test_pieces_of_recipes(text: str):
    check(text)


@many
@given(damaged())
def test_damaged_recipes(text: str):
    check(text)


@many
@given(data=st.binary(max_size=60))
def test_any_bytes(data: bytes, tmp_path_factory):
    path: Path = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    path.write_bytes(data)
    with contextlib.suppress(SlipwayError):
        load(path)
