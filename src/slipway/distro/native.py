"""What the native counterparts of maintainer scripts are given, and what they return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# reader(*paths) -> the contents of those paths that exist as files in the image; paths are relative and clean.
FileReader = Callable[..., dict[str, bytes]]


@dataclass(frozen=True, slots=True)
class NativeFile:
    """A file or symlink that no package ships and that its scripts would have made.

    `path` is relative and clean (`etc/passwd`); a symlink when `content` is None, and then `target` is the link
    text; `mode` holds permission bits and says nothing for a symlink.
    """

    path: str
    content: bytes | None = None
    target: str = ""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
