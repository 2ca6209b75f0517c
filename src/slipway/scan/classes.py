"""Packages of which findings are shown apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.patterns import pattern

if TYPE_CHECKING:
    from slipway.scan.model import Component

# Packages that hold headers of what is affected: to build with, nothing of it runs.
_HEADERS = pattern(r"linux-libc-dev.*|linux-headers.*|.*-headers")


def class_of(component: Component) -> str:
    """`headers`, or empty (`Finding.class_`)."""
    return "headers" if _HEADERS.fullmatch(component.name) else ""
