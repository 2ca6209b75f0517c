"""Words of instructions, and what they may say. Pure."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Final

from slipway.build.steps.flags import Refused

if TYPE_CHECKING:
    from slipway.recipe.model import Instruction, Platform

_LOGIN: Final = re.compile(r"(?<=://)[^/@\s]+@")


def public(text: str) -> str:
    """An instruction as it may be shown: on one line, without the logins of addresses."""
    return _LOGIN.sub("", " ".join(text.split())).removesuffix(";")


def pairs(given: Instruction) -> list[tuple[str, str]]:
    found = [word.partition("=") for word in given.words]
    if any(not name or not sign for name, sign, _ in found):
        raise Refused(f"`{given.keyword}` takes NAME=VALUE")
    return [(name, text) for name, _, text in found]


def source(text: str) -> str:
    """A source of COPY as a path below the workspace; `.` is all of it."""
    if "://" in text or text.startswith("git@"):
        raise Refused(
            f"{text!r} cannot be fetched by an instruction", "bring it in with `files` or `repositories`"
        )
    if text.startswith("<<"):
        raise Refused("documents in the instruction cannot be copied", "write a file and name it in `files`")
    path = posixpath.normpath(posixpath.join(".", text.lstrip("/")))
    if path == ".." or path.startswith("../"):
        raise Refused(f"{text!r} leads out of the workspace", "what is to be copied must be named in `files`")
    return path


def platform_args(platform: Platform | None) -> dict[str, str]:
    if platform is None:
        return {}
    names = {"OS": platform.os, "ARCH": platform.arch, "VARIANT": platform.variant, "PLATFORM": str(platform)}
    return {f"TARGET{name}": text for name, text in names.items()}
