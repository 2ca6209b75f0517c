"""The tree of a YAML document: what was written, and where.

`at` is the index of the node in the text. `weight` is how much text the node stands for when its aliases are
written out.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

ScalarKind = Literal["str", "int", "float", "bool", "null"]

_NAMES = {
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "null": "empty",
}


class Wrong(NamedTuple):
    """Something in a text that makes it no value; `at` is its index in the text of the document."""

    at: int
    message: str
    hint: str


class Substituted(NamedTuple):
    """What `%ENV{NAME}` did to a text: how it was written, and (start, stop, start as written) of what was put in, in order."""

    written: str
    pieces: tuple[tuple[int, int, int], ...]


class Scalar(NamedTuple):
    """A value with its text as written; `kind` is what YAML's core schema reads a plain text as.

    Where the text names variables of the environment, `value` has what they stand for, and `wrong` tells what stands
    for nothing.
    """

    value: str
    kind: ScalarKind
    at: int
    substituted: Substituted | None = None
    wrong: tuple[Wrong, ...] = ()

    @property
    def weight(self) -> int:
        return 1 + len(self.value)


class Seq(NamedTuple):
    items: tuple[Node, ...]
    at: int
    weight: int


class Map(NamedTuple):
    """Entries in written order; keys are unique, merge keys are resolved."""

    entries: tuple[tuple[Scalar, Node], ...]
    at: int
    weight: int


Node = Scalar | Seq | Map


def describe(node: Node) -> str:
    """The shape of a node in words, for messages."""
    if isinstance(node, Seq):
        return "a list"
    return "a mapping" if isinstance(node, Map) else _NAMES[node.kind]


def is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.kind == "null"
