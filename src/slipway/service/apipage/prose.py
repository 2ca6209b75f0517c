"""The little of Markdown that descriptions of APIs use: paragraphs, lists, and text set as code."""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from slipway.patterns import pattern

_CODE: Final = pattern(r"`([^`]+)`")


def prose(text: str) -> Markup:
    """HTML; whatever else is in the text is shown as it is."""
    return Markup("").join(_block(block) for block in text.strip().split("\n\n") if block.strip())


def _block(block: str) -> Markup:
    lines = [line.strip() for line in block.strip().splitlines()]
    if all(line.startswith(("* ", "- ")) for line in lines):
        items = Markup("").join(Markup("<li>{}</li>").format(_line(line[2:])) for line in lines)
        return Markup("<ul>{}</ul>").format(items)
    return Markup("<p>{}</p>").format(_line(" ".join(lines)))


def _line(text: str) -> Markup:
    parts = _CODE.split(text)  # text, code, text, ...
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else Markup.escape(part)
        for number, part in enumerate(parts)
    )
