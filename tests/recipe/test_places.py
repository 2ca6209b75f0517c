"""Characters of scalars are found in the document, however they are written."""

from __future__ import annotations

import re
import textwrap

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from slipway.recipe.nodes import Map, Scalar
from slipway.recipe.places import Places
from slipway.recipe.source import Source
from slipway.recipe.yamlnodes import parse


def scalar(text: str, **environ: str) -> Scalar:
    root = parse(Source("f", text), [], environ)
    assert isinstance(root, Map)
    value = root.entries[0][1]
    assert isinstance(value, Scalar)
    return value


def check(text: str, node: Scalar) -> None:
    places = Places(text, node)
    for match in re.finditer(r"\S", node.value):
        at = places.at(match.start())
        assert text[at] in (match[0], "\\"), (text, match.start())


@pytest.mark.parametrize(
    "text",
    [
        "a: plain text\n",
        "a: plain text\n  over lines\n\n  and more # no\n",
        "a: 'it''s quoted'\n",
        'a: "b\\n\\"c\\" \\x41 \\u00e4d\\\n   e f"\n',
        "a: |\n  RUN x \\\n    y\n\n  z\n",
        "a: |2-  # with | a comment\n    RUN x\n   z\n",
        "a: >\n  folded\n  text\n\n    more\n",
        "a: &anchor !!str |\n  RUN x\n",
        "{a: 'q w'}",
        "a:\n  below\n",
    ],
)
def test_every_style(text: str):
    node = scalar(text)
    assert node.value == yaml.safe_load(text)["a"]
    check(text, node)


@given(
    st.text(st.sampled_from("ab '\"\\:#\n\t%{}é"), min_size=1),
    st.sampled_from(["'", '"', "|", ">", None]),
    st.integers(4, 30),
)
def test_whatever_is_written(value: str, style: str, width: int):
    text = yaml.safe_dump({"a": value}, default_style=style, width=width, allow_unicode=True)
    node = scalar(text)
    if "ENV" not in value:
        assert node.value == value
    check(text, node)


def test_where_variables_were_put_in():
    text = textwrap.dedent("""\
        a: |
          RUN %ENV{X} b
            %ENV{Y}%ENV{X} c
          d
        """)
    node = scalar(text, X="long text", Y="")
    assert node.value == "RUN long text b\n  long text c\nd\n"
    places = Places(text, node)

    def at(piece: str, start: int = 0) -> int:
        return places.at(node.value.index(piece, start))

    second = node.value.index("long", 5)
    assert at("RUN") == text.index("RUN")
    assert at("long") == at("text") == text.index("%ENV{X}")
    assert at("b") == text.index("b")
    assert at("long", second) == text.index("%ENV{X}", 20)
    assert at("c") == text.index("c")
    assert at("d") == text.rindex("d")
    assert places.at(len(node.value) + 5) == text.rindex("d")


def test_an_empty_text_is_where_it_begins():
    assert Places("a: ''", scalar("a: ''")).at(0) == 3
