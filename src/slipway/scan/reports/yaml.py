"""The data of the JSON document as YAML 1.1 and 1.2.

Written here, as a library takes seconds for thousands of findings. A text is plain where no reader can take it for anything
else, otherwise quoted as in JSON, whose escapes YAML has too.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from slipway.patterns import pattern
from slipway.scan.reports.json import data

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Sequence

    from slipway.scan.policy.model import Judged

_PLAIN = pattern(r"[A-Za-z_][A-Za-z0-9_./+-]*")
_WORDS: Final = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}  # values by YAML 1.1
# Not printable by YAML 1.2, section 5.1, or a line break by YAML 1.1.
_UNPRINTABLE = pattern("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def render(judged: Sequence[Judged]) -> str:
    return "\n".join(_lines(data(judged), "")) + "\n"


def _lines(value: Any, indent: str) -> Iterator[str]:
    """A mapping or sequence that is not empty, in block style."""
    entries = value.items() if isinstance(value, dict) else ((None, each) for each in value)
    for key, content in entries:
        head = f"{indent}-" if key is None else f"{indent}{_text(key)}:"
        if not isinstance(content, (dict, list)) or not content:
            yield f"{head} {_scalar(content)}"
        elif key is None:
            first, *rest = _lines(content, f"{indent}  ")
            yield f"{head} {first.lstrip()}"
            yield from rest
        else:
            yield head
            yield from _lines(content, f"{indent}  ")


def _scalar(value: object) -> str:
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _UNPRINTABLE.sub(_escaped, json.dumps(text, ensure_ascii=False))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
