"""What a value of a recipe may be: small readers that are put together into the table of keys.

A `Kind` reads one shape of node into one type of value, and says so in words and as JSON Schema. Readers raise
`Refused`; lists, mappings (`shapes`) and records (`records`) catch it item by item, so that everything that is wrong is
found in one go.
"""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

from slipway.recipe.nodes import Node, Scalar, describe, is_null
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

# What a rule for texts does not apply to: only the environment tells what the text will be.
_FROM_ENVIRONMENT = {"$ref": "#/$defs/environment"}


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
    """Where readers leave problems; knows the keys around the value being read.

    `directory` is what relative paths are against, `environ` what `%ENV{NAME}` stands for.
    """

    def __init__(
        self, source: Source, directory: Path, problems: list[Problem], environ: Mapping[str, str]
    ) -> None:
        self.source = source
        self.directory = directory
        self.problems = problems
        self.environ = environ
        self.keys: list[str] = []
        self.sources = {source.name: source}

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
            if isinstance(node, Scalar) and node.wrong:
                for at, message, hint in node.wrong:
                    self.add(node._replace(at=at), message, hint)
                return None
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
    """`label` completes "it takes …"; `rule` makes the JSON Schema; `fields` are the keys of a record, for the reference."""

    label: str
    rule: Callable[[], Mapping[str, Any]]
    read: Callable[[Node, Report], T]
    fields: tuple[Field, ...] = ()

    @property
    def schema(self) -> Mapping[str, Any]:
        return self.rule()


class Field(NamedTuple):
    """One key of a record: the only place where it is declared.

    What it takes is a kind, or `MODULE:NAME` for one in a module of this package that is imported when it is needed.
    """

    name: str
    takes: Kind[Any] | str
    doc: str
    example: Any
    default: str = ""
    required: bool = False

    @property
    def kind(self) -> Kind[Any]:
        if not isinstance(self.takes, str):
            return self.takes
        module, _, name = self.takes.partition(":")
        return cast("Kind[Any]", getattr(import_module(f"slipway.recipe.{module}"), name))


def written(node: Node, label: str, *, loose: bool = False) -> str:
    """The text of a scalar. Numbers and true/false are refused unless `loose`: they are mostly a missing quote."""
    if not isinstance(node, Scalar):
        raise Refused(f"must be {label}, not {describe(node)}")
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

    def rule() -> Mapping[str, Any]:
        base: dict[str, Any] = {"type": ["string", "number", "boolean"] if loose else "string"}
        if pattern:
            base["pattern"] = f"^(?:{pattern})$"
        base |= schema or {}
        return {"anyOf": [base, _FROM_ENVIRONMENT]} if {"pattern", "enum"} & base.keys() else base

    def read(node: Node, _report: Report) -> T:
        value = written(node, label, loose=loose)
        if len(value) > limit:
            raise Refused(f"{quote(value)} is too long: {len(value)} characters, at most {limit}")
        return check(value)

    return Kind(label, rule, read)


def choice(what: str, values: Mapping[str, T]) -> Kind[T]:
    """One of some words."""
    names = ", ".join(values)

    def check(value: str) -> T:
        if value not in values:
            raise Refused(f"{quote(value)} is not {what}", suggestion(value, values) or f"known: {names}")
        return values[value]

    return text(f"one of {names}", check, schema={"enum": list(values)})


_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}


def _flag(value: str) -> bool:
    if value not in _FLAGS:
        raise Refused(f"{quote(value)} is neither true nor false")
    return _FLAGS[value]


FLAG = text(
    "true or false",
    _flag,
    loose=True,
    schema={"type": ["boolean", "string"], "enum": [True, False, *_FLAGS]},
)


def convert(kind: Kind[T], change: Callable[[T, Node, Report], U]) -> Kind[U]:
    """`kind` with its value changed by one more step, which may refuse it."""
    return Kind(
        kind.label,
        kind.rule,
        lambda node, report: change(kind.read(node, report), node, report),
        kind.fields,
    )


def suggestion(word: str, known: Mapping[str, Any]) -> str:
    """`did you mean …?` for a word that is nearly a known one, else an empty text."""
    from difflib import get_close_matches

    plain = {name.lower().replace("_", "-"): name for name in known}
    close = get_close_matches(word.lower().replace("_", "-"), plain, n=1, cutoff=0.7)
    return f"did you mean `{plain[close[0]]}`?" if close else ""
