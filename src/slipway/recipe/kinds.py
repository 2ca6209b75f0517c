"""What a value of a recipe may be: small readers that are put together into the table of keys.

A `Kind` reads one shape of node into one type of value, and says so in words and as JSON Schema. Readers raise
`Refused`; lists, mappings and records catch it item by item, so that everything that is wrong is found in one go.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from slipway.recipe.nodes import Map, Node, Scalar, Seq, describe, is_null
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from slipway.errors import Problem, Where
    from slipway.recipe.source import Source

T = TypeVar("T")
U = TypeVar("U")

_SHORT = 1024
ANY_LENGTH = 1 << 30  # the size of the file is the limit

ENV_MARK = "%ENV{"


class Refused(Exception):  # noqa: N818 - not a user's error yet: it has no place
    """A value is wrong; `at` is the node to point at when it is not the one being read."""

    def __init__(self, message: str, hint: str = "", at: Node | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.at = at


class Reported(Refused):
    """Parts of a value are wrong and have been reported: there is no value, and nothing more to say."""

    def __init__(self) -> None:
        super().__init__("")


class Report:
    """Where readers leave problems; knows the keys around the value being read."""

    def __init__(self, source: Source, directory: Path, problems: list[Problem]) -> None:
        self.source = source
        self.directory = directory
        self.problems = problems
        self.keys: list[str] = []

    def where(self, node: Node) -> Where:
        return self.source.where(node.at)

    def add(self, node: Node, message: str, hint: str = "") -> None:
        prefix = ".".join(self.keys)
        text = f"{prefix}: {message}" if prefix else message
        self.problems.append(self.source.problem(node.at, text, hint))

    @contextmanager
    def complete(self) -> Iterator[None]:
        """Raise `Reported` at the end of a block in which a part was refused."""
        before = len(self.problems)
        yield
        if len(self.problems) > before:
            raise Reported

    def attempt(self, kind: Kind[T], node: Node, key: Scalar | None = None) -> T | None:
        """The value of `node`, or None with the problem reported; `key` is the key that the value stands under."""
        if key:
            self.keys.append(quote(key.value).strip("`"))
        try:
            if is_null(node):
                raise Refused(f"has no value; it takes {kind.label}", at=key)
            return kind.read(node, self)
        except Reported:
            return None
        except Refused as refused:
            self.add(refused.at or node, refused.message, refused.hint)
            return None
        finally:
            if key:
                self.keys.pop()


class Kind(NamedTuple, Generic[T]):
    """`label` completes "it takes …"; `fields` are the keys of a record, for the reference."""

    label: str
    schema: Mapping[str, Any]
    read: Callable[[Node, Report], T]
    fields: tuple[Field, ...] = ()


class Field(NamedTuple):
    """One key of a record: the only place where it is declared."""

    name: str
    kind: Kind[Any]
    doc: str
    example: Any
    default: str = ""
    required: bool = False


def written(node: Node, label: str, *, loose: bool = False) -> str:
    """The text of a scalar. Numbers and true/false are refused unless `loose`: they are mostly a missing quote."""
    if not isinstance(node, Scalar):
        raise Refused(f"must be {label}, not {describe(node)}")
    if ENV_MARK in node.value:
        raise Refused(f"{quote(ENV_MARK + '…}')} is not supported by this release yet")
    if node.kind != "str" and not loose:
        raise Refused(
            f"must be {label}, not {describe(node)}", f'write it in quotes: "{node.value[:_SHORT]}"'
        )
    return node.value


def text(
    label: str,
    check: Callable[[str], T],
    *,
    pattern: str = "",
    loose: bool = False,
    limit: int = _SHORT,
    schema: Mapping[str, Any] | None = None,
) -> Kind[T]:
    """A scalar that `check` turns into a value; with `loose` numbers and true/false stand for their written text.

    Longer texts than `limit` never reach `check`: some expressions take quadratic time.
    """
    rule: dict[str, Any] = {"type": ["string", "number", "boolean"] if loose else "string"}
    if pattern:
        rule["pattern"] = f"^(?:{pattern})$"

    def read(node: Node, _report: Report) -> T:
        value = written(node, label, loose=loose)
        if len(value) > limit:
            raise Refused(f"{quote(value)} is too long: {len(value)} characters, at most {limit}")
        return check(value)

    return Kind(label, rule | dict(schema or {}), read)


def choice(what: str, values: Mapping[str, T]) -> Kind[T]:
    """One of some words."""
    names = ", ".join(values)

    def check(value: str) -> T:
        if value not in values:
            raise Refused(f"{quote(value)} is not {what}", suggestion(value, values) or f"known: {names}")
        return values[value]

    return text(f"one of {names}", check, schema={"enum": list(values)})


def convert(kind: Kind[T], change: Callable[[T, Node, Report], U]) -> Kind[U]:
    """`kind` with its value changed by one more step, which may refuse it."""
    return Kind(
        kind.label,
        kind.schema,
        lambda node, report: change(kind.read(node, report), node, report),
        kind.fields,
    )


def listing(
    item: Kind[T], label: str, *, unique: Callable[[T], str] | None = None, what: str = "item"
) -> Kind[tuple[T, ...]]:
    """A list; with `unique`, two items for which it gives the same are refused, naming the line of the first.

    `what` is the thing that must not come twice.
    """

    def read(node: Node, report: Report) -> tuple[T, ...]:
        if not isinstance(node, Seq):
            raise Refused(f"must be {label}, not {describe(node)}", "start each item with `- `")
        values: list[T] = []
        seen: dict[str, Node] = {}
        with report.complete():
            for child in node.items:
                value = report.attempt(item, child)
                if value is None:
                    continue
                values.append(value)
                if unique and (first := seen.setdefault(unique(value), child)) is not child:
                    line = report.where(first).line
                    report.add(child, f"{what} {quote(unique(value))} comes twice, first on line {line}")
        return tuple(values)

    return Kind(label, {"type": "array", "items": item.schema}, read)


def mapping(key: Kind[str], item: Kind[T], label: str) -> Kind[tuple[tuple[str, T], ...]]:
    """A mapping with free keys, as pairs in written order."""

    def read(node: Node, report: Report) -> tuple[tuple[str, T], ...]:
        if not isinstance(node, Map):
            raise Refused(f"must be {label}, not {describe(node)}", "write `KEY: value`, one per line")
        pairs = []
        with report.complete():
            for name, child in node.entries:
                good_name = report.attempt(key, name)
                value = report.attempt(item, child, name)
                if good_name is not None and value is not None:
                    pairs.append((good_name, value))
        return tuple(pairs)

    names = {"propertyNames": {"pattern": key.schema["pattern"]}} if "pattern" in key.schema else {}
    return Kind(label, {"type": "object", "additionalProperties": item.schema} | names, read)


def by_shape(scalar: Kind[T], other: Kind[T]) -> Kind[T]:
    """Two ways to write one value, told apart by whether it is a single text."""
    label = f"{scalar.label} or {other.label}"

    def read(node: Node, report: Report) -> T:
        return (scalar if isinstance(node, Scalar) else other).read(node, report)

    return Kind(label, {"anyOf": [scalar.schema, other.schema]}, read, other.fields)


def suggestion(word: str, known: Mapping[str, Any]) -> str:
    """`did you mean …?` for a word that is nearly a known one, else an empty text."""
    from difflib import get_close_matches

    plain = {name.lower().replace("_", "-"): name for name in known}
    close = get_close_matches(word.lower().replace("_", "-"), plain, n=1, cutoff=0.7)
    return f"did you mean `{plain[close[0]]}`?" if close else ""
