"""The four account files as one value that accounts are added to (passwd(5), group(5), shadow(5), gshadow(5))."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOLOGIN = "/usr/sbin/nologin"
SYSTEM_IDS = range(100, 1000)
NORMAL_IDS = range(1000, 60000)
NOGROUP = 65534
# PASS_MIN_DAYS, PASS_MAX_DAYS and PASS_WARN_AGE of Debian's /etc/login.defs.
_AGING = ["0", "99999", "7", "", "", ""]
_NAMES = {"passwd": "etc/passwd", "group": "etc/group", "shadow": "etc/shadow", "gshadow": "etc/gshadow"}


@dataclass(slots=True)
class Database:
    """Rows of fields per file; `backups` holds each file's text before its last change."""

    passwd: list[list[str]]
    group: list[list[str]]
    shadow: list[list[str]]
    gshadow: list[list[str]]
    backups: dict[str, bytes] = field(default_factory=dict)
    users_added: bool = False

    @classmethod
    def load(cls, files: Mapping[str, bytes]) -> Database:
        """From the contents of `etc/passwd`, `etc/group` and perhaps `etc/shadow`, `etc/gshadow`."""
        rows = {name: _rows(files.get(path, b"")) for name, path in _NAMES.items()}
        return cls(rows["passwd"], rows["group"], rows["shadow"], rows["gshadow"])

    def texts(self) -> dict[str, bytes]:
        """Path -> contents of the files that there are, backups among them."""
        out = {path: _text(getattr(self, name)) for name, path in _NAMES.items() if getattr(self, name)}
        return out | {path + "-": text for path, text in self.backups.items()}

    def shadow_on(self) -> None:
        """What `shadowconfig on` does: passwords move to the shadow files."""
        self._back_up("passwd", "group")
        self.shadow = [[row[0], row[1], "", *_AGING] for row in self.passwd]
        self.gshadow = [[row[0], row[1], "", row[3]] for row in self.group]
        for row in (*self.passwd, *self.group):
            row[1] = "x"

    def uids(self) -> set[int]:
        return {int(row[2]) for row in self.passwd}

    def gids(self) -> set[int]:
        return {int(row[2]) for row in self.group}

    def has_user(self, name: str) -> bool:
        return any(row[0] == name for row in self.passwd)

    def gid_of(self, group: str) -> int | None:
        """The number of a group given by name or number."""
        if group.isdecimal():
            return int(group)
        return next((int(row[2]) for row in self.group if row[0] == group), None)

    def add_user(
        self,
        name: str,
        uid: int,
        gid: int,
        *,
        comment: str = "",
        home: str = "/nonexistent",
        shell: str = NOLOGIN,
        lock: str = "!",
        expire: str = "",
    ) -> None:
        self._back_up("passwd", "shadow")
        self.users_added = True
        hidden = "x" if self.shadow else lock
        self.passwd.append([name, hidden, str(uid), str(gid), comment, home, shell])
        if self.shadow:
            self.shadow.append([name, lock, "", "", "", "", "", expire, ""])

    def add_group(self, name: str, gid: int, *, lock: str = "!") -> None:
        self._back_up("group", "gshadow")
        self.group.append([name, "x" if self.gshadow else lock, str(gid), ""])
        if self.gshadow:
            self.gshadow.append([name, lock, "", ""])

    def add_member(self, group: str, user: str) -> None:
        """Put a user into a group; nothing when either does not exist or the group is the user's already."""
        gid = next((row[3] for row in self.passwd if row[0] == user), None)
        rows = [row for row in self.group if row[0] == group and user not in row[3].split(",")]
        if gid is None or not rows or gid == rows[0][2]:
            return
        self._back_up("group", "gshadow")
        for row in rows + [row for row in self.gshadow if row[0] == group]:
            row[3] = ",".join([*filter(None, row[3].split(",")), user])

    def _back_up(self, *names: str) -> None:
        for name in names:
            rows = getattr(self, name)
            if rows:
                self.backups[_NAMES[name]] = _text(rows)


def first_free(candidates: Iterable[int], *used: set[int]) -> int | None:
    """The first candidate that is in none of the sets."""
    return next((x for x in candidates if not any(x in taken for taken in used)), None)


def below_lowest(used: set[int]) -> int | None:
    """The system number that shadow's useradd and groupadd choose: under the lowest one used, else the highest gap."""
    lowest = min((x for x in used if x in SYSTEM_IDS), default=SYSTEM_IDS.stop)
    if lowest > SYSTEM_IDS.start:
        return lowest - 1
    return first_free(reversed(SYSTEM_IDS), used)


def _rows(text: bytes) -> list[list[str]]:
    return [
        line.split(":") for line in text.decode(errors="surrogateescape").splitlines() if line.count(":") >= 3
    ]


def _text(rows: list[list[str]]) -> bytes:
    return "".join(":".join(row) + "\n" for row in rows).encode(errors="surrogateescape")
