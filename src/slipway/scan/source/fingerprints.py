"""Names by which results are known from one scan to the next, and two tools' words for the same made one."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.scan.source.pyrules import common

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.scan.source.model import Result


def merged(first: Sequence[Result], second: Iterable[Result]) -> list[Result]:
    """Results of bandit with what ruff says of the same rule in the same lines; what only ruff says stays its own.

    The level is bandit's, which looks at how something is used. Excused is what either tool was told to pass over.
    """
    wanted: dict[tuple[str, str], list[int]] = {}
    results = list(first)
    for place, result in enumerate(results):
        wanted.setdefault((result.path, common(result.rule)), []).append(place)
    alone = []
    for result in second:
        candidates = wanted.get((result.path, common(result.rule)), [])
        fitting = [n for n in candidates if results[n].line <= result.line <= results[n].end_line]
        exact = [n for n in fitting if results[n].line == result.line]
        if not fitting:
            alone.append(result)
        for n in (exact or fitting)[:1]:
            mine = results[n]
            tools, also = (
                dict.fromkeys((*mine.tools, *result.tools)),
                dict.fromkeys((*mine.also, result.rule)),
            )
            results[n] = replace(
                mine, tools=tuple(tools), also=tuple(also), excuse=mine.excuse or result.excuse
            )
    return results + alone


def marked(results: Iterable[Result]) -> list[Result]:
    """In their order, each with its fingerprint.

    That is the hexadecimal SHA-256 of the rule, the path, the text of the line with its blanks made one, and how many of the same
    were before it. So it stays when lines are added above.
    """
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for result in sorted(results, key=order):
        key = common(result.rule), result.path, result.text
        digest = hashlib.sha256(
            "\0".join((*key, str(seen[key]))).encode(errors="surrogateescape")
        ).hexdigest()
        seen[key] += 1
        found.append(replace(result, fingerprint=digest))
    return found


def order(result: Result) -> tuple[str, int, int, str, str, str]:
    return result.path, result.line, result.column, result.check, result.rule, result.message
