"""The file tree of an image in a store, read with the standard library alone: what a container would see."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

from slipway.oci.compress import decompress

if TYPE_CHECKING:
    from pathlib import Path

_XATTR = "SCHILY.xattr."


@dataclass(frozen=True)
class Node:
    """`content` is a digest of a file's bytes, the target of a symlink, or the numbers of a device; `links` are the paths of one inode."""

    kind: str
    mode: int
    uid: int
    gid: int
    mtime: int
    content: str = ""
    xattrs: tuple[tuple[str, str], ...] = ()
    links: tuple[str, ...] = ()


def manifest(store: Path, digest: str) -> dict[str, Any]:
    value = json.loads(_blob(store, digest).read_bytes())
    assert isinstance(value, dict)
    return value


def config(store: Path, digest: str) -> dict[str, Any]:
    """The whole configuration of the image with this manifest."""
    return manifest(store, manifest(store, digest)["config"]["digest"])


def tree(store: Path, digest: str) -> dict[str, Node]:
    """Path → node, with whiteouts applied (image-spec: layer.md); hard links are nodes like what they link to."""
    seen: dict[str, Node] = {}
    inodes: dict[str, list[str]] = {}
    for layer in manifest(store, digest)["layers"]:
        here: dict[str, Node] = {}
        with tarfile.open(fileobj=_plain(_blob(store, layer["digest"]))) as archive:
            for info in archive:
                path = info.name.strip("/").removeprefix("./")
                name = path.rpartition("/")[2]
                if name == ".wh..wh..opq":
                    _remove(seen, path.rpartition("/")[0], itself=False)
                elif name.startswith(".wh."):
                    _remove(seen, path.replace(".wh.", ""), itself=True)
                elif path not in ("", "."):
                    here[path] = _node(archive, info, here)
        for path, node in here.items():
            if node.kind != "dir" and path in seen and seen[path].kind == "dir":
                _remove(seen, path, itself=True)
            seen[path] = node
    for path, node in seen.items():
        if node.links:
            inodes.setdefault(node.links[0], []).append(path)
    return {
        path: replace(node, links=tuple(sorted(inodes[node.links[0]])) if node.links else ())
        for path, node in seen.items()
    }


def _node(archive: tarfile.TarFile, info: tarfile.TarInfo, here: dict[str, Node]) -> Node:
    xattrs = tuple(
        sorted(
            (k, v.encode("utf-8", "surrogateescape").hex())
            for k, v in info.pax_headers.items()
            if _XATTR in k
        )
    )
    common = (info.mode & 0o7777, info.uid, info.gid, int(info.mtime))
    if info.isdir():
        return Node("dir", *common, xattrs=xattrs)
    if info.issym():
        return Node("symlink", 0, *common[1:], info.linkname)
    if info.islnk():
        target = here[info.linkname.strip("/").removeprefix("./")]
        if not target.links:
            raise AssertionError(f"{info.linkname} is no file")
        return target
    if info.isreg():
        file = archive.extractfile(info)
        assert file is not None
        content = hashlib.sha256(file.read()).hexdigest()
        return Node("file", *common, content, xattrs, (f"{id(archive)} {info.name}",))
    return Node("other", *common, f"{info.type!r} {info.devmajor}:{info.devminor}")


def _remove(seen: dict[str, Node], path: str, *, itself: bool) -> None:
    for other in [p for p in seen if p.startswith(f"{path}/") or not path or (itself and p == path)]:
        del seen[other]


def _plain(blob: Path) -> IO[bytes]:
    data = blob.read_bytes()
    if data.startswith(b"\x28\xb5\x2f\xfd"):  # zstd, which not every standard library knows
        data = b"".join(decompress([data]))
    return io.BytesIO(data)


def _blob(store: Path, digest: str) -> Path:
    return store / "blobs" / "sha256" / digest.removeprefix("sha256:")
