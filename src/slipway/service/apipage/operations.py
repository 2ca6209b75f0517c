"""What the page shows of an OpenAPI document (3.1): its operations by tag, each with fields, an example and answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.service.apipage.prose import prose
from slipway.service.apipage.schemas import Row, example, resolved, rows, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

_METHODS: Final = ("get", "post", "put", "patch", "delete", "head")


@dataclass(frozen=True, slots=True)
class Parameter:
    """`place` is path, query or header; `choices` are the only values there are, if they are few."""

    name: str
    place: str
    kind: str
    required: bool
    text: Markup
    choices: tuple[str, ...] = ()
    default: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    content_type: str
    required: bool
    example: str
    fields: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    status: str
    text: Markup
    content_type: str
    fields: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    anchor: str
    method: str
    path: str
    summary: str
    text: Markup
    parameters: tuple[Parameter, ...]
    body: Body | None
    outcomes: tuple[Outcome, ...]
    deprecated: bool


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    anchor: str
    text: Markup
    operations: tuple[Operation, ...]


def groups(document: dict[str, Any], anchor: str) -> list[Group]:
    """The operations by their first tag, in the order of the document's tags and paths."""
    told = {tag["name"]: str(tag.get("description", "")) for tag in document.get("tags", ())}
    found: dict[str, list[Operation]] = {name: [] for name in told}
    for path, method, item, operation in _each(document):
        tag = str((operation.get("tags") or ["Others"])[0])
        place = f"{anchor}-{operation.get('operationId') or f'{method}{path}'}"
        found.setdefault(tag, []).append(_operation(document, place, path, method, item, operation))
    return [
        Group(name, f"{anchor}-tag-{name.replace(' ', '-')}", prose(told.get(name, "")), tuple(operations))
        for name, operations in found.items()
        if operations
    ]


def _each(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    servers = [str(server.get("url", "")) for server in document.get("servers", ())]
    base = next((url.rstrip("/") for url in servers if url.startswith("/")), "")
    for path, item in document.get("paths", {}).items():
        for method in _METHODS:
            if method in item:
                yield f"{base}{path}", method, item, item[method]


def _operation(
    document: dict[str, Any],
    anchor: str,
    path: str,
    method: str,
    item: dict[str, Any],
    operation: dict[str, Any],
) -> Operation:
    given = [
        resolved(document, each) for each in (*item.get("parameters", ()), *operation.get("parameters", ()))
    ]
    answers = operation.get("responses", {})
    body = operation.get("requestBody")
    summary = str(operation.get("summary") or operation.get("operationId") or "")
    text = str(operation.get("description", ""))
    return Operation(
        anchor,
        method.upper(),
        path,
        summary,
        prose("" if text == summary else text),
        tuple(_parameter(document, each) for each in given if each.get("in") != "cookie"),
        _body(document, resolved(document, body)) if body else None,
        tuple(
            _outcome(document, status, resolved(document, each)) for status, each in sorted(answers.items())
        ),
        bool(operation.get("deprecated")),
    )


def _parameter(document: dict[str, Any], given: dict[str, Any]) -> Parameter:
    schema = resolved(document, given.get("schema", {}))
    default = schema.get("default")
    return Parameter(
        str(given["name"]),
        str(given["in"]),
        words(document, schema),
        bool(given.get("required")),
        prose(str(given.get("description") or schema.get("description", ""))),
        tuple(str(value) for value in schema.get("enum", ())),
        "" if default is None else str(default),
    )


def _body(document: dict[str, Any], body: dict[str, Any]) -> Body:
    content_type, content = _content(body)
    schema = content.get("schema", {})
    shown = content.get("example") if "json" in content_type else ""
    return Body(
        content_type,
        bool(body.get("required")),
        example(document, schema, shown) if "json" in content_type else "",
        tuple(rows(document, schema)),
    )


def _outcome(document: dict[str, Any], status: str, given: dict[str, Any]) -> Outcome:
    content_type, content = _content(given)
    return Outcome(
        status,
        prose(str(given.get("description", ""))),
        content_type,
        tuple(rows(document, content.get("schema", {}))),
    )


def _content(given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The first kind of content, and what is said of it."""
    for content_type, content in given.get("content", {}).items():
        return content_type, content
    return "", {}
