"""What an actor may remove for ever, link and use, through the compatible API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.service.auth.roles import allowed
from slipway.service.records.naming import owner

if TYPE_CHECKING:
    from slipway.service.auth.roles import Verb
    from slipway.service.model import Actor, Record
    from slipway.service.records.store import Records


def may_purge(actor: Actor, record: Record) -> bool:
    """For ever: one's own records, and as an administrator all."""
    own = bool(actor.name) and actor.name == record.owner and allowed(actor, "write", record.project)
    return own or allowed(actor, "purge", record.project)


def may_link(actor: Actor, records: Records, key: str, verb: Verb) -> bool:
    """Whether the actor may do that with an artifact: `write` for a record that takes it along when it goes.

    Asks the database where sign-in is on.
    """
    if allowed(actor, verb, "*"):
        return True
    record = owner(records, key)
    return record is None or allowed(actor, verb, record.project)
