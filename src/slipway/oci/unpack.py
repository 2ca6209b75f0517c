"""Unpack layers into a directory, trusting nothing in them: whatever a layer says, only that directory changes.

The directory must belong to this process alone (its parent has mode 0700). Symlinks that are part of an entry's
path are followed as a container would, with the directory as root; the last part of a path never is. As root, owners,
devices, set-user-ID bits and file capabilities are kept; otherwise everything belongs to the caller, and devices and
set-user-ID bits are left out.

A layer that is unpacked on its own, to be a lower directory of an overlay, has its whiteouts in the form that the
kernel knows (Documentation/filesystems/overlayfs.rst, whiteouts and opaque directories).
"""

# Paths are strings here: the loop is hot.
# ruff: noqa: PTH101, PTH102, PTH108, PTH114, PTH115, PTH208, PTH211

from __future__ import annotations

import errno
import os
import shutil
import stat
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import InputError
from slipway.files import disk
from slipway.oci.layerindex import OPAQUE, WHITEOUT, is_whiteout
from slipway.oci.tarread import read_tar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slipway.oci.entry import Entry

_CAPABILITY = "security.capability"
_HOPS = 40  # as many symlinks as the kernel follows in one path


class WhiteoutFound(Exception):  # noqa: N818 - a signal, not an error: this layer makes sense only over others
    """A layer that was to be unpacked on its own removes something from the layers below, which this file system cannot express."""


class Unpacker:
    """Unpacks one layer after the other into `root`; call `finish` after the last."""

    def __init__(self, root: Path, *, whiteouts: bool, as_root: bool | None = None) -> None:
        """`whiteouts`: apply them; else they are kept for an overlay, or raise `WhiteoutFound`.

        `as_root` is this process's state if not given.
        """
        self._root = os.fspath(root)
        self._whiteouts = whiteouts
        self._as_root = is_root() if as_root is None else as_root
        self._parents: dict[str, str] = {"": self._root}
        self._dirs: dict[str, Entry] = {}
        self._mine: set[str] = set()

    def layer(self, chunks: Iterable[bytes], what: str) -> None:
        """The plain bytes of a layer; `InputError` for a malformed one, `StoreError` when the disk refuses."""
        self._mine.clear()
        with _refusals(Path(self._root), what):
            for entry, content in read_tar(chunks, what=what):
                if entry.path:
                    self._put(entry, content, what)

    def finish(self) -> None:
        """Give directories their modes and times, which unpacking into them would have got in the way of."""
        with _refusals(Path(self._root), "layer"):
            for path in sorted(self._dirs, reverse=True):
                handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                try:
                    self._attributes(handle, self._dirs[path])
                finally:
                    os.close(handle)

    def _put(self, entry: Entry, content: bytes | Iterator[bytes], what: str) -> None:
        parent, _, name = entry.path.rpartition("/")
        where = self._parents.get(parent) or self._resolve(parent, what)
        if is_whiteout(name):
            self._whiteout(where, name)
            return
        path = f"{where}/{name}"
        if self._whiteouts:
            self._own(path)
        if entry.kind == "dir":
            self._directory(path, entry)
            return
        try:
            self._create(path, entry, content, what)
        except FileExistsError:
            self._remove(path)
            self._create(path, entry, content, what)

    def _create(self, path: str, entry: Entry, content: bytes | Iterator[bytes], what: str) -> None:
        match entry.kind:
            case "file":
                handle = os.open(
                    path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
                )
                try:
                    for piece in (content,) if isinstance(content, bytes) else content:
                        view = memoryview(piece)
                        while view:
                            view = view[os.write(handle, view) :]
                    self._attributes(handle, entry)
                finally:
                    os.close(handle)
                return
            case "link":
                source = self._source(entry, what)
                if source == path and os.path.lexists(path):
                    return  # a path that was archived twice
                try:
                    os.link(source, path, follow_symlinks=False)
                except FileNotFoundError as error:
                    raise InputError(f"{what}: {entry.path} is a hard link to nothing") from error
                return
            case "symlink":
                os.symlink(entry.target, path)
            case "fifo":
                os.mkfifo(path, 0o600)
            case "char" | "block":
                # 0/0 is how overlay file systems write a whiteout
                if not self._as_root or entry.dev == (0, 0):
                    return
                kind = stat.S_IFCHR if entry.kind == "char" else stat.S_IFBLK
                try:
                    os.mknod(path, kind | 0o600, os.makedev(*entry.dev))
                except PermissionError:
                    return  # root of a container may not make devices
        if self._as_root:
            os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
        if entry.kind != "symlink":
            os.chmod(path, entry.mode if self._as_root else entry.mode & 0o777)
        os.utime(path, (entry.mtime, entry.mtime), follow_symlinks=False)

    def _attributes(self, handle: int, entry: Entry) -> None:
        if self._as_root:
            os.fchown(handle, entry.uid, entry.gid)
            os.fchmod(handle, entry.mode)
            for name, value in entry.xattrs:
                if name == _CAPABILITY or (name.startswith("user.") and not name.startswith("user.overlay.")):
                    with suppress(OSError):
                        os.setxattr(handle, name, bytes.fromhex(value))
        else:
            os.fchmod(handle, entry.mode & 0o1777)
        os.utime(handle, (entry.mtime, entry.mtime))

    def _directory(self, path: str, entry: Entry) -> None:
        try:
            os.mkdir(path, 0o700)
        except FileExistsError:
            status = os.lstat(path)
            if not stat.S_ISDIR(status.st_mode):
                self._remove(path)
                os.mkdir(path, 0o700)
                if stat.S_ISCHR(status.st_mode) and not status.st_rdev:
                    self._opaque(path)  # the whiteout was here first
        self._dirs[path] = entry

    def _source(self, entry: Entry, what: str) -> str:
        parent, _, name = entry.target.rpartition("/")
        return f"{self._parents.get(parent) or self._resolve(parent, what)}/{name}"

    def _resolve(self, parent: str, what: str) -> str:
        """The real directory for the directory part of a path; made, with mode 0755, where it is missing."""
        real: list[str] = []
        todo = parent.split("/")[::-1]
        hops = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                real[-1:] = []
                continue
            path = "/".join((self._root, *real, part))
            try:
                mode = os.lstat(path).st_mode
            except FileNotFoundError:
                mode = 0
            if stat.S_ISLNK(mode):
                hops += 1
                if hops > _HOPS:
                    raise InputError(f"{what}: the symlinks in {parent!r} go round in circles")
                text = os.readlink(path)
                if text.startswith("/"):
                    real = []
                todo.extend(reversed(text.split("/")))
                continue
            if not stat.S_ISDIR(mode):
                if mode:
                    self._remove(path)
                os.mkdir(path)
                os.chmod(path, 0o755)  # noqa: S103 - a directory of an image; whatever the umask says
            real.append(part)
        found = "/".join((self._root, *real))
        self._parents[parent] = found
        return found

    def _whiteout(self, where: str, name: str) -> None:
        """Remove what layers below put here; what this layer puts here stays, wherever in the stream it comes."""
        hidden = name.removeprefix(WHITEOUT)
        path = f"{where}/{hidden}"
        if name == OPAQUE:
            if self._whiteouts:
                self._clear(where)
            else:
                self._opaque(where)
        elif name.startswith(".wh..wh.") or hidden in ("", ".", ".."):
            return  # book-keeping of old union file systems, or nonsense
        elif not self._whiteouts:
            self._mark(path)
        elif os.path.lexists(path):
            self._hide(path)

    def _mark(self, path: str) -> None:
        """An overlay's whiteout; where this layer puts something itself, that hides what is below, but for a directory."""
        try:
            os.mknod(path, stat.S_IFCHR, 0)
        except FileExistsError:
            if stat.S_ISDIR(os.lstat(path).st_mode):
                self._opaque(path)
        except PermissionError as error:
            raise WhiteoutFound from error

    def _opaque(self, directory: str) -> None:
        try:
            os.setxattr(directory, f"{overlay_names()}.opaque", b"y")
        except OSError as error:
            raise WhiteoutFound from error

    def _clear(self, directory: str) -> None:
        for name in os.listdir(directory):
            self._hide(f"{directory}/{name}")

    def _hide(self, path: str) -> None:
        if path not in self._mine:
            self._remove(path)
        elif stat.S_ISDIR(os.lstat(path).st_mode):
            self._clear(path)

    def _own(self, path: str) -> None:
        """Remember that this layer put `path` here, and with it the directories that lead there."""
        while path not in self._mine and path != self._root:
            self._mine.add(path)
            path = path.rpartition("/")[0]

    def _remove(self, path: str) -> None:
        if stat.S_ISDIR(os.lstat(path).st_mode):
            inside = f"{path}/"
            self._dirs = {p: e for p, e in self._dirs.items() if p != path and not p.startswith(inside)}
            remove_tree(Path(path))
        else:
            os.unlink(path)
        self._parents = {"": self._root}


