"""A small Debian archive on loopback, signed by a key of its own, which can be served well or tampered with."""

from __future__ import annotations

import hashlib
import lzma
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.distro.debkit import deb_bytes, folder, member
from tests.distro.repository import date, key

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterable

    from tests.e2e.kit import Home
    from tests.inputs.server import Server

SUITE = "toys"
RECIPE = "tag: toy\nbase: {debian: toys, variant: essential, packages: [NAMES]}\n"


@dataclass
class Archive:
    """`publish` writes the signed indexes for what was added; `resources` of the server may be changed afterwards."""

    server: Server
    stanzas: list[str] = field(default_factory=list)
    signed_by: str = "archive"

    def add(
        self,
        name: str,
        version: str = "1.0",
        members: Iterable[tuple[tarfile.TarInfo, bytes]] = (),
        *,
        data: bytes | None = None,
        sha256: str = "",
        size: int | None = None,
        **fields: str,
    ) -> str:
        """Add a package; returns its path on the server. `data` replaces the .deb, `sha256` and `size` what the index says."""
        control = {"Package": name, "Version": version, "Architecture": "amd64"}
        control |= {k.replace("_", "-").title(): v for k, v in fields.items()}
        content = deb_bytes(members, control) if data is None else data
        path = f"pool/{name}_{version}_amd64.deb"
        self.server.add(f"/debian/{path}", content)
        listed = control | {
            "Filename": path,
            "Size": str(len(content) if size is None else size),
            "SHA256": sha256 or hashlib.sha256(content).hexdigest(),
        }
        self.stanzas.append("".join(f"{k}: {v}\n" for k, v in listed.items()))
        return f"/debian/{path}"

    def publish(self) -> None:
        packed = lzma.compress("\n".join(self.stanzas).encode(), preset=0)
        self._suite(SUITE, packed)
        self._suite(f"{SUITE}-updates", lzma.compress(b""))

    def _suite(self, name: str, packed: bytes) -> None:
        path = "main/binary-amd64/Packages.xz"
        text = (
            f"Origin: Debian\nSuite: {name}\nCodename: {name}\nVersion: 1\nDate: {date(time.time())}\n"
            "Architectures: all amd64\nComponents: main\n"
            f"SHA256:\n {hashlib.sha256(packed).hexdigest()} {len(packed)} {path}\n"
        )
        self.server.add(f"/debian/dists/{name}/InRelease", key(self.signed_by).clear_sign(text))
        self.server.add(f"/debian/dists/{name}/{path}", packed)

    def used_by(self, home: Home) -> Home:
        return home.with_(
            SLIPWAY_MIRROR=self.server.url("/debian"),
            SLIPWAY_KEYRING=str(key("archive").keyring),
            no_proxy="127.0.0.1",
        )


def toy(archive: Archive, name: str, content: bytes = b"hello\n") -> str:
    """A package with one file."""
    return archive.add(
        name, members=[folder("./usr"), folder("./usr/share"), member(f"./usr/share/{name}", content)]
    )


def recipe_for(*names: str) -> str:
    return RECIPE.replace("NAMES", ", ".join(names))
