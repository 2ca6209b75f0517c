"""Plain data as YAML that people compare: always the same text for the same data, one package a line."""

from __future__ import annotations

import json
from typing import Any

from slipway.patterns import pattern

# Everything else is quoted. Hashes are too, so that they look alike whatever they begin with.
_PLAIN = pattern(r"(?![0-9a-f]{64}\Z)[A-Za-z/][A-Za-z0-9_./+~-]*\Z")
_WORDS = frozenset(
    {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
)  # YAML 1.1 has ideas of these
# what JSON leaves as it is and YAML and TOML do not take
_ODD = pattern("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def render(data: dict[str, Any]) -> str:
    """YAML of mappings, lists, texts, numbers and truths; the keys are plain words, in the order they have."""
    return "".join(f"{line}\n" for line in _mapping(data, ""))


def quoted(text: str) -> str:
    """A string in double quotes, in the form that JSON, YAML and TOML have in common."""
    return _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _mapping(data: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for key, value in data.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{key}:", *_mapping(value, indent + "  ")]
        elif isinstance(value, list) and value:
            lines += [f"{indent}{key}:", *_list(value, indent + "  ")]
        else:
            lines.append(f"{indent}{key}: {_scalar(value)}")
    return lines


def _list(items: list[Any], indent: str) -> list[str]:
    lines = []
    for item in items:
        if isinstance(item, dict) and any(isinstance(v, dict) or _is_long(v) for v in item.values()):
            first, *rest = _mapping(item, indent + "  ")
            lines += [f"{indent}- {first.lstrip()}", *rest]
        else:
            lines.append(f"{indent}- {_flow(item)}")
    return lines


def _is_long(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) for item in value)


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        plain = _PLAIN.match(value) and value.lower() not in _WORDS
        return value if plain else quoted(value)
    if isinstance(value, dict | list):
        return _flow(value)
    return json.dumps(value)
