"""Start a sandbox and see it to its end: in the caller's session, or on its own with its output collected."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import slipway
from slipway.errors import ToolError
from slipway.sandbox.enter import PASSED_ON
from slipway.sandbox.model import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.sandbox.model import Spec

_HINTS: Final = {
    "user-namespace": "this machine lets only root make user namespaces; run as root, or see sysctl kernel.unprivileged_userns_clone,"
    " kernel.apparmor_restrict_unprivileged_userns and user.max_user_namespaces",
    "kernel": "Linux 5.12 or newer is needed; in a container, one that is allowed to mount",
    "defect": "this is a defect of slipway; please report it",
}
_PIECE: Final = 1 << 16


class OverlayRefused(Exception):  # noqa: N818 - not for users: there may be another way
    pass


def start(spec: Spec) -> int:
    """Run a sandbox to its end in this process's session; the exit status. Signals to the caller go to the command."""
    ours, theirs = socket.socketpair()
    with ours, _signals_to() as target:
        with theirs, _blocked():
            child = _spawn(theirs)
        target.append(child)
        answer = _told(ours, spec)
        status = child.wait()
    if answer:
        _raise(json.loads(answer))
    return status if status >= 0 else 128 - status


def collect(spec: Spec, output: Callable[[bytes], None]) -> int:
    """Run a sandbox to its end without input; `output` gets what it writes, piece by piece. The exit status.

    Whatever leaves this early, an interrupt among it, leaves no process behind.
    """
    ours, theirs = socket.socketpair()
    with ours:
        with theirs, _blocked():
            child = _spawn(theirs, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        stream = child.stdout
        if stream is None:
            raise ValueError("a child without the pipe that was asked for")
        with stream:
            try:
                answer = _told(ours, spec)
                while piece := os.read(stream.fileno(), _PIECE):
                    output(piece)
                status = child.wait()
            except BaseException:
                _end(child, stream)
                raise
    if answer:
        _raise(json.loads(answer))
    return status if status >= 0 else 128 - status


def _end(child: subprocess.Popen[bytes], stream: IO[bytes]) -> None:
    """Kill a sandbox. Its processes die with the first; when none has the pipe any more, they are gone."""
    child.kill()
    while os.read(stream.fileno(), _PIECE):
        pass
    child.wait()


def _spawn(channel: socket.socket, **streams: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-s", "-S", "-P", "-m", "slipway.sandbox.enter", str(channel.fileno())],
        env=child_environment(),
        pass_fds=(channel.fileno(),),
        **streams,
    )


def child_environment() -> dict[str, str]:
    """For interpreters that need no more than Slipway and the standard library."""
    return {"PYTHONPATH": str(Path(slipway.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"}


def _told(channel: socket.socket, spec: Spec) -> bytes:
    """Tell a sandbox what to be; what it says until its command runs, which is nothing or why it does not."""
    with suppress(BrokenPipeError):
        channel.sendall(spec.to_bytes())
        channel.shutdown(socket.SHUT_WR)
    return b"".join(iter(lambda: channel.recv(_PIECE), b""))


def _raise(refused: dict[str, Any]) -> None:
    brief, status, reason = refused["brief"], refused["status"], refused["reason"]
    if status:
        raise CommandError(brief, status)
    if reason == "overlay":
        raise OverlayRefused(brief)
    raise ToolError(f"this machine cannot make a sandbox: {brief}", hint=_HINTS.get(reason, ""))


@contextmanager
def _signals_to() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Pass signals on to the process that the block appends to the list. Only a main thread gets any."""
    target: list[subprocess.Popen[bytes]] = []
    if threading.current_thread() is not threading.main_thread():
        yield target
        return

    def forward(number: int, _frame: object) -> None:
        # what the terminal's keys send, the command has already got from the terminal
        if target and not (number in (signal.SIGINT, signal.SIGQUIT) and _in_foreground()):
            target[0].send_signal(number)

    before = {number: signal.signal(number, forward) for number in PASSED_ON}
    try:
        yield target
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _blocked() -> Iterator[None]:
    """The new process starts with these signals held back, until it can pass them on."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _in_foreground() -> bool:
    try:
        terminal = os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return False
    try:
        return os.tcgetpgrp(terminal) == os.getpgrp()
    except OSError:
        return False
    finally:
        os.close(terminal)
