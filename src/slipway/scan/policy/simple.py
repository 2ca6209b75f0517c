"""The policy of one word: `--fail-on high`."""

from __future__ import annotations

from slipway.scan.model import Level
from slipway.scan.policy.model import Policy


def simple(level: Level, *, fixable_only: bool = False) -> Policy:
    """Findings of that severity or worse fail; all else as a policy has it that says nothing else.

    Who wants to hear of negligible ones does so of those whose severity nobody has told, too.
    """
    if level <= Level.NEGLIGIBLE:
        return Policy(severity=Level.NEGLIGIBLE, unknown_severity="fail", only_fixable=fixable_only)
    return Policy(severity=level, only_fixable=fixable_only)
