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
    """A directory or file of this machine (absolute) that is to be seen at `target` (absolute) in the sandbox."""

    source: str
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """A sandbox.

    Its root is either `root`, a directory used as it is, or an overlay of the directories `lowers` (the
    topmost first) under a writable layer: `upper`, a directory in which `upper` and `work` are made and stay, or when empty
    a temporary one in memory. `stage` is an empty directory to build in. `files` are small texts to be seen
    at absolute paths. `groups` are beside `gid`.
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

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Spec:
        value: dict[str, Any] = json.loads(data)
        for name in ("argv", "groups", "lowers"):
            value[name] = tuple(value[name])
        value["mounts"] = tuple(Mount(**m) for m in value["mounts"])
        value["files"] = tuple((path, text) for path, text in value["files"])
        return cls(**value)
