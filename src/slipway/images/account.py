"""Who a command of an image runs as: the `user` of an image config, looked up in the image's own files.

The forms are those of the image specification (OCI image-spec, config.md, `User`): `user`, `uid`, `user:group`,
`uid:gid`, `uid:group`, `user:gid`, or nothing for root. A name wins over a number that looks the same.
"""

from __future__ import annotations

from typing import NamedTuple

from slipway.errors import UsageError

_HIGHEST = 2**32 - 2  # the last number is the kernel's "no such user"


class Account(NamedTuple):
    """Numbers to run as; `groups` are the supplementary ones, sorted, without `gid`; `home` is absolute."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


def find_user(passwd: bytes, group: bytes, spec: str) -> Account:
    """The account that `spec` names, given the contents of the image's `etc/passwd` and `etc/group` (b"" if none).

    A bare user brings the groups that `etc/group` lists it in; an explicit group brings only itself. A number that
    no account has is taken as it is, with group 0 and home `/`. `UsageError` for a name that the image lacks.
    """
    name, colon, group_name = spec.partition(":")
    if colon and not group_name:
        raise UsageError(f"user {spec!r} names an empty group")
    users, groups = _rows(passwd, 7, (2, 3)), _rows(group, 4, (2,))
    user = _row(users, name or "0")
    if user is not None:
        uid, gid, home, login = int(user[2]), int(user[3]), user[5] or "/", user[0]
    elif name in ("", "0") or _is_id(name):
        uid, gid, home, login = int(name or "0"), 0, "/", ""
    else:
        raise _unknown("user", name, [row[0] for row in users])
    if not group_name:
        extra = {int(row[2]) for row in groups if login in row[3].split(",") and login}
        return Account(uid, gid, tuple(sorted(extra - {gid})), home)
    found = _row(groups, group_name)
    if found is None and not _is_id(group_name):
        raise _unknown("group", group_name, [row[0] for row in groups])
    return Account(uid, int(found[2] if found else group_name), (), home)


def _row(rows: list[list[str]], wanted: str) -> list[str] | None:
    """The row of that name, else of that number."""
    by_name = (row for row in rows if row[0] == wanted)
    by_number = (row for row in rows if _is_id(wanted) and int(row[2]) == int(wanted))
    return next(by_name, None) or next(by_number, None)


def _rows(text: bytes, fields: int, ids: tuple[int, ...]) -> list[list[str]]:
    """The sound rows: that many fields, and numbers in the columns `ids`."""
    rows = (line.split(":") for line in text.decode(errors="replace").splitlines())
    return [row for row in rows if len(row) == fields and all(_is_id(row[column]) for column in ids)]


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= _HIGHEST


def _unknown(kind: str, name: str, known: list[str]) -> UsageError:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    hint = (
        f"did you mean {close[0]!r}?"
        if close
        else f"the image's /etc/{'passwd' if kind == 'user' else 'group'} lists who there is"
    )
    return UsageError(f"the image has no {kind} {name!r}", hint=hint)
