from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from slipway.errors import Problem
from slipway.recipe import yamlnodes
from slipway.recipe.nodes import Map, Node, Scalar, Seq
from slipway.recipe.source import Source
from slipway.recipe.yamlnodes import MAX_DEPTH, MAX_TEXT, parse


@pytest.fixture(params=["CSafeLoader", "SafeLoader"], autouse=True)
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """PyYAML without libyaml has only the second one."""
    monkeypatch.setattr(yamlnodes, "_LOADER", getattr(yaml, request.param))
    return str(request.param)


def nodes(text: str) -> tuple[Node | None, list[Problem]]:
    found: list[Problem] = []
    return parse(Source("f", text), found, {}), found


def good(text: str) -> Any:
    node, found = nodes(text)
    assert not found
    return plain(node)


def bad(text: str) -> tuple[str, str]:
    _, found = nodes(text)
    assert len(found) == 1, found
    return str(found[0].where), found[0].message


def plain(node: Node | None) -> Any:
    if isinstance(node, Map):
        return {key.value: plain(value) for key, value in node.entries}
    if isinstance(node, Seq):
        return [plain(item) for item in node.items]
    return None if node is None else (node.value, node.kind)


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        *[(text, "int") for text in ("0", "-7", "+7", "010", "0o17", "0x1F")],
        *[(text, "float") for text in ("3.10", ".5", "1.", "1e3", "-2.5E-3", ".inf", "-.INF", ".nan")],
        *[(text, "bool") for text in ("true", "True", "TRUE", "false", "False", "FALSE")],
        *[(text, "null") for text in ("null", "Null", "NULL", "~")],
        *[
            (text, "str")
            for text in ("yes", "no", "on", "tRUE", "1_000", "12:30:45", "2024-01-01", "3.10.2", "0b1")
        ],
    ],
)
def test_plain_scalars_have_the_kinds_of_the_core_schema_and_their_text(written: str, kind: str):
    assert good(f"a: {written}") == {"a": (written, kind)}
    assert good(f"a: '{written}'") == {"a": (written, "str")}
    assert good(f"a: |-\n  {written}\n") == {"a": (written, "str")}


def test_nodes_know_where_they_are():
    node, _ = nodes("a: 1\nlist:\n  - x\n  - {k: v}\n")
    assert isinstance(node, Map)
    seq = node.entries[1][1]
    assert isinstance(seq, Seq)
    assert [item.at for item in seq.items] == [15, 21]
    assert node.entries[1][0] == Scalar("list", "str", 5)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "---\n# x\n"])
def test_no_document_or_an_empty_one(text: str):
    assert good(text) in (None, ("", "null"))


def test_tags_of_the_core_schema():
    text = "a: !!str 3\nb: ! true\nc: !!int '3'\nd: !!float 3\ne: !!bool 'true'\nf: !!seq [!!map {}]\ng: !!null ''"
    assert good(text) == {
        "a": ("3", "str"),
        "b": ("true", "str"),
        "c": ("3", "int"),
        "d": ("3", "int"),
        "e": ("true", "bool"),
        "f": [{}],
        "g": ("", "null"),
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: !foo x", "tag `!foo` has no meaning here"),
        ("a: !!binary eA==", "tag `!!binary` has no meaning here"),
        (
            "a: !!python/object/apply:os.system [id]",
            "tag `!!python/object/apply:os.system` has no meaning here",
        ),
        ("a: !!set {x}", "tag `!!set` has no meaning here"),
        ("a: !!int x", "`x` is not what its tag `!!int` says"),
    ],
)
def test_other_tags_are_refused(text: str, message: str):
    assert bad(text) == ("f:1:4", message)


