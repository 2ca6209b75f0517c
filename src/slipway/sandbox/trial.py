"""Try out how far this machine lets a sandbox come; nothing of it is left."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Literal

from slipway.sandbox import kernel

Reached = Literal["nothing", "namespaces", "overlay"]

# The kernel settings that are known to forbid user namespaces (Debian and Ubuntu kernels, sysctl).
_FORBIDDING = (
    ("kernel/unprivileged_userns_clone", "0"),
    ("user/max_user_namespaces", "0"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1"),
)


def try_namespaces() -> Reached:
    """How far a process that ends at once gets in making namespaces and, in them, an overlay."""
    rootless = os.geteuid() != 0
    child = os.fork()
    if child == 0:
        reached = 1
        try:
            _enter_namespaces(rootless=rootless)
            reached = 2
            _mount_overlay(rootless=rootless)
            reached = 3
        finally:
            os._exit(reached)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "overlay" if status == 3 else "namespaces" if status == 2 else "nothing"


def who_refuses() -> str:
    """The kernel setting that forbids namespaces, and its value; empty when it is none of those that are known."""
    for name, bad in _FORBIDDING:
        with suppress(OSError):
            if Path("/proc/sys", name).read_text().strip() == bad:
                return f"{name.replace('/', '.')} is {bad}"
    return ""


def _enter_namespaces(*, rootless: bool) -> None:
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(kernel.NEWNS | (kernel.NEWUSER if rootless else 0))
    if rootless:  # user_namespaces(7): groups must be given up before they may be mapped
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
        Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)


def _mount_overlay(*, rootless: bool) -> None:
    """On a file system in memory that only this process sees."""
    kernel.mount("tmpfs", "/tmp", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV)  # noqa: S108
    os.chdir("/tmp")  # noqa: S108
    for name in ("lower", "upper", "work", "root"):
        Path(name).mkdir()
    places = "lowerdir=lower,upperdir=upper,workdir=work"
    kernel.mount("overlay", "root", "overlay", 0, places + (",userxattr" if rootless else ""))
