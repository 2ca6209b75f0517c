"""Verdicts as plain data and back, for JSON: `{"outcome", "reasons": [{"rule", "outcome", "text", "fingerprint"}], "notes"}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from slipway.errors import InputError
from slipway.scan.policy.model import Outcome, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence


def written(verdict: Verdict) -> dict[str, Any]:
    """The verdict as data; a reason that is of no finding has no `fingerprint`."""
    return {
        "outcome": verdict.outcome,
        "reasons": [_reason(reason) for reason in verdict.reasons],
        "notes": list(verdict.notes),
    }


def _reason(reason: Reason) -> dict[str, str]:
    told = {"rule": reason.rule, "outcome": reason.outcome, "text": reason.text}
    return told | ({"fingerprint": reason.fingerprint} if reason.fingerprint else {})


def read(data: object) -> Verdict:
    """The verdict that `written` made this of; `InputError` if it is not one."""
    try:
        if not isinstance(data, dict) or data["outcome"] not in get_args(Outcome):
            raise TypeError("outcome")
        reasons = tuple(_read(row) for row in data["reasons"])
        return Verdict(data["outcome"], reasons, _texts(data["notes"]))
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"this verdict is damaged: {type(error).__name__} {error}"[:200]) from error


def _read(row: dict[str, Any]) -> Reason:
    if row["outcome"] not in ("fail", "unknown"):
        raise TypeError("outcome")
    return Reason(str(row["rule"]), str(row["text"]), str(row.get("fingerprint", "")), row["outcome"])


def _texts(content: Sequence[object]) -> tuple[str, ...]:
    if isinstance(content, str):
        raise TypeError("a list is needed")
    return tuple(str(each) for each in content)
