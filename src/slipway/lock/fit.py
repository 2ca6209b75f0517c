"""Whether a lock is of a recipe as it is now. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slipway.lock.model import Lock, LockedPlatform


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The keys of two recipes (as plain data) that differ, sorted."""
    return sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


def misfits(lock: Lock, recipe: Mapping[str, Any], platforms: Iterable[str]) -> list[str]:
    """Why the lock cannot be used for `recipe` (as plain data) on `platforms`: a line for each reason, none if it can."""
    lines = []
    if keys := changed_keys(lock.recipe, recipe):
        lines.append(f"{_listed(keys)} changed in the recipe")
    locked = [p.platform for p in lock.platforms]
    lines += [
        f"it is for {', '.join(locked) or 'no platform'}, not for {p}" for p in platforms if p not in locked
    ]
    if not keys:
        lines += [f"it has no inputs for {p.platform}" for p in lock.platforms if not _is_whole(p, recipe)]
    return lines


def section(lock: Lock, platform: str) -> LockedPlatform | None:
    return next((p for p in lock.platforms if p.platform == platform), None)


def wants_python(recipe: Mapping[str, Any]) -> bool:
    """Whether a recipe (as plain data) may ask for Python packages."""
    brought = any(r.get("requirements") for r in recipe.get("repositories", ()))
    return bool(recipe.get("packages") or recipe.get("requirements") or brought)


def _is_whole(locked: LockedPlatform, recipe: Mapping[str, Any]) -> bool:
    """Whether the section has what its recipe asks for; a lock that was written by Slipway has."""
    base = recipe["base"]
    debian, image = "debian" in base, base != "scratch" and "debian" not in base
    named = [(f.dest, f.source) for f in locked.files]
    trees = [(r.dest, r.url) for r in locked.repositories]
    return (
        (locked.debian is not None) == debian
        and (locked.base is not None) == image
        and (locked.python is not None) == wants_python(recipe)
        and named == [(f["dest"], f["source"]) for f in recipe.get("files", ())]
        and trees == [(r["dest"], r["url"]) for r in recipe.get("repositories", ())]
    )


def _listed(names: Sequence[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
