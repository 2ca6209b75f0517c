"""A base image that exists already: what is in it that the layers above must know."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.oci.layerindex import layer_index, merged, read_files
from slipway.oci.store import Descriptor

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.oci.digest import Digest
    from slipway.oci.entry import Entry
    from slipway.oci.store import Store
    from slipway.recipe.model import LayoutBase, Platform

_PYTHON = re.compile(r"(?:usr/local/bin|usr/bin|bin)/python3\.\d+\Z")
_STANZA = re.compile(r"^Package: (\S+)\n(?:.*\n)*?Version: (?:\d+:)?([^-\s]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class BaseImage:
    """`python` is (version, path of the interpreter) or None; `glibc` is a version or empty; `shell` the best shell."""

    name: str
    manifest: Descriptor
    config: Mapping[str, Any]
    layers: tuple[Descriptor, ...]
    dirs: Mapping[str, Entry]
    python: tuple[str, str] | None
    glibc: str
    shell: str


def open_base(base: LayoutBase, platform: Platform, store: Store) -> BaseImage:
    """Bring the image into the store (checked) and look inside; `InputError` when it contradicts itself."""
    from slipway.oci.layout import import_layout

    descriptor = import_layout(base.path, base.tag, str(platform), store)
    manifest = store.read_json(descriptor.digest)
    config = store.read_json(Descriptor.from_json(manifest["config"]).digest)
    layers = tuple(Descriptor.from_json(d) for d in manifest["layers"])
    indexes = [layer_index(store, layer) for layer in layers]
    _check_contents(base, config, [index.diff_id for index in indexes])
    paths = merged(indexes)
    versions = _dpkg_versions(store, layers)
    shell = next((s for s in ("bash", "sh") if f"bin/{s}" in paths or f"usr/bin/{s}" in paths), "")
    return BaseImage(
        f"oci:{base.path.name}",
        descriptor,
        config,
        layers,
        {p: e for p, e in paths.items() if e.kind == "dir"},
        _python(paths, config, versions),
        versions.get("libc6", ""),
        shell,
    )


def _check_contents(base: LayoutBase, config: Mapping[str, Any], found: list[Digest]) -> None:
    """`InputError` unless the layers are those that the configuration names (image-spec: config.md, rootfs).

    Engines refuse such an image, and those who run it would be told one thing and given another.
    """
    if (config.get("rootfs") or {}).get("diff_ids") != found:
        raise InputError(
            f"the base image {base.path} holds other layers than its configuration says", where=base.where
        )


def _dpkg_versions(store: Store, layers: tuple[Descriptor, ...]) -> dict[str, str]:
    """Upstream versions by package, from the dpkg status file; empty without one."""
    path = "var/lib/dpkg/status"
    status = read_files(store, layers, [path]).get(path, b"").decode(errors="replace")
    return dict(_STANZA.findall(status))


def _python(
    paths: Mapping[str, Entry], config: Mapping[str, Any], versions: Mapping[str, str]
) -> tuple[str, str] | None:
    # the first of these that is there is what `python3` means with the usual PATH
    for link in ("usr/local/bin/python3", "usr/bin/python3", "bin/python3"):
        entry = paths.get(link)
        if entry is None:
            continue
        directory = link.rpartition("/")[0]
        target = f"{directory}/{entry.target}" if entry.kind == "symlink" else link
        if not _PYTHON.match(target):
            continue
        series = target.rpartition("python")[2]
        env = dict(e.partition("=")[::2] for e in (config.get("config") or {}).get("Env") or ())
        full = (
            versions.get(f"python{series}-minimal")
            if directory != "usr/local/bin"
            else env.get("PYTHON_VERSION")
        )
        return (full if full and full.startswith(f"{series}.") else series), f"/{target}"
    return None