def test_duplicate_keys_are_all_reported():
    _, found = nodes("a: 1\nb: 2\na: 3\n'a': 4\nc: {x: 1, x: 2}\n")
    assert [(str(p.where), p.message) for p in found] == [
        ("f:3:1", "key `a` is written twice, first on line 1"),
        ("f:4:1", "key `a` is written twice, first on line 1"),
        ("f:5:11", "key `x` is written twice, first on line 5"),
    ]


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("? [a]\n: b", "f:1:3", "a key must be text, not a list"),
        ("? {a: b}\n: b", "f:1:3", "a key must be text, not a mapping"),
        ("? \n: b", "f:1:2", "a key is missing"),
        ("a: 1\n---\nb: 2\n", "f:2:1", "a recipe is one YAML document, and a second one starts here"),
        ("a:\n\t- b\n", "f:2:1", "a tab cannot indent YAML"),
        ("a: b\nc: \x07", "f:2:4", "character U+0007 is not allowed in YAML"),
        ("a: \ud800", "f:1:4", "character U+D800 is not allowed in YAML"),
        ('a: "x\\0y"', "f:1:4", "holds a NUL character or half a surrogate pair"),
        ("a: *b", "f:1:4", "alias `*b` has no anchor before it"),
        ("a: &b [*b]", "f:1:8", "alias `*b` is inside what it stands for"),
        ("a: {<<: x}", "f:1:5", "`<<` takes a mapping or a list of mappings, not text"),
        ("a: {<<: [{}, 1]}", "f:1:5", "`<<` takes a mapping or a list of mappings, not a number"),
        ("<<: {}\n<<: {}\n", "f:2:1", "key `<<` is written twice, first on line 1"),
    ],
)
def test_what_is_refused(text: str, where: str, message: str):
    assert bad(text) == (where, message)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("a: b: c", "f:1:5"),
        ("a: [1,", "f:1:7"),
        ("a: 'x\n", "f:1:6"),
        ("a:\n  - b\n - c\n", "f:3:2"),
        ("a: @x", "f:1:4"),
        ("- a\nb: c\n", "f:2:1"),
    ],
)
def test_syntax_errors_are_one_problem_with_a_place(text: str, where: str):
    place, message = bad(text)
    assert place == where
    assert message.startswith("not valid YAML: ")


def test_aliases_and_merge_keys():
    text = (
        "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz: {<<: [*x, *y], c: 5}\nw: {<<: *x}\nk: &k name\n*k : v\n"
    )
    tree = good(text)
    assert tree["z"] == {"a": ("1", "int"), "b": ("2", "int"), "c": ("5", "int")}
    assert tree["w"] == tree["x"]
    assert tree["name"] == ("v", "str")
    assert good("a: {'<<': 1}") == {"a": {"<<": ("1", "int")}}


def test_an_anchor_can_be_set_anew():
    assert good("a: &x 1\nb: &x 2\nc: *x\n")["c"] == ("2", "int")


BOMB = "\n".join(
    ["a0: &a0 [x,x,x]", *(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30))]
)
MERGES = "a: &a {" + ", ".join(f"k{i}: v" for i in range(20000)) + "}\nb:\n" + "- <<: *a\n" * 90000


@pytest.mark.parametrize("text", [BOMB, MERGES], ids=["aliases", "merges"])
def test_alias_bombs_stop_early(text: str, loader: str):
    if text is MERGES and loader == "SafeLoader":
        pytest.skip("the Python parser takes seconds to get to the place")
    start = time.process_time()
    _, message = bad(text)
    assert message == "aliases stand for more text than any recipe needs"
    assert time.process_time() - start < 30  # one that does not stop takes hours


@pytest.mark.parametrize("opening", ["[", "- ", "? ", "{? "])
def test_deep_nesting_stops_early(opening: str):
    _, message = bad(opening * 2000)
    assert message == f"nested deeper than {MAX_DEPTH} levels"


def test_nesting_up_to_the_limit_is_fine():
    assert good("[" * MAX_DEPTH + "x" + "]" * MAX_DEPTH)


def test_size_is_bounded():
    assert bad("a" * (MAX_TEXT + 1)) == ("f:1:1", "is larger than 1 MiB: this is not a recipe")
