"""Which packages are in an image: from the record of its build, or from the databases that they leave in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.oci.layerindex import layer_index, merged, read_files
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slipway.oci.entry import Entry
    from slipway.oci.reader import Image
    from slipway.oci.store import Store

_STATUS = "var/lib/dpkg/status"
_STATUS_DIR = "var/lib/dpkg/status.d/"  # images without dpkg itself have a file per package
_DIST_INFO = pattern(r"(?:.*/)?([^/]+?)-([^/-]+)\.dist-info/METADATA")
_RUNS = pattern(r"[-_.]+")

Packages = dict[tuple[str, str], str]
"""Version by kind (`deb`, `pypi`) and name; several versions of one name are joined with commas."""


def recorded(store: Store, image: Image) -> Packages | None:
    """What the build record says; None when there is none, or it does not tell the content of every layer."""
    record = store.build_record(image.manifest.digest) or {}
    parts = {row["digest"]: row.get("parts") for row in record.get("layers", ())}
    if not all(parts.get(layer.blob.digest) for layer in image.layers):
        return None
    return _joined(
        (kind, name, version)
        for layer in image.layers
        for kind, name, version in parts[layer.blob.digest]
        if kind in ("deb", "pypi")
    )


def installed(store: Store, image: Image) -> Packages:
    """What dpkg's status and the wheels' `.dist-info` directories in the image say (Python: recording installed projects)."""
    paths = merged([layer_index(store, layer.blob) for layer in image.layers])
    return _joined([*_debs(store, image, paths), *_wheels(paths)])


def _debs(store: Store, image: Image, paths: Mapping[str, Entry]) -> list[tuple[str, str, str]]:
    files = [p for p in paths if p == _STATUS or (p.startswith(_STATUS_DIR) and not p.endswith(".md5sums"))]
    found = []
    for data in read_files(store, image.blobs, files).values():
        for stanza in data.decode(errors="replace").split("\n\n"):
            fields = dict(
                line.split(": ", 1)
                for line in stanza.splitlines()
                if line[:1] not in ("", " ", "\t") and ": " in line
            )
            gone = not fields.get("Status", "install ok installed").endswith(" installed")
            if "Package" in fields and "Version" in fields and not gone:
                found.append(("deb", fields["Package"], fields["Version"]))
    return found


def _wheels(paths: Mapping[str, Entry]) -> list[tuple[str, str, str]]:
    hits = (_DIST_INFO.fullmatch(path) for path in paths if path.endswith(".dist-info/METADATA"))
    return [("pypi", _RUNS.sub("-", hit[1]).lower(), hit[2]) for hit in hits if hit]


def _joined(rows: Iterable[tuple[str, str, str]]) -> Packages:
    versions: dict[tuple[str, str], set[str]] = {}
    for kind, name, version in rows:
        versions.setdefault((kind, name), set()).add(version)
    return {key: ", ".join(sorted(found)) for key, found in sorted(versions.items())}
