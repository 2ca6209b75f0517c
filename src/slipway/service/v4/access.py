"""What an actor may see and do, by project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.service.auth import roles
from slipway.service.auth.roles import Verb, allowed
from slipway.service.model import SYSTEM
from slipway.service.v4.problems import refused

if TYPE_CHECKING:
    from starlette.requests import Request

    from slipway.service.model import Actor


def actor_of(request: Request) -> Actor:
    """Whom the sign-in found; where there is none, the service itself."""
    actor: Actor = (request.scope.get("state") or {}).get("actor", SYSTEM)
    return actor


def anywhere(actor: Actor, verb: Verb) -> bool:
    """In any project at all."""
    return bool(roles.places(actor, verb))


def home(actor: Actor) -> str:
    """Where new records go that name no project; 403 where that is not clear."""
    if found := roles.home(actor):
        return found
    names = ", ".join(sorted(roles.places(actor, "write"))) or "none"
    raise refused(403, f"name the project: you may write in {names}")


def need(actor: Actor, verb: Verb, project: str) -> None:
    """403 unless the actor may do that there."""
    if not allowed(actor, verb, project):
        raise refused(403, f"your roles do not let you {verb} in the project {project[:100]!r}")
