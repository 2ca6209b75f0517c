"""What a command in a sandbox may do: the identity it gets and the powers it loses."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from typing import TYPE_CHECKING, Final

from slipway.sandbox import kernel

if TYPE_CHECKING:
    from collections.abc import Sequence

# capability numbers of linux/capability.h: those that Docker leaves to root in a container
_KEPT: Final = (
    0,  # CHOWN
    1,  # DAC_OVERRIDE
    3,  # FOWNER
    4,  # FSETID
    5,  # KILL
    6,  # SETGID
    7,  # SETUID
    8,  # SETPCAP
    10,  # NET_BIND_SERVICE
    13,  # NET_RAW
    18,  # SYS_CHROOT
    27,  # MKNOD
    29,  # AUDIT_WRITE
    31,  # SETFCAP
)
_AMBIENT_CLEAR_ALL: Final = 4
_SECCOMP_FILTER: Final = 2
_TIOCSTI: Final = 0x5412
_TIOCLINUX: Final = 0x541C
# ioctl's number per audit architecture (linux/audit.h), for each machine all that its kernel may accept
_IOCTL: Final[dict[str, dict[int, tuple[int, ...]]]] = {
    "x86_64": {0xC000003E: (16, 0x40000000 + 514), 0x40000003: (54,)},
    "aarch64": {0xC00000B7: (29,), 0x40000028: (54,)},
}


def become(uid: int, gid: int, groups: Sequence[int], *, there_already: bool, can_rise: bool = False) -> None:
    """Take an identity (unless it is `there_already`) and give up every power that it does not need.

    There is no way back, unless it `can_rise`: then set-user-ID programs and file capabilities give some of what is kept.
    """
    if not can_rise:
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    for capability in range(64):
        try:
            held = kernel.prctl(kernel.PR_CAPBSET_READ, capability)
        except OSError:
            break  # the kernel knows no more
        if held and capability not in _KEPT:
            kernel.prctl(kernel.PR_CAPBSET_DROP, capability)
    kernel.prctl(kernel.PR_CAP_AMBIENT, _AMBIENT_CLEAR_ALL)
    if not there_already:
        os.setgroups(list(groups))
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    kernel.capset(sum(1 << c for c in _KEPT) if uid == 0 else 0)


def protect_terminal() -> None:
    """Forbid typing into the terminal that the sandbox shares with its caller (ioctl_tty(2), TIOCSTI, TIOCLINUX).

    Where the filter is not known for the machine, the command loses the terminal's job control instead.
    """
    numbers = _IOCTL.get(platform.machine())
    if numbers is None:
        os.setsid()
        return
    program = _filter(numbers)
    code = ctypes.create_string_buffer(program, len(program))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(code)))
    kernel.prctl(kernel.PR_SET_SECCOMP, _SECCOMP_FILTER, ctypes.addressof(head))


def _filter(numbers: dict[int, tuple[int, ...]]) -> bytes:
    """Classic BPF over `struct seccomp_data`: number at 0, architecture at 4, low word of the second argument at 24."""
    load, equal, leave = 0x20, 0x15, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | 1  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | EPERM

    def step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
        return struct.pack("=HBBI", code, yes, no, value)

    check = b"".join(
        (
            step(load, 24),
            step(equal, _TIOCSTI, 2, 0),
            step(equal, _TIOCLINUX, 1, 0),
            step(leave, allow),
            step(leave, refuse),
        )
    )
    program = b""
    for architecture, calls in numbers.items():
        # block: is it this architecture, is it one of its ioctls, then check the argument; else allow
        block = step(load, 0)
        for at, call in enumerate(calls):
            block += step(equal, call, len(calls) - at, 0)
        block += step(leave, allow) + check
        program += step(load, 4) + step(equal, architecture, 0, len(block) // 8) + block
    return program + step(leave, allow)
