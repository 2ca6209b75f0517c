"""Small .debs made with the standard library, and images written out as a tree: independent of the code under test."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import tarfile
from typing import TYPE_CHECKING

from slipway.distro.deb import deb_fragment
from slipway.distro.model import Deb
from slipway.oci import compress
from slipway.oci.fragment import Fragment, FragmentCache
from slipway.oci.layer import directories

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

CONTROL = {"Package": "toy", "Version": "1.0-1", "Architecture": "amd64", "Maintainer": "A <a@example.org>"}


def member(name: str, content: bytes = b"", **attributes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.mtime = 1_600_000_000
    info.mode = 0o644
    info.size = len(content)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, content


def folder(name: str, mode: int = 0o755) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.DIRTYPE, mode=mode)


def link(name: str, target: str, *, hard: bool = False) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, type=tarfile.LNKTYPE if hard else tarfile.SYMTYPE, linkname=target, mode=0o777)


def tar(members: Iterable[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for info, content in members:
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def ar(members: Iterable[tuple[str, bytes]]) -> bytes:
    out = b"!<arch>\n"
    for name, data in members:
        out += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
            + data
            + b"\n" * (len(data) % 2)
        )
    return out


def pack(data: bytes, suffix: str) -> bytes:
    match suffix:
        case "zst":
            return compress.get("zstd").compress(data)
        case "gz":
            return gzip.compress(data)
        case "xz":
            return lzma.compress(data, preset=0)
        case "bz2":
            return bz2.compress(data)
    return data


def deb_bytes(
    members: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
    control: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    *,
    suffix: str = "xz",
) -> bytes:
    fields = "".join(f"{k}: {v}\n" for k, v in {**CONTROL, **(control or {})}.items())
    parts = {"control": fields, **(files or {})}
    info = [folder("./")] + [
        member(f"./{n}", t.encode(), mode=0o755 if "inst" in n else 0o644) for n, t in parts.items()
    ]
    dot = f".{suffix}" if suffix else ""
    return ar(
        [
            ("debian-binary", b"2.0\n"),
            (f"control.tar{dot}", pack(tar(info), suffix)),
            (f"data.tar{dot}", pack(tar([folder("./"), *members]), suffix)),
        ]
    )


def deb_of(data: bytes, control: Mapping[str, str] | None = None) -> Deb:
    fields = {**CONTROL, **(control or {})}
    name, version, arch = fields["Package"], fields["Version"], fields["Architecture"]
    return Deb(name, version, arch, "", "", hashlib.sha256(data).hexdigest(), len(data))


def new_cache(root: Path) -> FragmentCache:
    return FragmentCache(root / "fragments", compress.get("gzip"))


def fragment(
    root: Path,
    members: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
    control: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
    *,
    suffix: str = "xz",
    clamp: int | None = None,
) -> Fragment:
    data = deb_bytes(members, control, files, suffix=suffix)
    return raw_fragment(root, data, control, clamp=clamp)


def raw_fragment(
    root: Path, data: bytes, control: Mapping[str, str] | None = None, *, clamp: int | None = None
) -> Fragment:
    deb = deb_of(data, control)
    path = root / f"{deb.sha256}.deb"
    path.write_bytes(data)
    return deb_fragment(new_cache(root), deb, path, clamp=clamp)


def unpack(
    cache: FragmentCache, fragments: Sequence[Fragment], drop: Mapping[int, set[str]], root: Path
) -> None:
    """Write an image out (as root, without device nodes)."""
    kept = [cache.without(f, drop.get(n, ())) for n, f in enumerate(fragments)]
    places = directories(kept)
    for entry in places.values():
        (root / entry.path).mkdir(parents=True, exist_ok=True)
    for each in kept:
        for entry, content in each.members():
            path = root / entry.path
            if entry.kind == "file":
                path.write_bytes(content)
            elif entry.kind == "symlink":
                path.symlink_to(entry.target)
            elif entry.kind == "link":
                path.hardlink_to(root / entry.target)
            else:
                continue
            os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
            if entry.kind == "file":
                path.chmod(entry.mode)
    for entry in places.values():
        os.chown(root / entry.path, entry.uid, entry.gid)
        (root / entry.path).chmod(entry.mode)
