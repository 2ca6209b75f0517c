"""Files that the scripts of base packages write once, on their first installation.

Each function stands for the scripts of one package, as read in Debian 12 and 13, and gives what they would leave.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from slipway.distro import pam, shellcalls
from slipway.distro.native import NativeFile
from slipway.oci.entry import clean_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.distro.world import World


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory that scripts would have made."""

    path: str
    mode: int = 0o755
    uid: int = 0
    gid: int = 0


Made = NativeFile | Directory

# Debian's fixed numbers (base-passwd) of the groups that appear below
_GROUPS: Final = {"root": 0, "mail": 8, "utmp": 43, "staff": 50}
_BASE_CALLS: Final = (
    "install_from_default",
    "install_directory",
    "install_local_dir",
    "migrate_directory",
    "ensure_file_owner_mode",
)


def made(world: World) -> Iterator[Made]:
    """Everything for the packages that are there, in the order of the packages."""
    for name in world.packages:
        if maker := _MAKERS.get(name):
            yield from maker(world)
        elif match := re.fullmatch(r"(python3\.\d+)-minimal", name):
            yield from _python_series(match[1])


def _script(world: World, package: str) -> str:
    return world.text(f"var/lib/dpkg/info/{package}.postinst")


def _copy(world: World, source: str, path: str) -> Iterator[NativeFile]:
    if not world.has(path) and (content := world.read(source).get(source)) is not None:
        yield NativeFile(path, content)


def _base_files(world: World) -> Iterator[Made]:
    """Its postinst is a list of calls of its own functions with constant arguments; that list is followed."""
    for program, *words in shellcalls.find(_script(world, "base-files"), _BASE_CALLS).calls:
        path = clean_path(words[0]) if words else ""
        match program, words:
            case "install_from_default", [source, target]:
                yield from _copy(world, f"usr/share/base-files/{source}", clean_path(target))
            case "install_directory", [_, mode, group]:
                yield Directory(path, int(mode, 8), gid=_GROUPS.get(group, 0))
            case "install_local_dir", [_]:
                yield Directory(path)
            case "migrate_directory", [_, target]:
                yield NativeFile(path, target=target)
            case "ensure_file_owner_mode", [_, owner, mode]:
                yield NativeFile(path, b"", mode=int(mode, 8), gid=_GROUPS.get(owner.partition(":")[2], 0))
    yield NativeFile("usr/local/man", target="share/man")
    yield NativeFile("var/spool/mail", target="../mail")
    yield from _copy(world, "usr/share/base-files/info.dir", "usr/share/info/dir")
    if world.has("etc/dpkg/origins/debian") and not world.has("etc/dpkg/origins/default"):
        yield NativeFile("etc/dpkg/origins/default", target="debian")


def _ca_certificates(_: World) -> Iterator[Made]:
    yield Directory("usr/local/share/ca-certificates")


def _debconf(_: World) -> Iterator[Made]:
    """Empty databases: debconf reads the templates again when a package is configured anew."""
    yield NativeFile("var/cache/debconf/config.dat", b"")
    yield NativeFile("var/cache/debconf/templates.dat", b"")
    yield NativeFile("var/cache/debconf/passwords.dat", b"", mode=0o600)


def _debianutils(world: World) -> Iterator[Made]:
    """update-shells(8): what the packages declare, each shell by both of its names where /usr is merged."""
    template = "usr/share/debianutils/shells"
    declared: list[str] = []
    for path in (template, *world.below("usr/share/debianutils/shells.d")):
        for line in world.text(path).splitlines():
            if shell := line.partition("#")[0]:
                declared.append(shell)
                if shell.startswith("/bin/"):
                    declared.append("/usr" + shell)
    declared = list(dict.fromkeys(declared))
    kept = world.text(template).splitlines()
    lines = kept + [shell for shell in declared if shell not in kept]
    yield NativeFile("etc/shells", "".join(f"{line}\n" for line in lines).encode())
    yield NativeFile("var/lib/shells.state", "".join(f"{shell}\n" for shell in declared).encode())


def _libc_bin(world: World) -> Iterator[Made]:
    yield from _copy(world, "usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf")


def _libpam_modules(world: World) -> Iterator[Made]:
    yield NativeFile("etc/security/opasswd", b"", mode=0o600)
    if not world.has("etc/environment"):
        yield NativeFile("etc/environment", b"")


def _libpam_runtime(world: World) -> Iterator[Made]:
    yield from pam.common_files(world)


def _login(world: World) -> Iterator[Made]:
    if "/var/log/faillog" in _script(world, "login"):
        yield NativeFile("var/log/faillog", b"")


def _netbase(world: World) -> Iterator[Made]:
    hosts = (
        "127.0.0.1\tlocalhost\n"
        "::1\t\tlocalhost ip6-localhost ip6-loopback\n"
        "ff02::1\t\tip6-allnodes\n"
        "ff02::2\t\tip6-allrouters\n\n"
    )
    networks = "default\t\t0.0.0.0\nloopback\t127.0.0.0\nlink-local\t169.254.0.0\n\n"
    for path, text in (("etc/hosts", hosts), ("etc/networks", networks)):
        if not world.has(path):
            yield NativeFile(path, text.encode())


def _python3(_: World) -> Iterator[Made]:
    text = "[DEFAULT]\n# how to byte-compile (comma separated: standard, optimize)\nbyte-compile = standard\n"
    yield NativeFile("etc/python3/debian_config", text.encode())


def _python_series(series: str) -> Iterator[Made]:
    yield Directory(f"usr/local/lib/{series}")
    yield Directory(f"usr/local/lib/{series}/dist-packages")
    yield NativeFile(f"var/lib/python/{series}_installed", b"")


def _readline_common(world: World) -> Iterator[Made]:
    yield from _copy(world, "usr/share/readline/inputrc", "etc/inputrc")


def _tzdata(world: World) -> Iterator[Made]:
    yield NativeFile("etc/localtime", target="/usr/share/zoneinfo/Etc/UTC")
    # later releases only keep the file up to date where an administrator has made it
    if 'test -f "$DPKG_ROOT/etc/timezone"' not in _script(world, "tzdata"):
        yield NativeFile("etc/timezone", b"Etc/UTC\n")


_MAKERS: Final[dict[str, Callable[[World], Iterator[Made]]]] = {
    "base-files": _base_files,
    "ca-certificates": _ca_certificates,
    "debconf": _debconf,
    "debianutils": _debianutils,
    "libc-bin": _libc_bin,
    "libpam-modules": _libpam_modules,
    "libpam-runtime": _libpam_runtime,
    "login": _login,
    "netbase": _netbase,
    "python3": _python3,
    "readline-common": _readline_common,
    "tzdata": _tzdata,
}
