"""Mappings of names to texts: environment variables and labels."""

from __future__ import annotations

from slipway.recipe import checks
from slipway.recipe.kinds import ANY_LENGTH, Kind, text, written
from slipway.recipe.nodes import Node, Scalar
from slipway.recipe.shapes import mapping

_ANY = {"type": ["string", "number", "boolean"]}


def _env_value(node: Node, _report: object) -> str:
    """True and false become `True` and `False`, as in the files this format comes from."""
    value = written(node, "text", loose=True)
    return value.capitalize() if isinstance(node, Scalar) and node.kind == "bool" else value


ENV = mapping(
    text("the name of a variable", checks.env_name, pattern=checks.ENV_NAME, loose=True),
    Kind("text", lambda: _ANY, _env_value),
    "a mapping of variables",
)
LABELS = mapping(
    text("the name of a label", checks.label_name, pattern=checks.LABEL_NAME, loose=True),
    text("text", str, loose=True, limit=ANY_LENGTH),
    "a mapping of labels",
)
