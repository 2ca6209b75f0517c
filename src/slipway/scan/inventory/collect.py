"""Gather what the files of one layer, or of one directory, say of packages, as they come by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from slipway.scan.inventory import rpmdb
from slipway.scan.inventory.interest import format_of
from slipway.scan.inventory.model import FileFacts, LayerFacts
from slipway.scan.inventory.readers import LARGEST, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slipway.scan.inventory.interest import Format


class Collector:
    """Told of every entry once, in order; of a path that comes twice, the last counts. Use as a context manager."""

    def __init__(self) -> None:
        self._files: dict[str, FileFacts] = {}
        self._links: dict[str, str] = {}
        self._hard: dict[str, str] = {}
        self._others: set[str] = set()
        self._dirs: set[str] = set()
        self._databases = rpmdb.Databases()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._databases.__exit__()

    def file(self, path: str, size: int, content: bytes | Iterator[bytes]) -> None:
        """`content` of a file that is of no interest, or too large, is not touched."""
        self._others.add(path)
        if kind := format_of(path):
            self._take(kind, path, size, content)

    def symlink(self, path: str, target: str) -> None:
        self._others.add(path)
        if format_of(path):
            self._forget(path)
            self._links[path] = target

    def hard_link(self, path: str, target: str) -> None:
        """`target` is a path in the same layer, which has the content."""
        self._others.add(path)
        kind = format_of(path)
        if not kind:
            return
        self._forget(path)
        if target in self._files and format_of(target) == kind:
            self._files[path] = self._files[target]
        else:
            self._hard[path] = target

    def directory(self, path: str) -> None:
        if format_of(path):
            self._dirs.add(path)

    def other(self, path: str) -> None:
        self._others.add(path)

    def problem(self, path: str, why: str) -> None:
        """Something at `path` could not be read."""
        self._forget(path)
        self._files[path] = FileFacts(problems=(why,))

    @property
    def wanting(self) -> frozenset[str]:
        """The targets of hard links whose content went by before anybody knew that it was wanted."""
        return frozenset(self._hard.values())

    def linked(self, target: str, size: int, content: bytes | Iterator[bytes]) -> None:
        """The content of one of `wanting`."""
        paths = sorted(p for p, t in self._hard.items() if t == target)
        data = content if isinstance(content, bytes) or size > LARGEST else b"".join(content)
        for path in paths:
            self._take(format_of(path), path, size, data)

    def finish(self, diff_id: str, removed: Iterable[str] = (), opaque: Iterable[str] = ()) -> LayerFacts:
        for path, target in sorted(self._hard.items()):
            self.problem(path, f"it is a hard link to {target}, which cannot be read")
        files = self._files | self._databases.facts()
        return LayerFacts(
            diff_id,
            files,
            self._links,
            frozenset(self._others),
            frozenset(self._dirs),
            frozenset(removed),
            frozenset(opaque),
            self._databases.lasting,
        )

    def _take(self, kind: Format, path: str, size: int, content: bytes | Iterator[bytes]) -> None:
        self._forget(path)
        database = kind.startswith("rpm-")
        most = rpmdb.LARGEST if database else LARGEST
        if size > most:
            self.problem(path, f"it has {size} bytes; at most {most} are read")
        elif database:
            self._databases.add(path, (content,) if isinstance(content, bytes) else content)
        else:
            self._files[path] = read(kind, path, content if isinstance(content, bytes) else b"".join(content))

    def _forget(self, path: str) -> None:
        self._files.pop(path, None)
        self._links.pop(path, None)
        self._hard.pop(path, None)
