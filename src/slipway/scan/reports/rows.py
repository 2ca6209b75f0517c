"""JSON with a line for each thing that there are many of: quick to write, and documents can be compared by line."""

from __future__ import annotations

import json


def dumps(value: object, lists: int) -> str:
    """`value` with a line end. The items of the first `lists` lists inside each other are each on a line, those of all others are not."""
    return _text(value, "", lists) + "\n"


def _text(value: object, indent: str, lists: int) -> str:
    inner = f"{indent} "
    if value and isinstance(value, dict) and lists:
        rows = [f"{json.dumps(key)}: {_text(content, inner, lists)}" for key, content in value.items()]
        return f",\n{inner}".join(rows).join((f"{{\n{inner}", f"\n{indent}}}"))
    if value and isinstance(value, list) and lists:
        rows = [_text(content, inner, lists - 1) for content in value]
        return f",\n{inner}".join(rows).join((f"[\n{inner}", f"\n{indent}]"))
    return json.dumps(value, ensure_ascii=False)
