"""Run a command in a stored image: no daemon, no root, nothing written back.

Needs Linux 5.12 (mount attributes; overlays without root are older) and, for anyone but root, user namespaces.
Without root there is one user in the sandbox, the image's, who is the caller outside.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import slipway
from slipway.errors import ToolError, UsageError
from slipway.events import Reporter
from slipway.oci.digest import hex_of
from slipway.oci.reader import read_image, select, this_machine
from slipway.oci.rootfs import Trees, held, read_small, unpack
from slipway.oci.unpack import is_root
from slipway.registry.lazy import ensure
from slipway.sandbox.command import command
from slipway.sandbox.enter import PASSED_ON
from slipway.sandbox.model import CommandError, Mount, Spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slipway.oci.reader import Image
    from slipway.oci.store import Descriptor, Store
    from slipway.settings import Settings

_QEMU = {"arm64": "aarch64", "386": "i386", "amd64": "x86_64"}
_HINTS = {
    "user-namespace": "this machine lets only root make user namespaces; run as root, or see sysctl kernel.unprivileged_userns_clone,"
    " kernel.apparmor_restrict_unprivileged_userns and user.max_user_namespaces",
    "kernel": "Linux 5.12 or newer is needed; in a container, one that is allowed to mount",
    "defect": "this is a defect of slipway; please report it",
}


class _OverlayRefused(Exception):  # noqa: N818 - not for users: there is another way
    pass


def run_image(
    store: Store,
    image: Descriptor,
    argv: Sequence[str],
    *,
    settings: Settings,
    entrypoint: Sequence[str] | None = None,
    user: str = "",
    workdir: str = "",
    env: Mapping[str, str] | None = None,
    network: bool = False,
    mounts: Sequence[tuple[str, str, bool]] = (),
    read_only: bool = False,
    reporter: Reporter | None = None,
) -> int:
    """Run `argv` (or the image's own command) to its end; the exit status, 128 + n when signal n killed it.

    Standard input, output and error are the caller's. `mounts` are (host path, absolute path inside, read-only).
    Of an index, this machine's platform is run. `CommandError` when the command is not in the image or cannot be
    executed, `ToolError` when this machine cannot make a sandbox, `UsageError` for impossible requests; layers that are
    not here are brought first, with the errors of `slipway.registry.lazy.ensure`.
    """
    reporter = reporter or Reporter()
    trees = Trees(settings.cache / "trees")
    with ExitStack() as stack:
        with store.shared():
            opened = read_image(store, select(store, image))
            _check_platform(opened.platform)
            asked = command(
                opened.settings, argv, entrypoint=entrypoint, env=env or {}, workdir=workdir, user=user
            )
            ensure(store, opened.manifest, settings, reporter)
            lowers = trees.provide(store, opened.layers, reporter)
            stack.enter_context(held(lowers))
        spec = _spec(opened, lowers, asked.user, network=network, mounts=mounts)
        spec = replace(
            spec,
            argv=asked.argv,
            env=_environment(asked.env, spec),
            cwd=asked.cwd,
            stage=str(trees.stage()),
            lowers=tuple(str(tree) for tree in reversed(lowers)),
            read_only=read_only,
        )
        if spec.rootless and not _memory_keeps_attributes():
            spec = replace(spec, upper=str(stack.enter_context(trees.scratch())))
        try:
            return start(spec)
        except _OverlayRefused as refused:
            reporter.log(f"no overlay ({refused}): unpacking the image for this run alone")
        directory = stack.enter_context(trees.scratch())
        with store.shared():
            unpack(store, directory, opened.layers, reporter)
        return start(replace(spec, root=str(directory), lowers=(), upper=""))


def start(spec: Spec) -> int:
    """Run a sandbox to its end in this process's session; the exit status. Signals to the caller go to the command."""
    ours, theirs = socket.socketpair()
    with ours, _signals_to() as target:
        with theirs, _blocked():
            child = subprocess.Popen(
                [sys.executable, "-s", "-S", "-P", "-m", "slipway.sandbox.enter", str(theirs.fileno())],
                env={"PYTHONPATH": str(Path(slipway.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"},
                pass_fds=(theirs.fileno(),),
            )
        target.append(child)
        with suppress(BrokenPipeError):
            ours.sendall(spec.to_bytes())
            ours.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: ours.recv(1 << 16), b""))
        status = child.wait()
    if answer:
        _raise(json.loads(answer))
    return status if status >= 0 else 128 - status


def _raise(refused: dict[str, Any]) -> None:
    brief, status, reason = refused["brief"], refused["status"], refused["reason"]
    if status:
        raise CommandError(brief, status)
    if reason == "overlay":
        raise _OverlayRefused(brief)
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


def _spec(
    image: Image,
    lowers: Sequence[Path],
    user: str,
    *,
    network: bool,
    mounts: Sequence[tuple[str, str, bool]],
) -> Spec:
    from slipway.images.account import find_user

    rootless = not is_root()
    uid, gid, groups, home = find_user(
        read_small(lowers, "etc/passwd"), read_small(lowers, "etc/group"), user
    )
    hostname = hex_of(image.manifest.digest)[:12]
    files = [("/etc/hostname", f"{hostname}\n"), ("/etc/hosts", _hosts(hostname))]
    if network:
        files[1] = ("/etc/hosts", f"{_host_file('hosts')}\n127.0.0.1\t{hostname}\n")
        files.append(("/etc/resolv.conf", _host_file("resolv.conf")))
    return Spec(
        argv=(),
        env={"HOME": home},
        cwd="/",
        uid=uid,
        gid=gid,
        groups=() if rootless else tuple(groups),
        rootless=rootless,
        stage="",
        hostname=hostname,
        network=network,
        mounts=tuple(_mount(*m) for m in mounts),
        files=tuple(files),
    )


def _environment(asked: Mapping[str, str], spec: Spec) -> dict[str, str]:
    given = {"HOSTNAME": spec.hostname, **spec.env}
    if os.isatty(0) or os.isatty(1):
        given["TERM"] = os.environ.get("TERM", "xterm")
    return given | dict(asked)


def _hosts(hostname: str) -> str:
    return f"127.0.0.1\tlocalhost {hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n"


def _host_file(name: str) -> str:
    try:
        return Path("/etc", name).read_text(errors="surrogateescape")
    except OSError:
        return ""


def _mount(source: str, target: str, read_only: bool) -> Mount:
    if not target.startswith("/") or os.path.normpath(target) == "/":
        raise UsageError(f"{target!r} is no place to mount on", hint="give an absolute path below /")
    real = Path(source).absolute()
    if not real.exists():
        raise UsageError(f"there is no {source!r} to mount")
    return Mount(str(real), target, read_only)


def _memory_keeps_attributes() -> bool:
    """Whether a file system in memory has the user attributes that overlays without root need (Linux 6.6)."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int("".join(c for c in minor if c.isdigit()))) >= (6, 6)


def _check_platform(platform: str) -> None:
    here = this_machine()
    os_name, _, rest = platform.partition("/")
    arch = rest.partition("/")[0]
    if os_name == "linux" and (here == f"linux/{arch}" or (arch == "386" and here == "linux/amd64")):
        return
    qemu = Path(f"/proc/sys/fs/binfmt_misc/qemu-{_QEMU.get(arch, arch)}")
    with suppress(OSError):
        # F: the kernel holds the emulator open, so that it is there in any root
        if os_name == "linux" and any(
            "F" in w for w in qemu.read_text().splitlines() if w.startswith("flags:")
        ):
            return
    raise ToolError(
        f"the image is for {platform}, this machine is {here}",
        hint="to run it here, let the kernel use an emulator: install qemu-user-static and binfmt-support",
    )
