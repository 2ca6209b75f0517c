"""What the layers above must know of the contents of a base image: found in its layers, told as plain data."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from slipway.build.basepython import find_python
from slipway.oci.entry import Entry
from slipway.oci.follow import follow
from slipway.oci.layerindex import merged, read_files
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from slipway.oci.layerindex import Kept, LayerIndex
    from slipway.oci.store import Descriptor, Store

_STATUS = "var/lib/dpkg/status"
_ACCOUNTS = ("etc/passwd", "etc/group")
_INITS = ("usr/bin/tini", "bin/tini", "usr/bin/tini-static", "sbin/tini", "sbin/tini-static", "usr/sbin/tini")
WANTED = (_STATUS, *_ACCOUNTS)  # files to keep the contents of while the layers are read
_LARGEST = 32 << 20  # bytes of a file that is read whole; the GNU C library has 2 MB
_FIELD = pattern(r"^(Package|Version): (?:\d+:)?([^-\s]\S*)", re.MULTILINE)
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# The C library says of itself which it is; until 2.33 the name of its file did too.
_GLIBC_NAME = pattern(r"libc-(2\.\d+)\.so\Z")
_GLIBC_TEXT = re.compile(rb"GNU C Library [^\n]{0,200}?version (2\.\d+)")


@dataclass(frozen=True)
class Facts:
    """`python` is (version, path of the interpreter) or None; `unfit` says why no Python packages can be chosen, or is empty.

    `glibc` is a version or empty; `shell` the best shell's name or empty; `init` the path of tini or empty; `accounts` the texts of `etc/passwd` and
    `etc/group`, by path; `rows` are the directories, packed (`Entry.pack`).
    """

    python: tuple[str, str] | None
    unfit: str
    glibc: str
    shell: str
    init: str
    accounts: Mapping[str, str]
    rows: Sequence[list[Any]]

    @cached_property
    def dirs(self) -> dict[str, Entry]:
        """The directories by path."""
        return {row[0]: Entry.unpack(row) for row in self.rows}

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Facts:
        python = data.pop("python")
        return cls(python=(python[0], python[1]) if python else None, **data)


def read_facts(
    store: Store,
    layers: Sequence[Descriptor],
    indexes: Sequence[LayerIndex],
    config: Mapping[str, Any],
    kept: Kept,
) -> Facts:
    """Look into the layers, which are in the store; `indexes` are theirs, `config` is the image's configuration.

    `kept` has contents of `WANTED` files as far as they are known already.
    """
    paths = merged(indexes)
    arch = config["architecture"]
    library = _c_library(paths, _MACHINES.get(arch, arch))
    real = {p: found for p in WANTED if (found := follow(paths, p))}
    contents = read_files(store, layers, _readable(paths, real.values()), kept)
    files = {p: contents.get(found, b"").decode(errors="replace") for p, found in real.items()}
    packages = _upstream_versions(files.get(_STATUS, ""))
    glibc = packages.get("libc6", "")
    if library and not glibc:
        read = read_files(store, layers, _readable(paths, [library]))
        glibc = _glibc(library, read.get(library, b""))
    env = dict(e.partition("=")[::2] for e in (config.get("config") or {}).get("Env") or ())
    python, unfit = find_python(paths, env, packages)
    if not glibc and any(p.startswith(("lib/ld-musl-", "usr/lib/ld-musl-")) for p in paths):
        unfit = "it is built on musl (as Alpine is), and packages are chosen for glibc"
    return Facts(
        python=python,
        unfit=unfit,
        glibc=glibc,
        shell=next((s for s in ("bash", "sh") if f"bin/{s}" in paths or f"usr/bin/{s}" in paths), ""),
        init=next((f"/{p}" for p in _INITS if _is_program(paths, p)), ""),
        accounts={p: files[p] for p in _ACCOUNTS if p in files},
        rows=[e.pack() for e in paths.values() if e.kind == "dir"],
    )


def _is_program(paths: Mapping[str, Entry], path: str) -> bool:
    found = paths.get(follow(paths, path))
    return found is not None and found.kind in ("file", "link") and bool(found.mode & 0o111)


def _readable(paths: Mapping[str, Entry], wanted: Iterable[str]) -> list[str]:
    return [p for p in wanted if paths[p].size <= _LARGEST]


def _upstream_versions(status: str) -> dict[str, str]:
    """By package: its version without epoch and revision (deb-version(7)), from the text of dpkg's status file."""
    found = {}
    for stanza in status.split("\n\n"):
        fields = dict(_FIELD.findall(stanza))
        if len(fields) == 2:
            found[fields["Package"]] = fields["Version"].rpartition("-")[0] or fields["Version"]
    return found


def _c_library(paths: Mapping[str, Entry], machine: str) -> str:
    """The file that is the GNU C library for the machine; empty when there is none."""
    for directory in (
        f"lib/{machine}-linux-gnu",
        f"usr/lib/{machine}-linux-gnu",
        "lib64",
        "usr/lib64",
        "lib",
        "usr/lib",
    ):
        if found := follow(paths, f"{directory}/libc.so.6"):
            return found
    return ""


def _glibc(path: str, content: bytes) -> str:
    if match := _GLIBC_NAME.search(path):
        return match[1]
    said = _GLIBC_TEXT.search(content)
    return said[1].decode() if said else ""
