"""What differs between two images: packages, paths, settings."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from slipway.oci.layerindex import layer_index, merged
from slipway.oci.reader import read_image, select
from slipway.registry.lazy import ensure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.events import Reporter
    from slipway.oci.entry import Entry
    from slipway.oci.reader import Image
    from slipway.oci.store import Store
    from slipway.settings import Settings

Packages = dict[tuple[str, str], str]
"""Versions by kind (`deb`, `pypi`, ...) and name; several of one name are joined with commas."""

# times are left out: they differ between images that behave the same
_ATTRIBUTES = ("kind", "mode", "uid", "gid", "target", "dev", "xattrs")


@dataclass(frozen=True, slots=True)
class PackageChange:
    """Versions; `before` is empty for an added package, `after` for a removed one."""

    kind: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PathChange:
    """Sizes in bytes, None where the path is not there; `what` of a changed path: `content` and names of attributes."""

    path: str
    before: int | None
    after: int | None
    what: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting of the config; variables and labels each for itself (`Env.PATH`). None where it is not set."""

    key: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Diff:
    """`before` and `after` are manifest digests; the changes are sorted by name."""

    before: str
    after: str
    packages: tuple[PackageChange, ...]
    paths: tuple[PathChange, ...]
    settings: tuple[SettingChange, ...]

    def as_dict(self) -> dict[str, Any]:
        return {
            "before": self.before,
            "after": self.after,
            "packages": [asdict(p) for p in self.packages],
            "paths": [{**asdict(p), "what": list(p.what)} for p in self.paths],
            "settings": [asdict(s) for s in self.settings],
        }


def diff(
    store: Store, before: str, after: str, settings: Settings, reporter: Reporter, platform: str = ""
) -> Diff:
    """Compare two images by name or digest; of indexes `platform`, or this machine's.

    Layers that are not here are brought, unless both images have the same.
    """
    with store.shared():
        a, b = (read_image(store, select(store, store.find(ref), platform)) for ref in (before, after))
        if a.layers == b.layers:
            return Diff(a.manifest.digest, b.manifest.digest, (), (), _settings(a, b))
        for image in (a, b):
            ensure(store, image.manifest, settings, reporter)
        return Diff(
            a.manifest.digest,
            b.manifest.digest,
            _packages(_installed(a, settings, reporter), _installed(b, settings, reporter)),
            _paths(_merged(store, a), _merged(store, b)),
            _settings(a, b),
        )


def _installed(image: Image, settings: Settings, reporter: Reporter) -> Packages:
    """What is a part of another package goes without saying: that one's version tells."""
    from slipway.scan.inventory.api import of_image

    inventory = of_image("", image.manifest, settings, reporter)
    for line in inventory.unread:
        reporter.warn(f"{image.manifest.digest[:19]}: {line}")
    versions: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for component in inventory.components:
        if not component.owner:
            versions[component.kind, component.name].add(component.version)
    return {key: ", ".join(sorted(found)) for key, found in sorted(versions.items())}


def _merged(store: Store, image: Image) -> dict[str, Entry]:
    return merged([layer_index(store, blob) for blob in image.blobs])


def _packages(a: Packages, b: Packages) -> tuple[PackageChange, ...]:
    return tuple(
        PackageChange(*key, a.get(key, ""), b.get(key, ""))
        for key in sorted(a.keys() | b.keys())
        if a.get(key) != b.get(key)
    )


def _paths(a: Mapping[str, Entry], b: Mapping[str, Entry]) -> tuple[PathChange, ...]:
    changes = []
    for path in sorted(a.keys() | b.keys()):
        old, new = a.get(path), b.get(path)
        if old is None or new is None:
            changes.append(PathChange(path, old.size if old else None, new.size if new else None))
        elif what := _differences(old, new):
            changes.append(PathChange(path, old.size, new.size, what))
    return tuple(changes)


def _differences(old: Entry, new: Entry) -> tuple[str, ...]:
    content = () if (old.size, old.sha256) == (new.size, new.sha256) else ("content",)
    return (*content, *(name for name in _ATTRIBUTES if getattr(old, name) != getattr(new, name)))


def _settings(a: Image, b: Image) -> tuple[SettingChange, ...]:
    old, new = _flat(a), _flat(b)
    return tuple(
        SettingChange(key, old.get(key), new.get(key))
        for key in sorted(old.keys() | new.keys())
        if old.get(key) != new.get(key)
    )


def _flat(image: Image) -> dict[str, Any]:
    flat: dict[str, Any] = {"platform": image.platform}
    for key, value in image.settings.items():
        if key == "Env" and isinstance(value, list):
            flat.update((f"Env.{name}", text) for name, _, text in (str(v).partition("=") for v in value))
        elif isinstance(value, dict):
            flat.update((f"{key}.{name}", inner) for name, inner in value.items())
        else:
            flat[key] = value
    return flat
