"""What an actor may see and do, by project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.service.auth.roles import ROLES, Verb, allowed
from slipway.service.model import SYSTEM
from slipway.service.v4.problems import refused

if TYPE_CHECKING:
    from starlette.requests import Request

    from slipway.service.model import Actor


def actor_of(request: Request) -> Actor:
    """Whom the sign-in found; where there is none, the service itself."""
    actor: Actor = (request.scope.get("state") or {}).get("actor", SYSTEM)
    return actor


def may(actor: Actor, verb: Verb, project: str) -> bool:
    return allowed(actor, verb, project)


def anywhere(actor: Actor, verb: Verb) -> bool:
    """In any project at all."""
    return any(allowed(actor, verb, project) for project, _ in actor.roles)


def projects(actor: Actor) -> frozenset[str] | None:
    """Those whose records the actor sees; None: all."""
    found = frozenset(project for project, role in actor.roles if role in ROLES)
    return None if "*" in found else found


def home(actor: Actor) -> str:
    """Where new records go that name no project: `default`, or the only one where the actor may write; 403 without any."""
    found = sorted({project for project, _ in actor.roles if allowed(actor, "write", project)})
    if allowed(actor, "write", "default"):
        return "default"
    if len(found) != 1:
        raise refused(403, "name the project: you may write in " + (", ".join(found) or "none"))
    return found[0]


def need(actor: Actor, verb: Verb, project: str) -> None:
    """403 unless the actor may do that there."""
    if not allowed(actor, verb, project):
        raise refused(403, f"your roles do not let you {verb} in the project {project[:100]!r}")
