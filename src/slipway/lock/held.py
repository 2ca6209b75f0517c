"""What a new lock takes over from the one before: whatever the changes to the recipe leave alone."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from slipway.lock.fit import changed_keys, section
from slipway.recipe.plain import is_web
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.distro.model import DebianResolution
    from slipway.lock.model import Lock, LockedFile
    from slipway.python.model import PythonResolution, PythonTarget


@value
class Held:
    """For one platform: `debian`, the `base` image's manifest digest and `python` (for `target`) are to stay as they are.

    Where something of a kind has to be chosen anew, `versions` of Debian packages and those in `dists` are to be taken again
    if they can. `files` are web files, by their public source.
    """

    debian: DebianResolution | None = None
    base: str = ""
    python: PythonResolution | None = None
    target: PythonTarget | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    dists: PythonResolution | None = None
    files: Mapping[str, LockedFile] = field(default_factory=dict)


def held(lock: Lock, recipe: Mapping[str, Any], platform: str) -> Held:
    """What stays of `lock` for `recipe` (as plain data)."""
    old = section(lock, platform)
    if old is None:
        return Held()
    changed = changed_keys(lock.recipe, recipe)
    # packages from an index need an interpreter, which is added to the base
    same_need = bool(lock.recipe.get("packages")) == bool(recipe.get("packages"))
    base = same_need and not {"base", "apt"} & set(changed)
    suite = _suite(lock.recipe) == _suite(recipe)
    return Held(
        debian=old.debian if base else None,
        base=old.base.digest if base and old.base and "image" in recipe["base"] else "",
        python=old.python if not {"packages", "pip-config"} & set(changed) else None,
        target=old.target,
        versions={d.name: d.version for d in old.debian.debs} if old.debian and suite else {},
        dists=old.python,
        files={f.source: f for f in old.files if is_web(f.source)},
    )


def _suite(recipe: Mapping[str, Any]) -> Any:
    base = recipe.get("base")
    return base.get("debian") if isinstance(base, dict) else None
