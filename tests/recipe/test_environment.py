"""`%ENV{NAME}`: in every value, with its place, and never in keys."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slipway.errors import RecipeError, Where
from slipway.recipe import load
from slipway.recipe.environment import substitute
from slipway.recipe.mapping import load_mapping
from slipway.recipe.model import FileItem
from tests.recipe.helpers import FILE, problems, read, the_problem

LIMIT = 1 << 20


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("%ENV{A}", "1"),
        ("%ENV{ A }", "1"),
        ("x%ENV{A}y%ENV{B}z", "x1ytwo wordsz"),
        ("%ENV{A:-z}", "1"),
        ("%ENV{NONE:-}", ""),
        ("%ENV{NONE:-a b: c}", "a b: c"),
        ("%ENV{ NONE :- a }", " a "),
        ("%ENV{EMPTY}", ""),
        ("%ENV{EMPTY:-e}", "e"),
        ("%%ENV{A}", "%ENV{A}"),
        ("%%%ENV{A}", "%%ENV{A}"),
        ("100% %ENV {A} %env{A} $ENV{A} ENV{A}", "100% %ENV {A} %env{A} $ENV{A} ENV{A}"),
        ("%ENV{NEST}", "%ENV{A}"),
    ],
)
def test_values(text: str, value: str):
    recipe = read("labels: " + json.dumps({"x": text}), A="1", B="two words", EMPTY="", NEST="%ENV{A}")
    assert recipe.labels == (("x", value),)


def test_everywhere():
    recipe = read(
        """\
tag: team/a%ENV{X}
python: "%ENV{VERSION}"
env: {A: "%ENV{X}"}
files:
  - "%ENV{X}/file"
  - a: "%ENV{X}"
  - {url: "https://h/%ENV{X}", dest: "d%ENV{X}", extract: "%ENV{YES}"}
packages: ["requests==%ENV{VERSION}"]
pip-config: |
  [global]
  timeout = %ENV{X}
repositories:
  r:
    url: https://example.org/%ENV{X}
    credentials: {username: "%ENV{X}", password: "%ENV{X}"}
run:
  - command: [echo, "%ENV{X}"]
    env: {A: "%ENV{X}"}
cmds:
  pre: |
    RUN echo %ENV{X}
