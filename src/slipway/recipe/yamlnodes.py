"""YAML text to nodes with positions.

The event stream of PyYAML is used, not its constructors: the written text of a scalar is kept (`3.10` stays `3.10`),
duplicate keys are seen, and nesting and aliases are bounded before anything is built. Plain scalars get the kinds of
the core schema of YAML 1.2.2, section 10.3.2: `yes` and `2024-01-01` are text. What texts take from the environment is
put in here, so that whoever reads a value gets it.

Importing this module imports PyYAML (some 20 ms).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast, get_args

import yaml
from yaml import events, reader

from slipway.recipe.environment import MARK, substitute
from slipway.recipe.nodes import Map, Node, Scalar, ScalarKind, Seq, Wrong, describe
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slipway.errors import Problem
    from slipway.recipe.source import Source

MAX_DEPTH = 32
MAX_TEXT = 1 << 20
MAX_WEIGHT = 4 * MAX_TEXT

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE_TAG = "tag:yaml.org,2002:"

# What YAML does not let a stream hold (1.2.2, section 5.1); the expression is costly to compile a second time.
_UNPRINTABLE = reader.Reader.NON_PRINTABLE

_WORDS: dict[str, ScalarKind] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), "null"),
    **dict.fromkeys(("true", "True", "TRUE", "false", "False", "FALSE"), "bool"),
}
_NUMBERS: dict[ScalarKind, str] = {
    "int": r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+",
    "float": r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
}

_HINTS = {
    "mapping values are not allowed": "a value that holds `: ` needs quotes; else check the indentation",
    "could not find expected ':'": "write `key: value`, with a space after the colon",
    "did not find expected key": "check the indentation: keys of one mapping start in the same column",
    "unexpected end of stream": "a quote is not closed",
    "cannot start any token": "a value that starts with this character needs quotes",
    "block sequence entries are not allowed": "start the list on a line of its own",
}


class _Stop(Exception):  # noqa: N818 - not an error of its own: it carries the problem out of the recursion
    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


def parse(
    source: Source, problems: list[Problem], environ: Mapping[str, str] | None, what: str = "recipe"
) -> Node | None:
    """The one document of `source`, or None when it has none or cannot be read; texts get their variables from `environ`.

    Where `environ` is None they stay as they are. What is wrong is appended to `problems`; a syntax error is one problem, as
    nothing after it can be trusted. `what` is the thing that the document should be.
    """
    if len(source.text) > MAX_TEXT:
        problems.append(source.problem(0, f"is larger than {MAX_TEXT >> 20} MiB: this is not a {what}"))
        return None
    if match := _UNPRINTABLE.search(source.text):
        message = f"character U+{ord(match[0]):04X} is not allowed in YAML"
        problems.append(source.problem(match.start(), message))
        return None
    try:
        return _Reader(source, problems, environ, what).document()
    except _Stop as stop:
        problems.append(stop.problem)
    except yaml.YAMLError as error:
        problems.append(_syntax_problem(source, error))
    return None


def _syntax_problem(source: Source, error: yaml.YAMLError) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    index = mark.index if mark else 0
    if source.text[index : index + 1] == "\t":
        return source.problem(index, "a tab cannot indent YAML", "use spaces")
    said = str(getattr(error, "problem", "") or error)
    context = getattr(error, "context", None)
    hint = next((text for part, text in _HINTS.items() if part in said), "")
    return source.problem(index, f"not valid YAML: {said}" + (f" ({context})" if context else ""), hint)


def scalar_kind(text: str) -> ScalarKind:
    """What the core schema reads a plain scalar as."""
    if kind := _WORDS.get(text):
        return kind
    if text[0] in "+-.0123456789":
        for kind, pattern in _NUMBERS.items():
            if re.fullmatch(pattern, text):
                return kind
    return "str"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _at(event: events.Event) -> int:
    return cast("yaml.Mark", event.start_mark).index


class _Reader:
    def __init__(
        self, source: Source, problems: list[Problem], environ: Mapping[str, str] | None, what: str
    ) -> None:
        self.source = source
        self.problems = problems
        self.environ = environ
        self.what = what
        self.anchors: dict[str, Node | None] = {}  # None while the node is still open
        self.brought = 0  # weight of all aliases, and of what came from the environment, so far
        self.next: Callable[[], events.Event] = _LOADER(source.text).get_event

    def document(self) -> Node | None:
        self.next()  # start of the stream
        if isinstance(self.next(), events.StreamEndEvent):
            return None
        root = self.node(self.next(), 0)
        self.next()  # end of the document
        if isinstance(event := self.next(), events.DocumentStartEvent):
            self.report(_at(event), f"a {self.what} is one YAML document, and a second one starts here")
        return root

    def report(self, at: int, message: str, hint: str = "") -> None:
        self.problems.append(self.source.problem(at, message, hint))

    def node(self, event: events.Event, depth: int, *, key: bool = False) -> Node:
        at = _at(event)
        if isinstance(event, events.AliasEvent):
            return self.alias(str(event.anchor), at)
        event = cast("events.NodeEvent", event)
        if depth > MAX_DEPTH:
            raise _Stop(self.source.problem(at, f"nested deeper than {MAX_DEPTH} levels"))
        if event.anchor:
            self.anchors[event.anchor] = None
        node: Node
        if isinstance(event, events.ScalarEvent):
            node = self.scalar(event, at)
            if self.environ is not None and MARK in node.value:
                node = self.substituted(node, self.environ, key=key)
        elif isinstance(event, events.SequenceStartEvent):
            self.check_tag(event.tag, at, "seq")
            node = self.sequence(at, depth)
        else:
            self.check_tag(cast("events.MappingStartEvent", event).tag, at, "map")
            node = self.mapping(at, depth)
        if event.anchor:
            self.anchors[event.anchor] = node
        return node

    def alias(self, name: str, at: int) -> Node:
        if name not in self.anchors:
            raise _Stop(self.source.problem(at, f"alias {quote('*' + name)} has no anchor before it"))
        node = self.anchors[name]
        if node is None:
            raise _Stop(self.source.problem(at, f"alias {quote('*' + name)} is inside what it stands for"))
        self.weigh(node.weight, at, "aliases")
        return node

    def weigh(self, weight: int, at: int, what: str) -> None:
        self.brought += weight
        if self.brought > MAX_WEIGHT:
            raise _Stop(self.source.problem(at, f"{what} stand for more text than any {self.what} needs"))

    def scalar(self, event: events.ScalarEvent, at: int) -> Scalar:
        value: str = event.value
        if "\0" in value or not _is_unicode(value):
            self.report(at, "holds a NUL character or half a surrogate pair")
            value = ""
        kind: ScalarKind = "str"
        if event.tag is None:
            kind = scalar_kind(value) if event.implicit[0] else "str"
        elif self.check_tag(event.tag, at, *get_args(ScalarKind)) and event.tag not in (
            "!",
            _CORE_TAG + "str",
        ):
            wanted = event.tag.removeprefix(_CORE_TAG)
            kind = scalar_kind(value)
            if kind != wanted and (kind, wanted) != ("int", "float"):
                self.report(at, f"{quote(value)} is not what its tag `!!{wanted}` says")
        return Scalar(value, kind, at)

    def substituted(self, scalar: Scalar, environ: Mapping[str, str], *, key: bool) -> Scalar:
        from slipway.recipe.places import Places

        if key:
            wrong = Wrong(scalar.at, f"{quote(MARK + '…}')} is not replaced in keys", "only in values")
            return scalar._replace(wrong=(wrong,))
        value, done, found = substitute(scalar.value, environ, MAX_WEIGHT)
        self.weigh(len(value), scalar.at, "variables of the environment")
        places = Places(self.source.text, scalar)
        wrong_ones = tuple(wrong._replace(at=places.at(wrong.at)) for wrong in found)
        return Scalar(value, scalar.kind, scalar.at, done, wrong_ones)

    def check_tag(self, tag: str | None, at: int, *names: str) -> bool:
        if tag is None or tag == "!" or tag.removeprefix(_CORE_TAG) in names:
            return True
        shown = "!!" + tag.removeprefix(_CORE_TAG) if tag.startswith(_CORE_TAG) else tag
        self.report(at, f"tag {quote(shown)} has no meaning here", "remove it")
        return False

    def sequence(self, at: int, depth: int) -> Seq:
        items: list[Node] = []
        while not isinstance(event := self.next(), events.SequenceEndEvent):
            items.append(self.node(event, depth + 1))
        return Seq(tuple(items), at, 1 + sum(item.weight for item in items))

    def mapping(self, at: int, depth: int) -> Map:
        own: dict[str, tuple[Scalar, Node]] = {}
        merged: dict[str, tuple[Scalar, Node]] = {}
        merge_key = False
        while not isinstance(event := self.next(), events.MappingEndEvent):
            key_at = _at(event)
            plain = isinstance(event, events.ScalarEvent) and event.implicit[0]
            key = self.node(event, depth + 1, key=True)
            value = self.node(self.next(), depth + 1)
            if not isinstance(key, Scalar):
                self.report(key_at, f"a key must be text, not {describe(key)}")
            elif key.kind == "null":
                self.report(key_at, "a key is missing")
            elif key.value in own:
                first = self.source.where(own[key.value][0].at).line
                self.report(key_at, f"key {quote(key.value)} is written twice, first on line {first}")
            else:
                own[key.value] = (key, value)
                if plain and key.value == "<<":
                    merge_key = True
                    self.merge(merged, value, key_at)
        if merge_key:
            del own["<<"]
        entries = tuple((merged | own).values())
        return Map(entries, at, 1 + sum(key.weight + value.weight for key, value in entries))

    def merge(self, merged: dict[str, tuple[Scalar, Node]], value: Node, at: int) -> None:
        """Merge key, as in YAML 1.1's type repository: own keys win, then the mapping named first."""
        for node in value.items if isinstance(value, Seq) else (value,):
            if not isinstance(node, Map):
                self.report(at, f"`<<` takes a mapping or a list of mappings, not {describe(node)}")
                return
            for key, item in node.entries:
                merged.setdefault(key.value, (key, item))
