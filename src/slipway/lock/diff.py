"""What differs between two locks, for people and programs. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from slipway.lock.fit import changed_keys, section

if TYPE_CHECKING:
    from slipway.lock.model import Lock, LockedPlatform

# in the order in which they are told
_KINDS = ("lock", "debian", "base", "deb", "python", "wheel", "file", "git")

Things = dict[tuple[str, str], tuple[str, str]]  # (kind, name) -> (as shown, identity)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that differs; `before` or `after` is empty where it is new or gone.

    `kind` is `recipe` (a key of it, `set` or not), `lock` (what holds for all of it), or for a `platform`: `debian` (the release),
    `base` (an image's digest), `deb`, `python` (the interpreter), `wheel`, `file` (the start of its hash), `git` (of its commit).
    """

    platform: str
    kind: str
    name: str
    before: str
    after: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def differences(before: Lock | None, after: Lock) -> tuple[Change, ...]:
    """What a reader should look at, in a fixed order; with nothing before, all that there is."""
    keys = changed_keys(before.recipe, after.recipe) if before else []
    changes = [Change("", "recipe", key, _said(before, key), _said(after, key)) for key in keys]
    if before:
        changes += _compared("", _whole(before), _whole(after))
    names = [p.platform for lock in (before, after) if lock for p in lock.platforms]
    for name in dict.fromkeys(names):
        old = section(before, name) if before else None
        new = section(after, name)
        changes += _compared(name, _things(old) if old else {}, _things(new) if new else {})
    return tuple(changes)


def _said(lock: Lock | None, key: str) -> str:
    return "" if lock is None or key not in lock.recipe else "set"


def _compared(platform: str, old: Things, new: Things) -> list[Change]:
    changes = []
    for kind, name in sorted(old.keys() | new.keys(), key=lambda key: (_KINDS.index(key[0]), key[1])):
        was, now = old.get((kind, name), ("", "")), new.get((kind, name), ("", ""))
        if was[1] == now[1]:
            continue
        shown = (was[0], now[0])
        if was[0] == now[0]:  # the same version with other bytes
            shown = (f"{was[0]} ({was[1][:12]})", f"{now[0]} ({now[1][:12]})")
        changes.append(Change(platform, kind, name, *shown))
    return changes


def _whole(lock: Lock) -> Things:
    epoch = "" if lock.epoch is None else str(lock.epoch)
    return {
        ("lock", "compression"): (lock.compression, lock.compression),
        ("lock", "SOURCE_DATE_EPOCH"): (epoch, epoch),
    }


def _things(locked: LockedPlatform) -> Things:
    things: Things = {}
    if debian := locked.debian:
        things["debian", "release"] = (release := f"{debian.codename} {debian.version}".rstrip(), release)
        things |= {("deb", d.name): (d.version, d.sha256) for d in debian.debs}
    if base := locked.base:
        things["base", base.reference] = (base.digest.removeprefix("sha256:")[:12], base.digest)
    if (init := locked.init) and init.deb:
        things["deb", init.deb.name] = (init.deb.version, init.deb.sha256)
    if target := locked.target:
        things["python", "python"] = (target.version, target.version)
    if python := locked.python:
        things |= {("wheel", d.name): (d.version, d.sha256) for d in python.dists}
    things |= {("file", f.dest): (f.sha256[:12], f"{f.mode:04o} {f.sha256}") for f in locked.files}
    things |= {("git", r.dest): (r.commit[:12], f"{r.commit} {r.sha256}") for r in locked.repositories}
    return things


def counts(lock: Lock) -> dict[str, Any]:
    """How much a lock holds, over all platforms."""
    return {
        "platforms": [p.platform for p in lock.platforms],
        "debs": sum(len(p.debian.debs) for p in lock.platforms if p.debian),
        "wheels": sum(len(p.python.dists) for p in lock.platforms if p.python),
        "files": sum(len(p.files) for p in lock.platforms),
        "repositories": sum(len(p.repositories) for p in lock.platforms),
    }
