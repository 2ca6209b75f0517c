"""`/etc/passwd` and its kin, as base-passwd, shadowconfig, adduser and systemd-sysusers would have left them.

Formats: passwd(5), group(5), shadow(5), gshadow(5). The day of the last password change is left empty
everywhere, as these tools leave it when told that the time is the epoch: it is the one field that would make two
builds of the same image differ, and all these accounts have no password.

Numbers are given out as on a fresh system (adduser counts up from 100, systemd-sysusers and useradd count down from
999), package by package in the order of their names: the order in which dpkg configures independent packages is
not defined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.distro import shellcalls
from slipway.distro.accountcalls import PROGRAMS, Join, apply_call
from slipway.distro.accountdb import Database
from slipway.distro.native import NativeFile

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from slipway.distro.native import FileReader

_MASTER = "usr/share/base-passwd"
_SHADOW_GID = 42
# What the scripts of packages amount to whose text is not at hand or cannot be read without running it.
_KNOWN = {
    "dbus-system-bus-common": "systemd-sysusers dbus.conf; adduser --system --group messagebus",
    "openssh-client": "addgroup --system _ssh",
    "openssh-server": "systemd-sysusers openssh-server.conf; adduser --system --home /run/sshd sshd",
    "systemd": "systemd-sysusers basic.conf systemd-journal.conf systemd-network.conf",
    "systemd-resolved": "systemd-sysusers systemd-resolve.conf",
    "tftpd-hpa": "adduser --system --home /srv/tftp --gecos 'tftp daemon' --group tftp",
    "udev": "systemd-sysusers debian-udev.conf",
}
_WRAPPERS = ("in_sysroot",)


def calls_in(script: str) -> shellcalls.Found:
    """The calls of a postinst that make accounts, and those that cannot be understood without running it."""
    return shellcalls.find(script, PROGRAMS, through=_WRAPPERS)


def accounts(
    read: FileReader, package_names: Collection[str], scripts: Mapping[str, str] | None = None
) -> list[NativeFile]:
    """The account files of an image that holds these packages, with the `-` backups that the tools leave.

    `scripts` maps a package to the text of its postinst; a package that is not in it is looked up as
    `var/lib/dpkg/info/PACKAGE.postinst`. Account files that the image has already are added to; those that stay
    as they are are not returned. Without base-passwd and without account files there is nothing to return.
    """
    database = _start(read, package_names)
    if database is None:
        return []
    names = sorted(package_names)
    paths = {name: f"var/lib/dpkg/info/{name}.postinst" for name in names}
    found = read(*paths.values()) if scripts is None else {}
    joins: list[Join] = []
    for name in names:
        text = (scripts or {}).get(name) or found.get(paths[name], b"").decode(errors="replace")
        calls = calls_in(text)
        if name in _KNOWN and (not text or calls.unclear):
            calls = calls_in(_KNOWN[name])
        for call in calls.calls:
            joins.extend(apply_call(database, call, read))
    for join in joins:  # last, because the group may be one that another package brings
        database.add_member(join.group, join.user)
    return _files(database, read)


def _start(read: FileReader, package_names: Collection[str]) -> Database | None:
    """The accounts before any package but base-passwd and passwd has added some."""
    present = read("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow")
    if "etc/passwd" in present and "etc/group" in present:
        return Database.load(present)
    master = read(f"{_MASTER}/passwd.master", f"{_MASTER}/group.master")
    if len(master) != 2:
        return None
    database = Database.load(
        {"etc/passwd": master[f"{_MASTER}/passwd.master"], "etc/group": master[f"{_MASTER}/group.master"]}
    )
    if "passwd" in package_names:
        database.shadow_on()
    return database


def _files(database: Database, read: FileReader) -> list[NativeFile]:
    texts = database.texts()
    present = read(*texts, "etc/subuid", "etc/subgid")
    files = []
    for path, text in texts.items():
        if present.get(path) == text:
            continue
        secret = path.rstrip("-").endswith("shadow")
        mode = 0o640 if secret else 0o644
        if path == "etc/passwd-" and not database.users_added:
            mode = 0o600  # left by pwconv, which thinks of passwords
        files.append(NativeFile(path, text, mode=mode, gid=_SHADOW_GID if secret else 0))
    files.extend(NativeFile(path, b"") for path in ("etc/subgid", "etc/subuid") if path not in present)
    return sorted(files, key=lambda file: file.path)
