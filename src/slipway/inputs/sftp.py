"""scp: and sftp: sources: files and directories, through the system's OpenSSH and its SFTP subsystem.

Both schemes are the same here: since OpenSSH 9, scp speaks SFTP, too. Paths are absolute; `/~/x` is below the home
directory and `/~user/x` below another one. Two states of a file are told apart by size and time.
"""

from __future__ import annotations

import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from slipway.errors import FetchError, InputError, UsageError
from slipway.inputs import ssh, tree
from slipway.inputs.place import Seen
from slipway.inputs.sftpwire import NO_SUCH_FILE, PERMISSION_DENIED, Sftp, StatusError
from slipway.net_errors import TransientError
from slipway.oci.entry import clean_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.inputs.address import Address
    from slipway.inputs.network import Network
    from slipway.inputs.place import Place
    from slipway.inputs.sftpwire import Attributes

_MOST = 200_000  # entries of a directory with all below it


@contextmanager
def connect(address: Address, network: Network) -> Iterator[Place]:
    if address.password:
        raise UsageError(
            f"{address.shown}: a password cannot be given to ssh",
            hint="use a key, in the agent or in ~/.ssh, and write the address without it",
        )
    with ssh.subsystem("sftp", address, network) as stream:
        yield _SftpPlace(Sftp(stream), address)


class _SftpPlace:
    width = 1
    certain = False

    def __init__(self, sftp: Sftp, address: Address) -> None:
        self._sftp = sftp
        self._address = address
        with self._explained():
            self._root = self._path()

    def look(self) -> list[Seen]:
        with self._explained():
            about = self._sftp.stat(self._root)
            if stat.S_ISREG(about.mode):
                return [_file("", about)]
            if not stat.S_ISDIR(about.mode):
                raise InputError(
                    f"{self._address.shown} is {tree.special(about.mode)}, not a file or directory"
                )
            return sorted(self._below(), key=lambda seen: seen.path.encode())

    def read(self, seen: Seen, start: int) -> Iterator[bytes]:
        path = f"{self._root}/{seen.path}" if seen.path else self._root
        with self._explained(), self._sftp.opened(path) as handle:
            self._check_same(seen, self._sftp.about(handle))
            yield from self._sftp.read(handle, start, seen.size)
            self._check_same(seen, self._sftp.about(handle))

    def _path(self) -> str:
        path = self._address.path or "/"
        if not path.startswith("/~"):
            return path.rstrip("/") or "/"
        home, _, rest = path[2:].partition("/")
        return f"{self._sftp.home(home)}/{rest}".rstrip("/")

    def _below(self) -> Iterator[Seen]:
        todo = [""]
        count = 0
        while todo:
            prefix = todo.pop()
            for name, about in self._sftp.names(f"{self._root}/{prefix}".rstrip("/") or "/"):
                if name in (".", ".."):
                    continue
                path = prefix + name
                count += 1
                if count > _MOST:
                    raise FetchError(f"{self._address.shown} holds more than {_MOST} files and directories")
                if not name or "/" in name or clean_path(path, what=self._address.shown) != path:
                    raise InputError(f"{self._address.shown} holds an impossible name: {name[:80]!r}")
                self._utf8(path, path)
                if stat.S_ISDIR(about.mode):
                    todo.append(path + "/")
                    yield Seen(path, "dir", mode=0o755)
                elif stat.S_ISLNK(about.mode):
                    target = self._sftp.link(f"{self._root}/{path}")
                    self._utf8(target, f"the target of {path}")
                    yield Seen(path, "symlink", mode=0o777, target=target)
                elif stat.S_ISREG(about.mode):
                    yield _file(path, about)
                else:
                    raise InputError(
                        f"{self._address.shown}: {path} is {tree.special(about.mode)}, which no image can hold as a file"
                    )

    def _utf8(self, text: str, what: str) -> None:
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{self._address.shown}: a name is not UTF-8: {what!r}") from error

    def _check_same(self, seen: Seen, about: Attributes) -> None:
        if (about.size, about.mtime) != (seen.size, seen.mtime):
            raise TransientError(f"{self._address.shown}: {seen.path or 'it'} changed while it was read")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        failed = f"cannot download {self._address.shown}"
        try:
            yield
        except StatusError as error:
            reason = {
                NO_SUCH_FILE: "there is no such file",
                PERMISSION_DENIED: "the server does not permit it",
            }.get(error.status, f"the server answers: {' '.join(str(error).split())[:200]}")
            raise FetchError(f"{failed}: {reason}") from error


def _file(path: str, about: Attributes) -> Seen:
    if about.size < 0:
        raise FetchError("the server does not tell the sizes of files")
    mark = f"{about.size} {about.mtime}" if about.mtime else ""
    return Seen(path, "file", about.size, mark, about.mtime, tree.file_mode(about.mode))
