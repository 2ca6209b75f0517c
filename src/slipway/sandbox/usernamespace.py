"""Enter a user namespace, with one user in it or with a range of them (user_namespaces(7), newuidmap(1))."""

# Paths are strings here: a sandbox starts faster without pathlib.
# ruff: noqa: PTH123

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from slipway.sandbox import kernel

if TYPE_CHECKING:
    from slipway.sandbox.model import Range


class NamespaceRefused(Exception):  # noqa: N818 - the caller has a hint for it
    """This machine does not let the caller have such a user namespace."""


def enter_one(uid: int, gid: int) -> None:
    """The caller becomes `uid` and `gid`, and there is nobody else."""
    outside = os.geteuid(), os.getegid()
    _unshare()
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outside[0]} 1"),
        ("gid_map", f"{gid} {outside[1]} 1"),
    ):
        try:
            with open(f"/proc/self/{name}", "w", encoding="ascii") as file:
                file.write(text)
        except OSError as error:
            raise NamespaceRefused(f"{name}: {error.strerror}") from error


def enter_range(users: Range) -> None:
    """The caller becomes root of a range of users.

    Only programs outside can say who is in it: a process that stays there starts them when the namespace exists.
    """
    ready, go = os.pipe()
    target = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.close(go)
        status = 1
        try:
            status = _map(users, target) if os.read(ready, 1) else 1
        finally:
            os._exit(status)
    os.close(ready)
    try:
        _unshare()
        os.write(go, b"!")
    finally:
        os.close(go)
        status = os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1])
    if status:
        raise NamespaceRefused("newuidmap or newgidmap failed")
    os.setresgid(0, 0, 0)
    os.setgroups([])
    os.setresuid(0, 0, 0)


def _unshare() -> None:
    try:
        kernel.unshare(kernel.NEWUSER)
    except OSError as error:
        raise NamespaceRefused(str(error.strerror)) from error


def _map(users: Range, target: int) -> int:
    for program, rows in zip(users.mappers, (users.users, users.groups), strict=True):
        status = _run([program, str(target), *(str(number) for row in rows for number in row)])
        if status:
            return status
    return 0


def _run(argv: list[str]) -> int:
    child = os.posix_spawn(argv[0], argv, {})
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
