"""What lies below the image: `base` in its four forms."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.recipe import checks
from slipway.recipe.keys import APT_PACKAGES
from slipway.recipe.kinds import Field, Kind, Refused, choice, convert, text
from slipway.recipe.model import Base, DebianBase, LayoutBase, RegistryBase, ScratchBase
from slipway.recipe.records import record
from slipway.recipe.shapes import by_shape
from slipway.recipe.source import quote

if TYPE_CHECKING:
    from typing import Any

    from slipway.recipe.kinds import Report
    from slipway.recipe.nodes import Node

# The grammar of `org.opencontainers.image.ref.name`, OCI image specification, annotations.
_LAYOUT_TAG = r"[A-Za-z0-9]+((--|[-._:@+/])[A-Za-z0-9]+)*"
_OTHER_TRANSPORTS = ("docker-archive:", "docker-daemon:", "oci-archive:", "containers-storage:")


def _named(value: str, node: Node, report: Report) -> Base:
    where = report.where(node)
    if value == "scratch":
        return ScratchBase(where)
    if value.startswith("oci:"):
        return _layout(value, node, report)
    if value.startswith(_OTHER_TRANSPORTS) or "://" in value:
        hint = "write oci:DIR, scratch, or a reference such as python:3.12-slim"
        raise Refused(f"{quote(value)} is not a base", hint)
    return RegistryBase(checks.reference(value), where)


def _layout(value: str, node: Node, report: Report) -> LayoutBase:
    """`oci:DIR[:TAG]`: the directory ends at the first colon, as a tag may hold more of them."""
    directory, colon, tag = value.removeprefix("oci:").partition(":")
    if not directory or checks.has_control(directory):
        raise Refused(f"{quote(value)} names no directory", "write oci:DIR or oci:DIR:TAG")
    if colon:
        checks.match(_LAYOUT_TAG, tag, "a tag in an OCI layout")
    try:
        path = report.directory / Path(directory).expanduser()
    except RuntimeError:
        raise Refused(f"there is no home directory for {quote(directory)}") from None
    return LayoutBase(Path(os.path.normpath(path)), tag, report.where(node), directory)


def _suite(value: str) -> str:
    hint = "write the codename, for example bookworm" if value[:1].isdigit() else ""
    return checks.match(checks.SUITE, value, "a Debian suite", hint)


_DEBIAN = record(
    "a mapping with the key `debian`",
    (
        Field(
            "debian",
            text("a Debian suite", _suite, pattern=checks.SUITE),
            "Debian suite: a codename or a moving name such as stable.",
            "bookworm",
            required=True,
        ),
        Field("packages", APT_PACKAGES, "Debian packages that belong to the base.", ["python3-venv"], "none"),
        Field(
            "variant",
            choice("a variant", {"essential": "essential", "apt": "apt", "minbase": "minbase"}),
            "How much of Debian: essential packages only, these and apt, or these and all of priority required.",
            "minbase",
            "minbase",
        ),
    ),
)


def _debian(values: dict[str, Any], node: Node, report: Report) -> Base:
    return DebianBase(
        values["debian"], values.get("packages", ()), values.get("variant", "minbase"), report.where(node)
    )


BASE: Kind[Base] = by_shape(convert(text("a base", str), _named), convert(_DEBIAN, _debian))
