"""Packaged files whose owner, mode or capabilities a script changes on installation."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from slipway.oci.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.distro.world import World

_PING: Final = "usr/bin/ping"
_AGENT: Final = "usr/bin/ssh-agent"
_NET_RAW: Final = 13  # linux/capability.h
# version 2 of the attribute with the effective bit set, then permitted and inheritable as two pairs of words
_PING_CAPABILITY: Final = struct.pack("<5I", 0x02000001, 1 << _NET_RAW, 0, 0, 0).hex()


def changed(world: World, group_file: bytes) -> Iterator[tuple[Entry, bytes]]:
    """The files as their scripts leave them; `group_file` is the image's /etc/group."""
    if "setcap" in world.text("var/lib/dpkg/info/iputils-ping.postinst") and (ping := _file(world, _PING)):
        entry, content = ping
        if world.has("usr/sbin/setcap"):
            xattrs = (("security.capability", _PING_CAPABILITY),)
            yield replace(entry, mode=entry.mode & 0o777, xattrs=xattrs), content
        else:
            yield replace(entry, mode=entry.mode | 0o4000), content
    if "openssh-client" in world.packages and (agent := _file(world, _AGENT)):
        entry, content = agent
        rows = (line.split(":") for line in group_file.decode(errors="replace").splitlines())
        if gid := next((int(row[2]) for row in rows if row[0] == "_ssh"), None):
            yield replace(entry, mode=0o2755, gid=gid), content


def _file(world: World, path: str) -> tuple[Entry, bytes] | None:
    content = world.read(path).get(path)
    return None if content is None else (Entry.unpack(world.holders[path][1]), content)
