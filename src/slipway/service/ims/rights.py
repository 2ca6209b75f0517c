"""Where an actor sees, makes and removes records. The compatible API names no projects: new records go where the actor may build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.service.auth.roles import ROLES, allowed
from slipway.service.v4.places import owner

if TYPE_CHECKING:
    from slipway.service.model import Actor, Record
    from slipway.service.records.store import Records


def may_purge(actor: Actor, record: Record) -> bool:
    """For ever: one's own records, and as an administrator all."""
    own = bool(actor.name) and actor.name == record.owner and allowed(actor, "write", record.project)
    return own or allowed(actor, "purge", record.project)


def may_link(actor: Actor, records: Records, key: str) -> bool:
    """Whether a record of the actor may have that artifact, and take it along when it goes. Asks the database where sign-in is on."""
    if allowed(actor, "write", "*"):
        return True
    record = owner(records, key)
    return record is None or allowed(actor, "write", record.project)


def projects(actor: Actor) -> frozenset[str] | None:
    """Those in which the actor sees records; None: all."""
    found = frozenset(project for project, role in actor.roles if role in ROLES)
    return None if "*" in found else found


def home(actor: Actor) -> str:
    """Where new records go: `default` if the actor may build there, else the one project where they may; empty for none or several."""
    if allowed(actor, "write", "default"):
        return "default"
    found = {project for project, _ in actor.roles if allowed(actor, "write", project)}
    return found.pop() if len(found) == 1 else ""
