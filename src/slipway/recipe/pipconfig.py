"""`pip-config`: the text of pip.conf, from a mapping of sections or as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.recipe.kinds import ANY_LENGTH, Kind, Refused, text
from slipway.recipe.shapes import by_shape, listing, mapping
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from slipway.recipe.kinds import Report
    from slipway.recipe.nodes import Node

_NAME = text("a name", str, loose=True)
_OPTION: Kind[tuple[str, ...]] = by_shape(
    text(
        "text",
        lambda value: tuple(line.strip() for line in value.strip().split("\n")),
        loose=True,
        limit=ANY_LENGTH,
    ),
    listing(text("text", str.strip, loose=True, limit=ANY_LENGTH), "a list of texts"),
)
_SECTIONS = mapping(_NAME, mapping(_NAME, _OPTION, "a mapping of options"), "a mapping of sections")


def _parsed(config: str) -> dict[str, dict[str, str]]:
    """What pip would read: it uses this parser, without interpolation."""
    from configparser import (
        DuplicateOptionError,
        DuplicateSectionError,
        MissingSectionHeaderError,
        ParsingError,
        RawConfigParser,
    )

    parser = RawConfigParser()
    try:
        parser.read_string(config)
    except DuplicateOptionError as error:
        raise Refused(f"line {error.lineno} of the text: option {quote(error.option)} comes twice") from None
    except DuplicateSectionError as error:
        raise Refused(
            f"line {error.lineno} of the text: section {quote(error.section)} comes twice"
        ) from None
    except ParsingError as error:
        line = error.lineno if isinstance(error, MissingSectionHeaderError) else error.errors[0][0]
        hint = "a [section] first, then lines such as `option = value`"
        raise Refused(f"line {line} of the text is not INI", hint) from None
    return {name: dict(parser.items(name)) for name in parser.sections()}


def _from_text(value: str) -> str:
    _parsed(value)
    return value


def _value(lines: tuple[str, ...]) -> str:
    """The value of an option as the parser gives it: several lines start with an empty one."""
    return lines[0] if len(lines) == 1 else "\n".join(("", *lines))


def _option(name: str, lines: tuple[str, ...]) -> str:
    if len(lines) == 1:
        return f"{name} = {lines[0]}\n"
    return f"{name} =\n" + "".join(f"    {line}\n" for line in lines)


def _from_map(node: Node, report: Report) -> str:
    """The text, which is read back: what INI cannot hold (a line that looks like a comment, say) is refused."""
    sections = _SECTIONS.read(node, report)
    config = "\n".join(
        f"[{name}]\n" + "".join(_option(key, lines) for key, lines in options) for name, options in sections
    )
    wanted = {name: {key.lower(): _value(lines) for key, lines in options} for name, options in sections}
    if _parsed(config) != wanted:
        raise Refused("this cannot be written as pip configuration", "write it as one text, as in pip.conf")
    return config


PIP_CONFIG: Kind[str] = by_shape(
    text("the text of pip.conf", _from_text, limit=ANY_LENGTH),
    Kind(_SECTIONS.label, _SECTIONS.rule, _from_map),
)
