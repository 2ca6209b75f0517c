"""Make the file system that a sandbox sees, in a mount namespace of its own, and make it the root.

Runs inside the new namespaces. What has to see the old root (overlay, /proc, /dev, copies of mounts) is done before
the root is exchanged; what goes to a path of the image is done after, so that no symlink of the image leads out.
"""

# Paths are strings here: a sandbox starts faster without pathlib.
# ruff: noqa: PTH101, PTH102, PTH103, PTH108, PTH110, PTH112, PTH114, PTH120, PTH123, PTH211

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from slipway.sandbox import kernel

if TYPE_CHECKING:
    from slipway.sandbox.model import Spec

_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
_LINKS: Final = {
    "fd": "/proc/self/fd",
    "stdin": "/proc/self/fd/0",
    "stdout": "/proc/self/fd/1",
    "stderr": "/proc/self/fd/2",
    "ptmx": "pts/ptmx",
}
# what Docker hides, and what it lets only be read: parts of /proc and /sys that tell about or change the machine
_HIDDEN: Final = (
    "proc/acpi",
    "proc/asound",
    "proc/interrupts",
    "proc/kcore",
    "proc/keys",
    "proc/latency_stats",
    "proc/sched_debug",
    "proc/scsi",
    "proc/timer_list",
    "sys/devices/virtual/powercap",
    "sys/firmware",
)
_FROZEN: Final = ("proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger")
_PLAIN: Final = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC


class OverlayRefused(Exception):  # noqa: N818 - the caller has another way
    """This kernel, or a rule of this machine, does not let the caller mount an overlay."""


def build(spec: Spec) -> None:
    """Afterwards `/` is the sandbox's root. `OSError` when the kernel refuses something; `OverlayRefused`."""
    kernel.mount("", "/", "", kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", spec.stage, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "mode=0755")
    os.chdir(spec.stage)
    os.mkdir("root")
    made: list[str] = []
    record = _root(spec)
    _proc_and_sys(made, network=spec.network)
    _dev(rootless=spec.rootless)
    attached = [
        (path, kernel.clone_tree(_text_file(f"file{n}", t))) for n, (path, t) in enumerate(spec.files)
    ]
    attached += [(path, _secret(f"secret{n}", t, spec)) for n, (path, t) in enumerate(spec.secrets)]
    for mount in spec.mounts:
        if mount.own:
            os.chown(mount.source, spec.uid, spec.gid)
        tree = kernel.clone_tree(mount.source)
        kernel.restrict(
            tree,
            kernel.ATTR_NOSUID | kernel.ATTR_NODEV | (kernel.ATTR_RDONLY if mount.read_only else 0),
            recursive=True,
        )
        attached.append((mount.target, tree))
    os.chdir("root")
    kernel.pivot_root_here()
    for target, tree in attached:
        kernel.attach(tree, _mount_point(target, made, directory=stat.S_ISDIR(os.fstat(tree).st_mode)))
        os.close(tree)
    if record is not None:
        with open(record, "w", encoding="utf-8") as file:
            json.dump(made, file)
    for path in (*spec.directories, spec.cwd):
        os.makedirs(path, exist_ok=True)
    if spec.read_only:
        kernel.restrict("/", kernel.ATTR_RDONLY, recursive=False)


def _root(spec: Spec) -> int | None:
    """Mount the root; where the list of what is made in it for mounts is to be written, if anywhere."""
    if spec.root:
        kernel.bind(spec.root, "root")
        kernel.restrict("root", kernel.ATTR_NOSUID | kernel.ATTR_NODEV, recursive=True)
        return None
    base = _directory(spec.upper or ".")
    for name in ("upper", "work"):
        with suppress(FileExistsError):
            os.mkdir(name, 0o755, dir_fd=base)
    upper, work = (_directory(name, within=base) for name in ("upper", "work"))
    if not spec.lowers:
        os.mkdir("empty")
    lowers = [_directory(path) for path in spec.lowers or ("empty",)]
    # descriptors instead of paths: short enough for many layers, and no character needs escaping
    below = ":".join(f"/proc/self/fd/{handle}" for handle in lowers)
    options = f"lowerdir={below},upperdir=/proc/self/fd/{upper},workdir=/proc/self/fd/{work}"
    options = ",".join((options, *(("userxattr",) if spec.rootless else ()), *spec.overlay))
    flags = kernel.MS_NODEV if spec.trusted else kernel.MS_NOSUID | kernel.MS_NODEV
    try:
        kernel.mount("overlay", "root", "overlay", flags, options)
    except OSError as error:
        raise OverlayRefused(error.strerror) from error
    record = (
        os.open("made", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600, dir_fd=base) if spec.upper else None
    )
    for handle in (base, upper, work, *lowers):
        os.close(handle)
    return record


def _directory(path: str, within: int | None = None) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=within)


