"""The JSON Schema of a recipe and the rows of its reference, both from the table of keys.

`python -m slipway.recipe.schema` writes the shipped `image.schema.json` again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from slipway.recipe.keys import RECIPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.recipe.kinds import Field, Kind

SHIPPED = Path(__file__).with_name("image.schema.json")


class Row(NamedTuple):
    """One key for the reference; keys inside keys are written `healthcheck.interval`, with `*` for each item: `run.*.env`."""

    name: str
    type: str
    default: str
    description: str


def json_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12. It takes every valid recipe; some rules only `load` can check."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Slipway recipe",
        "description": "One container image, as Slipway builds it.",
        "$defs": {
            "environment": {
                "type": "string",
                "pattern": r"%ENV\{",
                "description": "Text with a variable of whoever builds: %ENV{NAME}, or %ENV{NAME:-default}.",
            }
        },
    } | dict(RECIPE.schema)


def schema_text() -> str:
    """The text of the shipped file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def reference_rows(kind: Kind[Any] = RECIPE) -> list[Row]:
    """All keys in the order of the table, each followed by the keys inside it."""
    return [row for field in kind.fields for row in _rows(field, field.name)]


def _rows(field: Field, name: str) -> Iterator[Row]:
    yield Row(name, field.kind.label, field.default, field.doc)
    for inner in field.kind.fields:
        yield from _rows(inner, f"{name}.{inner.name}")


if __name__ == "__main__":
    SHIPPED.write_text(schema_text(), encoding="utf-8")
