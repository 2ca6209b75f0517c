"""Roles: what tokens say of them, and what each allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.service.model import Actor

Verb = Literal["read", "write", "purge"]

ROLES: Final = ("viewer", "builder", "admin")  # each may do what those before it may
_NEEDED: Final[dict[Verb, str]] = {"read": "viewer", "write": "builder", "purge": "admin"}
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MOST: Final = 1000  # roles of one token


def verb_of(method: str) -> Verb:
    """What an HTTP method does; that something goes for ever (`purge`), only those know who answer it."""
    return "read" if method in _READING else "write"


def allowed(actor: Actor, verb: Verb, project: str) -> bool:
    """Whether one of the actor's roles, in that project or in all, is enough."""
    enough = ROLES[ROLES.index(_NEEDED[verb]) :]
    return any((place, role) in actor.roles for place in ("*", project) for role in enough)


def projects(actor: Actor) -> frozenset[str] | None:
    """Those whose records the actor sees; None: all."""
    found = frozenset(project for project, role in actor.roles if role in ROLES)
    return None if "*" in found else found


def places(actor: Actor, verb: Verb) -> frozenset[str]:
    """The projects, among those that the roles name, where the actor may do that."""
    return frozenset(project for project, _ in actor.roles if allowed(actor, verb, project))


def home(actor: Actor) -> str:
    """Where new records go that name no project: `default` if the actor may build there, else the one project where they may;
    empty for none or several.
    """
    if allowed(actor, "write", "default"):
        return "default"
    found = places(actor, "write")
    return next(iter(found)) if len(found) == 1 else ""


def granted(claims: Mapping[str, Any], path: str) -> frozenset[tuple[str, str]]:
    """The roles in a claim, by project: `ROLE` is for all projects (`*`), `PROJECT:ROLE` for one. What is neither counts for nothing.

    `path` is the name of the claim, or names with dots between, each a claim in the one before (`realm_access.roles`,
    as Keycloak has it). The claim is a list of texts, or one text with spaces between.
    """
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for name in path.split("."):
            found = found.get(name) if isinstance(found, dict) else None
    if isinstance(found, str):
        found = found.split()
    if not isinstance(found, list):
        return frozenset()
    roles = set()
    for text in found[:_MOST]:
        project, _, role = text.rpartition(":") if isinstance(text, str) else ("", "", "")
        if role in ROLES:
            roles.add((project or "*", role))
    return frozenset(roles)