""",
        X="x1",
        VERSION="3.10",
        YES="true",
    )
    assert recipe.tag == "team/ax1"
    assert recipe.base.reference == "python:3.10-slim"  # type: ignore[union-attr]
    assert recipe.env == (("A", "x1"),)
    assert [(f.dest, f.source) for f in recipe.files] == [
        ("file", "x1/file"), ("a", "x1"), ("dx1", "https://h/x1"),
    ]  # fmt: skip
    assert recipe.files[2].extract
    assert recipe.packages[0].text == "requests==3.10"
    assert recipe.pip_config == "[global]\ntimeout = x1\n"
    assert (recipe.repositories[0].url, recipe.repositories[0].password) == ("https://example.org/x1", "x1")
    assert recipe.run[0].command == ("echo", "x1")
    assert recipe.pre[0].words == ("echo x1",)


def test_maps_inside_lists_are_reached():
    """Defect of the pyATS Image Builder: `files: [{a: "%ENV{X}"}]` was not replaced."""
    assert read('files: [{a: "%ENV{X}"}]', X="b").files == (FileItem("a", "b", Where(str(FILE), 1, 13)),)


def test_the_text_stays_as_written():
    text = 'env: {A: "%ENV{X}"}'
    assert read(text, X="canary").text == text


def test_each_missing_variable_has_its_own_place():
    found = problems("env:\n  A: a %ENV{X} %ENV{Y}\n  B: >-\n    folded\n    text %ENV{Z}\n")
    assert [(p.where.line, p.where.column, p.message) for p in found] == [
        (2, 8, "env.A: the environment has no variable `X`"),
        (2, 16, "env.A: the environment has no variable `Y`"),
        (5, 10, "env.B: the environment has no variable `Z`"),
    ]


def test_a_wrong_text_is_not_checked_further():
    assert the_problem('tag: "%ENV{X}"').message == "tag: the environment has no variable `X`"
    assert the_problem('tag: "%ENV{X}"', X="No").message.startswith("tag: `No` is not an image name")


def test_the_environment_is_that_of_the_process_unless_given(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLIPWAY_TEST_X", "1")
    text = 'env: {A: "%ENV{SLIPWAY_TEST_X}"}'
    assert load(FILE, text).env == (("A", "1"),)
    assert load(FILE, text, {"SLIPWAY_TEST_X": "2"}).env == (("A", "2"),)
    config = {"env": {"A": "%ENV{SLIPWAY_TEST_X}"}}
    assert load_mapping(config).env == (("A", "1"),)
    assert load_mapping(config, {"SLIPWAY_TEST_X": "2"}).env == (("A", "2"),)


def test_loading_changes_neither_environment_nor_mapping():
    """Defect of the pyATS Image Builder: proxies went into os.environ and stayed, and the mapping was changed."""
    before = dict(os.environ)
    config = {"proxy": {"http_proxy": "http://h:1"}, "pip-config": {"a": {"b": ["c", "d"]}}}
    written = json.dumps(config)
    load_mapping(config)
    assert dict(os.environ) == before
    assert json.dumps(config) == written


def test_a_variable_that_is_no_text():
    found = the_problem('env: {A: "%ENV{X}"}', X=os.fsdecode(b"\xff"))
    assert found.message == "env.A: the variable `X` of the environment is not UTF-8 text"


def test_many_long_variables_stop_early():
    with pytest.raises(RecipeError, match="variables of the environment stand for more text"):
        load(FILE, 'env: {A: "' + "%ENV{X}" * 50000 + '"}', {"X": "x" * 100000})


@pytest.mark.parametrize("text", ["%ENV{", "%ENV{A:-", "%ENV{" + " " * 50, "%ENV{" + "A" * 200])
def test_many_references_without_an_end_take_little_time(text: str):
    _, _, wrong = substitute(text * (LIMIT // len(text) // 8), {}, LIMIT)
    assert wrong


def test_aliases_and_anchors():
    recipe = read('env: {A: &a "%ENV{X}", B: *a}\nlabels: {c: *a}\n', X="1")
    assert recipe.env == (("A", "1"), ("B", "1"))
    assert recipe.labels == (("c", "1"),)


def test_an_escape_of_yaml_is_one_more_way_to_write_it():
    assert read(r'env: {A: "\x25ENV{X}"}', X="1").env == (("A", "1"),)


NAMES = st.sampled_from(["A", "B", "NONE"])
PARTS = st.lists(
    st.one_of(
        st.text(st.characters(exclude_characters="%"), max_size=5),
        NAMES.map("%ENV{{{}}}".format),
        NAMES.map("%ENV{{{}:-d}}".format),
        st.just("%%ENV{"),
    ),
    max_size=8,
)


@given(PARTS, st.text(max_size=3), st.text(max_size=3))
def test_what_is_not_a_reference_stays(parts: list[str], a: str, b: str):
    environ = {"A": a, "B": b}
    written = "".join(parts)
    value, done, wrong = substitute(written, environ, LIMIT)
    back = list(value)
    for start, stop, at in reversed(done.pieces):
        end = written.index("{", at) + 1 if written[at : at + 2] == "%%" else written.index("}", at) + 1
        back[start:stop] = written[at:end]
    assert "".join(back) == written
    assert len(wrong) == sum(part == "%ENV{NONE}" for part in parts)


def test_the_file_name_is_not_a_value(tmp_path: Path):
    path = tmp_path / "%ENV{X}.yaml"
    path.write_text("{}")
    assert load(path).path == path
