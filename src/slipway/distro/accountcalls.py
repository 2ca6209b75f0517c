"""What one call of adduser(8), addgroup(8), useradd(8), groupadd(8) or systemd-sysusers(8) adds to the accounts."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from slipway.distro.accountdb import (
    NOGROUP,
    NOLOGIN,
    NORMAL_IDS,
    SYSTEM_IDS,
    Database,
    below_lowest,
    first_free,
)
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slipway.distro.native import FileReader

PROGRAMS = ("adduser", "addgroup", "useradd", "groupadd", "systemd-sysusers")

_NAME = pattern(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?")
_DEBIAN_VALUES = {
    "--home": "home",
    "--shell": "shell",
    "--gecos": "comment",
    "--comment": "comment",
    "--uid": "uid",
    "--gid": "gid",
    "--ingroup": "gid",
    "--firstuid": "",
    "--lastuid": "",
    "--firstgid": "",
    "--lastgid": "",
    "--conf": "",
}
_SHADOW_VALUES = {
    "-c": "comment",
    "--comment": "comment",
    "-d": "home",
    "--home-dir": "home",
    "--home": "home",
    "-s": "shell",
    "--shell": "shell",
    "-u": "uid",
    "--uid": "uid",
    "-g": "gid",
    "--gid": "gid",
    "-G": "groups",
    "--groups": "groups",
    "-K": "",
    "--key": "",
    "-p": "",
    "--password": "",
    "-k": "",
    "--skel": "",
    "-e": "",
    "--expiredate": "",
    "-f": "",
    "--inactive": "",
}


class Join(NamedTuple):
    user: str
    group: str


class _Options(NamedTuple):
    values: dict[str, str]
    flags: set[str]
    names: list[str]


def apply_call(database: Database, argv: Sequence[str], read: FileReader) -> list[Join]:
    """Add the account that the call makes; nothing when it exists already, as the scripts would do.

    Returns the memberships that it asks for. `read` gives the files of sysusers.d. A call with a name that is
    none is passed over.
    """
    program = argv[0].rpartition("/")[2]
    if program == "systemd-sysusers":
        return list(_sysusers(database, argv[1:], read))
    if program in ("useradd", "groupadd"):
        # In groupadd -f is a flag, and so it is the one letter whose meaning differs.
        values = (
            _SHADOW_VALUES if program == "useradd" else {"-g": "gid", "--gid": "gid", "-K": "", "--key": ""}
        )
        options = _options(argv[1:], values)
        if len(options.names) != 1 or not _NAME.fullmatch(options.names[0]):
            return []
        return _useradd(database, options) if program == "useradd" else _groupadd(database, options)
    options = _options(argv[1:], _DEBIAN_VALUES)
    if not options.names or not all(_NAME.fullmatch(name) for name in options.names):
        return []
    if len(options.names) == 2:
        return [Join(*options.names)]
    only_group = program == "addgroup" or ("--group" in options.flags and "--system" not in options.flags)
    if only_group:
        _addgroup(database, options.names[0], options)
    else:
        _adduser(database, options.names[0], options)
    return []


def _options(words: Sequence[str], valued: dict[str, str]) -> _Options:
    """Split words into options with a value (under the given keys), flags and names."""
    options = _Options({}, set(), [])
    todo = list(words)[::-1]
    while todo:
        word = todo.pop()
        option, equals, value = word.partition("=")
        if not word.startswith("-"):
            options.names.append(word)
        elif option not in valued:
            options.flags.add(word)
        elif equals or todo:
            options.values[valued[option]] = value if equals else todo.pop()
    return options


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() and len(text) < 10 else None


def _addgroup(database: Database, name: str, options: _Options) -> int | None:
    gid = database.gid_of(name)
    if gid is None:
        ids = SYSTEM_IDS if "--system" in options.flags else NORMAL_IDS
        gid = _number(options.values.get("gid")) or first_free(ids, database.gids())
        if gid is not None:
            database.add_group(name, gid)
    return gid


def _adduser(database: Database, name: str, options: _Options) -> None:
    if database.has_user(name):
        return
    system = "--system" in options.flags
    uid = _number(options.values.get("uid"))
    uid = first_free(SYSTEM_IDS if system else NORMAL_IDS, database.uids()) if uid is None else uid
    if "gid" in options.values:
        gid = database.gid_of(options.values["gid"])
    elif "--group" in options.flags or not system:
        gid = _addgroup(database, name, _Options({}, options.flags, []))
    else:
        gid = NOGROUP
    if uid is None or gid is None:
        return
    database.add_user(
        name,
        uid,
        gid,
        comment=options.values.get("comment", ""),
        home=options.values.get("home", "/nonexistent" if system else f"/home/{name}"),
        shell=options.values.get("shell", NOLOGIN if system else "/bin/bash"),
    )


def _groupadd(database: Database, options: _Options) -> list[Join]:
    name = options.names[0]
    if database.gid_of(name) is None:
        gid = _number(options.values.get("gid"))
        gid = _new_id(database.gids(), options) if gid is None else gid
        if gid is not None:
            database.add_group(name, gid)
    return []


def _useradd(database: Database, options: _Options) -> list[Join]:
    name = options.names[0]
    if database.has_user(name):
        return []
    uid = _number(options.values.get("uid"))
    uid = _new_id(database.uids(), options) if uid is None else uid
    if "gid" in options.values:
        gid = database.gid_of(options.values["gid"])
    elif options.flags & {"-N", "--no-user-group"}:
        gid = 100  # users
    else:
        gid = database.gid_of(name)
        if gid is None:
            gid = uid if uid not in database.gids() else _new_id(database.gids(), options)
            if gid is not None:
                database.add_group(name, gid)
    if uid is None or gid is None:
        return []
    database.add_user(
        name,
        uid,
        gid,
        comment=options.values.get("comment", ""),
        home=options.values.get("home", f"/home/{name}"),
        shell=options.values.get("shell", "/bin/sh"),
    )
    return [Join(name, group) for group in options.values.get("groups", "").split(",") if group]


def _new_id(used: set[int], options: _Options) -> int | None:
    if options.flags & {"-r", "--system"}:
        return below_lowest(used)
    return first_free(NORMAL_IDS, used)


def _sysusers(database: Database, words: Sequence[str], read: FileReader) -> Iterator[Join]:
    """sysusers.d(5): all groups first, then all users, then memberships."""
    paths = [f"usr/lib/sysusers.d/{word}" for word in words if not word.startswith("-") and "/" not in word]
    found = read(*paths)
    lines = []
    for path in paths:
        for line in found.get(path, b"").decode(errors="replace").splitlines():
            fields = _fields(line)
            if len(fields) > 1 and _NAME.fullmatch(fields[1]):
                lines.append(fields + ["-"] * (6 - len(fields)))
    for kind, name, number, *_ in lines:
        if kind == "g" and database.gid_of(name) is None:
            wanted = _number(number)
            gid = _down(database) if wanted is None or wanted in database.gids() else wanted
            if gid is not None:
                database.add_group(name, gid, lock="!*")
    for fields in lines:
        if fields[0] in ("u", "u!"):
            _sysuser(database, fields)
    yield from (Join(name, group) for kind, name, group, *_ in lines if kind == "m")


def _sysuser(database: Database, fields: Sequence[str]) -> None:
    kind, name, number, comment, home, shell = fields[:6]
    if database.has_user(name):
        return
    wanted, _, group = number.partition(":")
    uid = _number(wanted)
    if uid is None or uid in database.uids():
        known = database.gid_of(name)  # a user takes the number of the group that bears its name
        uid = _down(database) if group or known is None or known in database.uids() else known
    gid = database.gid_of(group or name)
    if gid is None and uid is not None and not group:
        gid = uid if uid not in database.gids() else _down(database)
        if gid is not None:
            database.add_group(name, gid, lock="!*")
    if uid is None or gid is None:
        return
    database.add_user(
        name,
        uid,
        gid,
        comment="" if comment == "-" else comment,
        home="/" if home == "-" else home,
        shell=NOLOGIN if shell == "-" else shell,
        lock="!*",
        expire="1" if kind == "u!" else "",
    )


def _down(database: Database) -> int | None:
    """The highest system number that is free both as user and as group."""
    return first_free(reversed(SYSTEM_IDS), database.uids(), database.gids())


def _fields(line: str) -> list[str]:
    if line.startswith("#") or "%" in line:  # specifiers stand for facts of a running system
        return []
    try:
        return shlex.split(line)
    except ValueError:
        return []
