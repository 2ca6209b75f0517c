"""Whether YAML can be read: its syntax, keys that are there twice, aliases without anchors, values that no loader takes.

Events are looked at, nothing is built: aliases are not written out, and nesting is bounded, so that no file is a bomb. Tags may be
anything (CloudFormation, mkdocs and others have their own), but for those that run code in careless loaders.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import yaml
from yaml import events

from slipway.patterns import pattern
from slipway.scan.source.model import Result, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.scan.source.content import Content

INVALID: Final = Rule("yaml-invalid", "YAML that cannot be read", "error")
DUPLICATE: Final = Rule("yaml-duplicate-key", "A key that is in a mapping twice", "error")
VALUE: Final = Rule("yaml-value", "A value that loaders refuse", "error")
CODE: Final = Rule(
    "yaml-python-tag", "A tag that makes careless loaders run code", "warning", tags=("security",)
)

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE: Final = "<<"
_CODE: Final = "tag:yaml.org,2002:python/"
_LONGEST: Final = 60
_DEEPEST: Final = 200
_DATE = pattern(r"\d{4}-\d\d?-\d\d?(?:[Tt]|\s|$)")


class Broken(NamedTuple):
    """Where reading came to its end, and why."""

    line: int
    column: int
    why: str


def broken(text: str) -> Broken | None:
    """The error of syntax that the text has, if any."""
    try:
        for _ in _parsed(text):
            pass
    except (yaml.YAMLError, ValueError) as error:
        return _broken(error)
    return None


def check(content: Content) -> Iterator[Result]:
    """All that is wrong, up to the first error of syntax: behind it nothing can be trusted."""
    walk = _Walk(content)
    try:
        for event in _parsed(content.text or ""):
            yield from walk.take(event)
    except (yaml.YAMLError, ValueError) as error:
        at = _broken(error)
        yield walk.result(INVALID, at.line, at.column, f"this is not valid YAML: {at.why}")


def _parsed(text: str) -> Iterator[Any]:
    """Deep flow collections cost libyaml time that grows with the square of their depth, and loaders their stack."""
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, events.CollectionStartEvent) - isinstance(event, events.CollectionEndEvent)
        if depth > _DEEPEST:
            raise yaml.MarkedYAMLError(problem="nested too deeply", problem_mark=event.start_mark)
        yield event


def _broken(error: Exception) -> Broken:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    why = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    context = getattr(error, "context", None)
    text = " ".join(f"{why} ({context})".split() if context else why.split())
    return Broken(mark.line + 1 if mark else 0, mark.column + 1 if mark else 0, text[:200])


class _Open:
    """A mapping or sequence that is being read: `keys` are those of a mapping, by what they are, with their lines."""

    def __init__(self, *, mapping: bool) -> None:
        self.keys: dict[tuple[str, str], int] | None = {} if mapping else None
        self.key_is_next = mapping


class _Walk:
    def __init__(self, content: Content) -> None:
        self.content = content
        self.stack: list[_Open] = []
        self.anchors: set[str] = set()

    def result(self, rule: Rule, line: int, column: int, message: str) -> Result:
        place = self.content.path
        return Result(
            "syntax", rule.id, rule.level, place, message, line, column, text=self.content.line(line)
        )

    def take(self, event: Any) -> Iterator[Result]:
        if isinstance(event, events.DocumentStartEvent):
            self.anchors.clear()
        elif isinstance(event, events.CollectionEndEvent):
            self.stack.pop()
        elif isinstance(event, events.NodeEvent):
            yield from self.node(event)

    def node(self, event: Any) -> Iterator[Result]:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        is_key = self.begin_node()
        if isinstance(event, events.AliasEvent):
            if event.anchor not in self.anchors:
                text = f"the alias *{str(event.anchor)[:_LONGEST]} has no anchor before it"
                yield self.result(INVALID, line, column, text)
            return
        if event.anchor:
            self.anchors.add(event.anchor)
        if (event.tag or "").startswith(_CODE):
            shown = event.tag.removeprefix("tag:yaml.org,2002:")[:_LONGEST]
            yield self.result(CODE, line, column, f"the tag !!{shown} makes careless loaders run code")
        if isinstance(event, events.ScalarEvent):
            yield from self.scalar(event, line, column, is_key=is_key)
        else:
            self.stack.append(_Open(mapping=isinstance(event, events.MappingStartEvent)))

    def begin_node(self) -> bool:
        """Whether the node that begins is a key; the next one in its mapping is the other."""
        if not self.stack or self.stack[-1].keys is None:
            return False
        top = self.stack[-1]
        is_key, top.key_is_next = top.key_is_next, not top.key_is_next
        return is_key

    def scalar(self, event: Any, line: int, column: int, *, is_key: bool) -> Iterator[Result]:
        plain = event.implicit[0] and not event.tag
        if plain and _DATE.match(event.value) and not _is_date(event.value):
            shown = event.value[:_LONGEST]
            yield self.result(
                VALUE, line, column, f"{shown} is read as a date, and there is no such day: quote it"
            )
        if not is_key:
            return
        keys = self.stack[-1].keys or {}
        kind = _kind(event.value) if plain else event.tag or "tag:yaml.org,2002:str"
        key = (kind, event.value)
        if key in keys and event.value != _MERGE:
            text = f"the key {event.value[:_LONGEST]!r} is here for the second time; the first one is in line {keys[key]}"
            yield self.result(DUPLICATE, line, column, text)
        keys.setdefault(key, line)
        self.stack[-1].keys = keys


@cache
def _resolver() -> yaml.resolver.Resolver:
    return yaml.resolver.Resolver()


def _kind(value: str) -> str:
    """The tag that a plain scalar gets in YAML 1.1, which is what PyYAML and many others read."""
    resolve: Any = _resolver().resolve
    return str(resolve(yaml.ScalarNode, value, (True, False)))


def _is_date(value: str) -> bool:
    if not _kind(value).endswith(":timestamp"):
        return True  # it is text
    try:
        yaml.constructor.SafeConstructor().construct_yaml_timestamp(yaml.ScalarNode(_kind(value), value))
    except ValueError:
        return False
    return True