def is_root() -> bool:
    """Whether this process is root of the machine, not of a user namespace that only calls it so."""
    try:
        numbers = Path("/proc/self/uid_map").read_text().split()
    except OSError:
        numbers = []
    return os.geteuid() == 0 and numbers in ([], ["0", "0", "4294967295"])


def overlay_names() -> str:
    """The start of the names of an overlay's extended attributes: those of root, or of an overlay without root."""
    return "trusted.overlay" if is_root() else "user.overlay"


def remove_tree(path: Path) -> None:
    """Remove a directory with all that is in it, whatever the modes in it are. No error when it is not there."""
    for where, names, _ in os.walk(path):
        for name in names:
            inner = f"{where}/{name}"
            if os.lstat(inner).st_mode & 0o700 != 0o700 and not os.path.islink(inner):
                os.chmod(inner, 0o700)
    with suppress(FileNotFoundError):
        shutil.rmtree(path)


@contextmanager
def _refusals(root: Path, what: str) -> Iterator[None]:
    try:
        with disk(root):
            yield
    except OSError as error:
        if error.errno in (errno.ENAMETOOLONG, errno.EINVAL, errno.EOVERFLOW, errno.EMLINK, errno.ELOOP):
            raise InputError(f"{what} holds an entry that no file system takes: {error.strerror}") from error
        raise
    except (OverflowError, ValueError) as error:
        raise InputError(f"{what} holds an entry that no file system takes: {error}") from error
