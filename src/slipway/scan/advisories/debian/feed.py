"""What the table of kinds knows of this one. Scanning must not import what only updating needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.scan.advisories.debian.outdated import match

if TYPE_CHECKING:
    from slipway.events import Reporter
    from slipway.scan.advisories.plug import Ask, Change
    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.settings import Settings

__all__ = ["match", "update"]


def update(store: AdvisoryStore, ask: Ask, settings: Settings, reporter: Reporter) -> tuple[Change, ...]:
    """See `update.update`."""
    from slipway.scan.advisories.debian.update import update as bring

    return bring(store, ask, settings, reporter)
