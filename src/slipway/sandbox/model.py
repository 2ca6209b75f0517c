"""What a sandbox is told to be, as values that go over a pipe; and how a command that cannot run is reported."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from slipway.errors import ToolError

NOT_EXECUTABLE = 126
NOT_FOUND = 127


class CommandError(ToolError):
    """The command could not be started in the image; `status` is what a shell, and Docker, would exit with."""

    code = "command"

    def __init__(self, brief: str, status: int) -> None:
        super().__init__(brief)
        self.status = status


@dataclass(frozen=True, slots=True)
class Mount:
    """A directory or file of this machine (absolute) that is to be seen at `target` (absolute) in the sandbox.

    With `own` it is made to belong to the command's user.
    """

    source: str
    target: str
    read_only: bool = False
    own: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """The users and groups of a user namespace (user_namespaces(7)): rows of first inside, first outside, how many.

    `mappers` are the paths of newuidmap and newgidmap.
    """

    users: tuple[tuple[int, int, int], ...]
    groups: tuple[tuple[int, int, int], ...]
    mappers: tuple[str, str]

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Range:
        users, groups = (tuple(tuple(row) for row in value[name]) for name in ("users", "groups"))
        return cls(users, groups, tuple(value["mappers"]))


@dataclass(frozen=True, slots=True)
class Spec:
    """A sandbox.

    Its root is either `root`, a directory used as it is, or an overlay of the directories `lowers` (the
    topmost first; `overlay` are further options of the mount) under a writable layer: `upper`, a directory in which `upper` and `work` are made and stay, or when empty
    a temporary one in memory. `stage` is an empty directory to build in. `files` are small texts to be seen
    at absolute paths; `secrets` are too, by the command's user alone. `groups` are beside `gid`. With `rootless` there is a user
    namespace, with `uid` as its one user or with those of `range`. `directories` are made where they are missing, like `cwd`.
    With `trusted`, programs of the image may raise the command's powers (set-user-ID bits, file capabilities), and it gets
    no terminal. What is made in the root to mount on is listed in the file `made` beside `upper`.
    """

    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    rootless: bool
    stage: str
    hostname: str
    lowers: tuple[str, ...] = ()
    root: str = ""
    upper: str = ""
    network: bool = False
    read_only: bool = False
    mounts: tuple[Mount, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    range: Range | None = None
    directories: tuple[str, ...] = ()
    overlay: tuple[str, ...] = ()
    trusted: bool = False

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Spec:
        value: dict[str, Any] = json.loads(data)
        for name in ("argv", "groups", "lowers", "directories", "overlay"):
            value[name] = tuple(value[name])
        value["mounts"] = tuple(Mount(**m) for m in value["mounts"])
        for name in ("files", "secrets"):
            value[name] = tuple((path, text) for path, text in value[name])
        value["range"] = Range.from_json(value["range"]) if value["range"] else None
        return cls(**value)
