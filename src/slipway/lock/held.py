"""What a new lock takes over from the one before: whatever the changes to the recipe leave alone."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from slipway.inputs.address import is_remote
from slipway.lock.fit import changed_keys, section
from slipway.oci.digest import key_of
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.build.installation.model import Init
    from slipway.distro.model import DebianResolution
    from slipway.lock.model import Lock, LockedFile, LockedRepository
    from slipway.python.model import PythonResolution, PythonTarget


@value
class Held:
    """For one platform: `debian`, the `base` image's manifest digest, `init` and `python` (for `target`) are to stay as they are.

    Where something of a kind has to be chosen anew, `versions` of Debian packages and those in `dists` are to be taken again
    if they can. `files` are those from other machines, and `repositories` those from git, by `row_key`.
    """

    debian: DebianResolution | None = None
    base: str = ""
    python: PythonResolution | None = None
    target: PythonTarget | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    dists: PythonResolution | None = None
    files: Mapping[str, LockedFile] = field(default_factory=dict)
    repositories: Mapping[str, LockedRepository] = field(default_factory=dict)
    init: Init | None = None


# with these in it or not, a recipe asks for an interpreter and an init in its base, or not
_NEEDS = ("packages", "requirements", "files", "repositories", "cmds", "run", "entrypoint")
# what Python packages are chosen by; `slipway.build.resolve` knows when files play a part
_FOR_PYTHON = {"packages", "requirements", "pip-config"}


def held(lock: Lock, recipe: Mapping[str, Any], platform: str) -> Held:
    """What stays of `lock` for `recipe` (as plain data)."""
    old = section(lock, platform)
    if old is None:
        return Held()
    changed = changed_keys(lock.recipe, recipe)
    same_need = all((key in lock.recipe) == (key in recipe) for key in _NEEDS)
    base = same_need and not {"base", "apt"} & set(changed)
    suite = _suite(lock.recipe) == _suite(recipe)
    return Held(
        debian=old.debian if base else None,
        base=old.base.digest if base and old.base and "image" in recipe["base"] else "",
        python=old.python if not _FOR_PYTHON & set(changed) else None,
        target=old.target,
        versions={d.name: d.version for d in old.debian.debs} if old.debian and suite else {},
        dists=old.python,
        files={
            row_key(item): row
            for item, row in zip(lock.recipe.get("files", ()), old.files, strict=False)
            if is_remote(row.source)
        },
        repositories={
            row_key(item): row
            for item, row in zip(lock.recipe.get("repositories", ()), old.repositories, strict=False)
        },
        init=old.init
        if base and "oci" not in recipe["base"]
        else None,  # a layout may hold another image now
    )


def row_key(item: Mapping[str, Any]) -> str:
    """What stands for an item of `files` or `repositories`, as plain data, wherever it goes."""
    return key_of({name: value for name, value in item.items() if name != "dest"})


def _suite(recipe: Mapping[str, Any]) -> Any:
    base = recipe.get("base")
    return base.get("debian") if isinstance(base, dict) else None
