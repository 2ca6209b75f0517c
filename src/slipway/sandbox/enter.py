"""The process that becomes a sandbox: `python -m slipway.sandbox.enter CHANNEL`.

    caller ── enter (new namespaces; waits) ── init (process 1: mounts, reaps) ── command (process 2)

The caller sends a `Spec` over the socket CHANNEL and reads until it closes: nothing means that the command runs, else
a JSON object says why not. All in between pass on signals and the exit status, and die with the one before.
"""

# Paths are strings here: a sandbox starts faster without pathlib.
# ruff: noqa: PTH112

from __future__ import annotations

import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final, NoReturn

from slipway.sandbox import kernel
from slipway.sandbox.model import NOT_EXECUTABLE, NOT_FOUND, Spec
from slipway.sandbox.mounts import OverlayRefused, build
from slipway.sandbox.privileges import become, protect_terminal
from slipway.sandbox.usernamespace import NamespaceRefused, enter_one, enter_range

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

PASSED_ON: Final = (
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
WATCHED: Final = frozenset({signal.SIGCHLD, *PASSED_ON})
_FAILED: Final = 125
_FROM_KERNEL: Final = 0x80  # si_code of signals that the terminal sends, to every process of the foreground
_SIOCGIFFLAGS: Final = 0x8913
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 1


class Refused(Exception):  # noqa: N818 - goes over the channel as it is
    """Why the command does not run. `status` is set when the command is to blame; `reason` is for the caller to match."""

    def __init__(self, brief: str, *, status: int = 0, reason: str = "kernel") -> None:
        super().__init__(brief)
        self.value = {"brief": brief, "status": status, "reason": reason}


def main() -> NoReturn:
    channel = int(sys.argv[1])
    os.set_inheritable(channel, False)
    parts = []
    while part := os.read(channel, 1 << 16):
        parts.append(part)
    spec = Spec.from_bytes(b"".join(parts))
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    _live(channel, lambda: _enter(spec, channel))


def _live(channel: int, life: Callable[[], int]) -> NoReturn:
    """Be one of the processes until the end, telling the caller about what goes wrong."""
    status = _FAILED
    refused: Refused | None = None
    try:
        status = life()
    except Refused as error:
        refused = error
    except OverlayRefused as error:
        refused = Refused(str(error), reason="overlay")
    except OSError as error:
        refused = Refused(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except BaseException as error:  # noqa: BLE001 - nobody else could tell the caller
        refused = Refused(repr(error), reason="defect")
    if refused is not None:
        os.write(channel, json.dumps(refused.value).encode())
    os._exit(status)


def _enter(spec: Spec, channel: int) -> int:
    caller = os.getppid()
    if spec.rootless:
        _map_user(spec)
    flags = kernel.NEWNS | kernel.NEWPID | kernel.NEWIPC | kernel.NEWUTS | kernel.NEWCGROUP
    kernel.unshare(flags if spec.network else flags | kernel.NEWNET)
    _die_with(lambda: os.getppid() == caller)
    alive, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(held)
        _live(channel, lambda: _init(spec, channel, alive))
    os.close(channel)
    return supervise(child)


def _map_user(spec: Spec) -> None:
    try:
        if spec.range:
            enter_range(spec.range)
        else:
            enter_one(spec.uid, spec.gid)
    except NamespaceRefused as error:
        raise Refused(str(error), reason="user-namespace") from error


def _die_with(is_there: Callable[[], bool]) -> None:
    """Ask to be killed when the parent ends; it may have ended before the asking."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if not is_there():
        os._exit(_FAILED)


def _init(spec: Spec, channel: int, alive: int) -> int:
    # the parent has no number here; its end of the pipe closes with it
    _die_with(lambda: not select.select([alive], [], [], 0)[0])
    os.umask(0o022)
    build(spec)
    kernel.sethostname(spec.hostname)
    if not spec.network:
        _loopback_up()
    # without it, /proc/1 would hand the interpreter of this machine to the sandbox
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    child = os.fork()
    if child == 0:
        _live(channel, lambda: _command(spec))
    os.close(channel)
    return supervise(child)


def _loopback_up() -> None:
    """netdevice(7): `struct ifreq` is a name of 16 bytes and, here, flags."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        request = fcntl.ioctl(link, _SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
        flags = struct.unpack_from("H", request, 16)[0]
        fcntl.ioctl(link, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def _command(spec: Spec) -> int:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which the interpreter ignores
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    os.chdir(spec.cwd)
    if spec.trusted:
        os.setsid()
    become(
        spec.uid,
        spec.gid,
        spec.groups,
        there_already=spec.rootless and spec.range is None,
        can_rise=spec.trusted,
    )
    if not spec.trusted:
        protect_terminal()
    execute(spec.argv, spec.env)


def execute(argv: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Replace this process, looking for the program in `env`'s PATH; `Refused` with Docker's 126 or 127."""
    name = argv[0]
    places = [name] if "/" in name else [f"{d or '.'}/{name}" for d in env.get("PATH", "").split(":")]
    problem = ""
    for path in places:
        try:
            os.execve(path, list(argv), dict(env))  # noqa: S606 - it replaces this process
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                if os.path.lexists(path) and not problem:
                    problem = (
                        f"{path}: the program that should run it, or what it links to, is not in the image"
                    )
                continue
            if error.errno == errno.ENOEXEC:
                raise Refused(f"{path}: not a program for this machine", status=NOT_EXECUTABLE) from error
            what = f"{path}: {'is a directory' if os.path.isdir(path) else error.strerror}"
            if "/" in name or error.errno != errno.EACCES:
                raise Refused(what, status=NOT_EXECUTABLE) from error
            problem = problem or what
    if problem:
        status = NOT_FOUND if "not in the image" in problem else NOT_EXECUTABLE
        raise Refused(problem, status=status)
    where = "" if "/" in name else f" on PATH ({env.get('PATH', '')})"
    raise Refused(f"{name}: not found in the image{where}", status=NOT_FOUND)


def supervise(child: int) -> int:
    """Wait for a child, reaping others and passing on signals (all `WATCHED` are blocked); its status, 128 + n if killed."""
    while True:
        signalled = signal.sigwaitinfo(WATCHED)
        if signalled.si_signo != signal.SIGCHLD:
            if signalled.si_code != _FROM_KERNEL:
                os.kill(child, signalled.si_signo)
            continue
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                code = os.waitstatus_to_exitcode(ended[1])
                return code if code >= 0 else 128 - code


if __name__ == "__main__":
    main()
