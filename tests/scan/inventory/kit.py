"""Files of packages for layers made by hand, and inventories of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.events import Reporter
from slipway.scan.inventory import take
from tests.images.making import Maker, Member, member

if TYPE_CHECKING:
    from slipway.oci.reader import Slice
    from slipway.scan.model import Inventory

STATUS = "var/lib/dpkg/status"
SITE = "usr/lib/python3/dist-packages"


def stanza(name: str, version: str, **fields: str) -> str:
    rows = {"Package": name, "Status": "install ok installed", "Architecture": "amd64", "Version": version}
    return "".join(f"{key}: {value}\n" for key, value in (rows | fields).items())


def dpkg(*packages: tuple[str, str]) -> Member:
    return member(STATUS, "\n".join(stanza(*p) for p in packages).encode())


def debian(version: str = "12") -> Member:
    return member("etc/os-release", f'ID=debian\nVERSION_ID="{version}"\n'.encode())


def wheel(name: str, version: str, site: str = "venv/site") -> Member:
    text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    return member(f"{site}/{name}-{version}.dist-info/METADATA", text.encode())


def node(name: str, version: str, root: str = "app") -> Member:
    text = f'{{"name": "{name}", "version": "{version}"}}'
    return member(f"{root}/node_modules/{name}/package.json", text.encode())


def scanned(maker: Maker, *layers: Slice, **config: Any) -> Inventory:
    maker.image(*layers, tag="x:1", **config)
    return take("x:1", maker.settings, Reporter())


def rows(inventory: Inventory) -> list[str]:
    """`kind name version`, one for each component."""
    return [f"{c.kind} {c.name} {c.version}" for c in inventory.components]
