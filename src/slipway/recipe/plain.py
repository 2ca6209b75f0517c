"""A recipe as plain data, and back: for locks, which keep what an image was asked to be.

The data is that of the keys that determine an image, under their names in recipes, without comments, positions,
logins, the image's name and the platforms. Keys left to their defaults are left out, apart from `base` and
`workspace`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.build.workspace import without_logins
from slipway.errors import LockError
from slipway.python.requirement import public
from slipway.recipe import checks
from slipway.recipe.kinds import Refused
from slipway.recipe.model import (
    Base,
    DebianBase,
    Healthcheck,
    LayoutBase,
    Recipe,
    RegistryBase,
    Requirement,
    ScratchBase,
)
from slipway.recipe.plainparts import WHERE, file_data, file_item, pair, parts, parts_data, text, texts

if TYPE_CHECKING:
    from collections.abc import Mapping

_LISTS = ("apt", "ports", "volumes")
_TEXTS = ("workspace", "user", "workdir")
_COMMANDS = ("entrypoint", "cmd")  # None and () differ in them
_CHECKS = {
    "apt": checks.apt_package,
    "ports": checks.port,
    "volumes": checks.volume,
    "workspace": checks.workspace,
    "user": checks.user,
    "workdir": checks.absolute_path,
}


def as_data(recipe: Recipe) -> dict[str, Any]:
    """`recipe` as values of JSON; equal for recipes that ask for the same image."""
    data: dict[str, Any] = {
        "base": _base_data(recipe.base),
        "packages": [public(r.text) for r in recipe.packages],
        "pip-config": without_logins(recipe.pip_config),
        "files": [file_data(f, public_source(f.source)) for f in recipe.files],
        "env": [f"{name}={value}" for name, value in recipe.env],
        "labels": [f"{name}={value}" for name, value in sorted(recipe.labels)],
        "healthcheck": _check_data(recipe.healthcheck),
        **parts_data(recipe),
    }
    data |= {name: list(getattr(recipe, name)) for name in _LISTS}
    data |= {name: getattr(recipe, name) for name in _TEXTS}
    data = {name: value for name, value in data.items() if value}
    commands = {name: getattr(recipe, name) for name in _COMMANDS}
    return data | {name: list(value) for name, value in commands.items() if value is not None}


def from_data(data: Mapping[str, Any], directory: Path) -> Recipe:
    """The recipe that `as_data` gave, its relative sources against `directory`.

    `LockError` when the data is not of that form, or holds values that no recipe may have.
    """
    try:
        rest: dict[str, Any] = {n: tuple(_CHECKS[n](v) for v in texts(data.get(n, ()))) for n in _LISTS}
        rest |= {n: _CHECKS[n](text(data[n])) for n in _TEXTS if n in data}
        rest |= {n: texts(data[n]) for n in _COMMANDS if n in data}
        return Recipe(
            path=directory / "image.yaml",
            directory=directory,
            text="",
            base=_base(data["base"], directory),
            packages=tuple(Requirement(text(t), WHERE) for t in data.get("packages", ())),
            files=tuple(file_item(f) for f in data.get("files", ())),
            env=tuple(pair(line) for line in data.get("env", ())),
            pip_config=text(data.get("pip-config", "")),
            labels=tuple(pair(line) for line in data.get("labels", ())),
            healthcheck=_check(data["healthcheck"]) if "healthcheck" in data else None,
            **parts(data),
            **rest,
        )
    except Refused as error:
        raise LockError(f"the recipe in the lock cannot be used: {error.message}", hint=error.hint) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LockError(f"the recipe in the lock is damaged: {error}") from error


def public_source(source: str) -> str:
    """The source of a file as it may be kept and shown."""
    if "://" not in source:
        return source
    from slipway.inputs import address

    return address.public(source)


def base_reference(base: LayoutBase | RegistryBase) -> str:
    """A base image as recipes write it."""
    if isinstance(base, RegistryBase):
        return base.reference
    return f"oci:{base.written or base.path}" + (f":{base.tag}" if base.tag else "")


def _base_data(base: Base) -> Any:
    if isinstance(base, DebianBase):
        packages = {"packages": list(base.packages)} if base.packages else {}
        return {"debian": base.suite, "variant": base.variant, **packages}
    if isinstance(base, LayoutBase):
        return {"oci": base.written or str(base.path), **({"tag": base.tag} if base.tag else {})}
    return {"image": base.reference} if isinstance(base, RegistryBase) else "scratch"


def _base(data: Any, directory: Path) -> Base:
    if data == "scratch":
        return ScratchBase(WHERE)
    if "image" in data:
        return RegistryBase(checks.reference(text(data["image"])), WHERE)
    if "oci" in data:
        written = text(data["oci"])
        path = Path(os.path.normpath(directory / Path(written).expanduser()))
        return LayoutBase(path, text(data.get("tag", "")), WHERE, written)
    if data["variant"] not in ("essential", "apt", "minbase"):
        raise ValueError(f"{data['variant']!r} is not a variant")
    suite = checks.match(checks.SUITE, text(data["debian"]), "a Debian suite")
    packages = tuple(checks.apt_package(text(p)) for p in data.get("packages", ()))
    return DebianBase(suite, packages, data["variant"], WHERE)


def _check_data(check: Healthcheck | None) -> dict[str, Any]:
    if check is None:
        return {}
    times = {name: getattr(check, name) for name in ("interval", "timeout", "start_period", "retries")}
    return {"test": list(check.test), **{name: value for name, value in times.items() if value}}


def _check(data: Mapping[str, Any]) -> Healthcheck:
    times = {name: int(value) for name, value in data.items() if name != "test"}
    return Healthcheck(tuple(text(word) for word in data["test"]), **times)
