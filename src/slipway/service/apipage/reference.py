"""An OpenAPI document as a page of Markdown: every endpoint, what it takes and what it answers."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from slipway.service.apipage.operations import groups

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from markupsafe import Markup

    from slipway.service.apipage.operations import Operation
    from slipway.service.apipage.schemas import Row


def markdown(document: dict[str, Any], title: str, anchor: str) -> str:
    """`title` is of the section (`## title`); `anchor` keeps the operations of several documents apart."""
    lines = [f"## {title}", ""]
    for group in groups(document, anchor):
        lines += [f"### {group.name} ({anchor})", ""]
        for operation in group.operations:
            lines += _operation(operation)
    return "\n".join(lines)


def _operation(operation: Operation) -> Iterator[str]:
    yield from (f"#### `{operation.method} {operation.path}`", "", f"{operation.summary}.", "")
    if told := _text(operation.text):
        yield from (told, "")
    if operation.parameters:
        rows = [
            (
                f"`{p.name}`",
                p.place,
                p.kind,
                "yes" if p.required else "",
                _text(p.text) + (f" (default: `{p.default}`)" if p.default else ""),
            )
            for p in operation.parameters
        ]
        yield from _table(("Parameter", "In", "Value", "Needed", "Meaning"), rows)
    if operation.body:
        yield from (f"Body: `{operation.body.content_type}`", "")
        yield from _fields(operation.body.fields)
    answers = [
        (o.status, _text(o.text), f"`{o.content_type}`" if o.content_type else "") for o in operation.outcomes
    ]
    yield from _table(("Status", "Answer", "Type"), answers)
    best = next((o for o in operation.outcomes if o.status.startswith("2") and o.fields), None)
    if best:
        yield from (f"What {best.status} holds:", "")
        yield from _fields(best.fields)


def _fields(rows: Iterable[Row]) -> Iterator[str]:
    told = [(f"`{r.name}`", r.kind, "yes" if r.required else "", _text(r.text)) for r in rows]
    if told:
        yield from _table(("Field", "Value", "Needed", "Meaning"), told)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for line in (head, tuple("---" for _ in head), *rows):
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
    yield ""


def _text(text: Markup) -> str:
    """In one line, with code between backquotes."""
    plain = str(text).replace("<code>", "`").replace("</code>", "`").replace("</li>", "; ")
    for tag in ("<p>", "</p>", "<ul>", "</ul>", "<li>"):
        plain = plain.replace(tag, " ")
    return " ".join(html.unescape(plain).split()).removesuffix(";")
