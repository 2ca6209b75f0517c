"""Results that were known before, in a file that is kept with the code.

{"format": 1, "results": [{"fingerprint", "check", "rule", "level", "path", "line", "message"}, …]}
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError
from slipway.scan.source.fingerprints import order
from slipway.scan.source.model import LEVELS, Result

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from slipway.scan.source.model import SourceResult

FORMAT: Final = 1
_TEXTS: Final = ("fingerprint", "check", "rule", "level", "path", "message")


def read(data: bytes, name: str) -> tuple[Result, ...]:
    """`InputError` for what `written` has not made."""
    try:
        value = json.loads(data)
        if value["format"] != FORMAT:
            raise InputError(f"{name}: baselines of format {str(value['format'])[:20]!r} are not known here")
        return tuple(_result(row) for row in value["results"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{name} is no baseline", hint="write one with `--update-baseline`") from error


def _result(row: dict[str, Any]) -> Result:
    fingerprint, check, rule, level, path, message = (row[key] for key in _TEXTS)
    if level not in LEVELS or not all(isinstance(row[key], str) for key in _TEXTS):
        raise ValueError(level)
    return Result(
        check, rule, level, path, message, int(row["line"]), fingerprint=fingerprint, tools=(check,)
    )


def written(result: SourceResult, known: Iterable[Result], scopes: Sequence[str]) -> bytes:
    """What is there now and not excused; of checks that did not run, and of files elsewhere, what was known stays."""
    ran = _whole(result)
    kept = [r for r in known if r.check not in ran or not within(r.path, scopes)]
    now = [r for r in result.results if r.state != "absent" and r.excuse is None]
    rows = {r.fingerprint: r for r in (*kept, *now)}
    texts = [json.dumps(_row(r), ensure_ascii=True) for r in sorted(rows.values(), key=order)]
    # a result a line, so that changes can be read
    body = ",\n".join(texts)
    return f'{{"format": {FORMAT}, "results": [\n{body}\n]}}\n'.encode()


def _row(result: Result) -> dict[str, Any]:
    return {**{key: getattr(result, key) for key in _TEXTS}, "line": result.line}


def compared(
    results: Iterable[Result], known: Sequence[Result], checks: Collection[str], scopes: Sequence[str]
) -> list[Result]:
    """Each result as `new` or `unchanged`, and what is gone as `absent`: of `checks`, and in `scopes`, that were looked at."""
    names = {result.fingerprint for result in known}
    now = [replace(r, state="unchanged" if r.fingerprint in names else "new") for r in results]
    here = {result.fingerprint for result in now}
    gone = [
        replace(result, state="absent")
        for result in known
        if result.fingerprint not in here and result.check in checks and within(result.path, scopes)
    ]
    return sorted([*now, *gone], key=order)


def within(path: str, scopes: Sequence[str]) -> bool:
    """Whether the path is one of those that were asked for, or below one."""
    return any(not scope or path == scope or path.startswith(f"{scope}/") for scope in scopes)


def _whole(result: SourceResult) -> set[str]:
    broken = {gap.check for gap in result.gaps if gap.rule in ("missing-tool", "failed", "skipped")}
    return {ran.check for ran in result.checks} - broken