def _proc_and_sys(made: list[str], *, network: bool) -> None:
    for path in ("/proc", "/sys", "/dev"):
        name = f"root{path}"
        if not os.path.isdir(name) or os.path.islink(name):
            with suppress(FileNotFoundError):
                os.unlink(name)
            os.mkdir(name, 0o755)
            made.append(path)
    kernel.mount("proc", "root/proc", "proc", _PLAIN)
    if not network:
        # only the owner of the network namespace may mount it
        kernel.mount("sysfs", "root/sys", "sysfs", _PLAIN | kernel.MS_RDONLY)
    for path in _FROZEN:
        if os.path.exists(f"root/{path}"):
            kernel.bind(f"root/{path}", f"root/{path}")
            kernel.restrict(f"root/{path}", kernel.ATTR_RDONLY, recursive=True)
    for path in _HIDDEN:
        if os.path.isdir(f"root/{path}"):
            kernel.mount("tmpfs", f"root/{path}", "tmpfs", _PLAIN | kernel.MS_RDONLY, "size=0k")
        elif os.path.exists(f"root/{path}"):
            kernel.bind("/dev/null", f"root/{path}")


def _dev(*, rootless: bool) -> None:
    kernel.mount("tmpfs", "root/dev", "tmpfs", kernel.MS_NOSUID | kernel.MS_NOEXEC, "mode=0755,size=64k")
    for name in _DEVICES:
        _bind_device(f"/dev/{name}", f"root/dev/{name}")
    terminal = next((f for f in (0, 1, 2) if _is_tty(f)), None)
    if terminal is not None:
        # the name under which ttyname(3) finds the caller's terminal
        _bind_device(os.ttyname(terminal), "root/dev/console")
    for name, target in _LINKS.items():
        os.symlink(target, f"root/dev/{name}")
    os.mkdir("root/dev/pts")
    os.mkdir("root/dev/shm")
    owner = "" if rootless else ",gid=5"
    kernel.mount(
        "devpts",
        "root/dev/pts",
        "devpts",
        kernel.MS_NOSUID | kernel.MS_NOEXEC,
        f"newinstance,ptmxmode=0666,mode=0620{owner}",
    )
    kernel.mount("tmpfs", "root/dev/shm", "tmpfs", _PLAIN, "mode=1777,size=64m")


def _bind_device(source: str, target: str) -> None:
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    kernel.bind(source, target)


def _is_tty(handle: int) -> bool:
    try:
        os.ttyname(handle)
    except OSError:
        return False
    return True


def _text_file(name: str, text: str, mode: int = 0o644) -> str:
    with open(name, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))
    os.chmod(name, mode)
    return name


def _secret(name: str, text: str, spec: Spec) -> int:
    """A file in memory that the command's user may read and nobody may change; its mount."""
    os.chown(_text_file(name, text, 0o400), spec.uid, spec.gid)
    tree = kernel.clone_tree(name)
    kernel.restrict(tree, kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV, recursive=False)
    return tree


def _mount_point(target: str, made: list[str], *, directory: bool) -> str:
    """The real path in the new root on which to mount; made, and noted in `made`, where it is missing."""
    path = os.path.realpath(target)
    if os.path.exists(path):
        if os.path.isdir(path) != directory:
            kind = "a directory" if directory else "a file"
            raise NotADirectoryError(20, f"cannot mount {kind} there", target)
        return path
    missing = [path]
    while not os.path.exists(parent := os.path.dirname(missing[-1])):
        missing.append(parent)
    made += missing
    os.makedirs(path if directory else os.path.dirname(path), exist_ok=True)
    if not directory:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))
    return path
