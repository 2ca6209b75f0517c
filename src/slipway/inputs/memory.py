"""What servers said about sources, so as not to ask, or not to transfer, again.

cache/web/*.json     for each source: when it was asked about, what it was, and how to tell whether it is still the same
"""

from __future__ import annotations

from dataclasses import asdict, field
from typing import TYPE_CHECKING, Any, Literal

from slipway.files import read_json, write_json
from slipway.inputs import pool
from slipway.inputs.address import identity, public, scheme_of
from slipway.inputs.kept import is_present, path_of
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slipway.errors import Where
    from slipway.oci.entry import Entry
    from slipway.settings import Settings


@value
class Brought:
    """A source as it is now: its bytes are in the cache. `sha256` (hex) is of a file's content or of a tree's listing."""

    kind: Literal["file", "tree"]
    sha256: str
    size: int
    mode: int = 0o644
    listing: tuple[Entry, ...] = ()


@value
class Memory:
    """`url` is there for people, so without its secrets; `time` in seconds since 1970; `marks` are the scheme's own."""

    url: str
    kind: Literal["file", "tree"]
    sha256: str
    size: int
    mode: int
    time: float
    marks: Mapping[str, str] = field(default_factory=dict)


@value
class Wanted:
    """A source, and the hash that it must have (empty: whatever it has); `where` it is asked for.

    `mode` tells that its mode is asked for, too, which the content does not say.
    """

    source: str
    sha256: str = ""
    where: Where | None = None
    mode: bool = False


class Memories:
    """With `refresh` nothing is fresh. `now` is in seconds since 1970."""

    def __init__(self, settings: Settings, *, refresh: bool, now: float) -> None:
        self.settings = settings
        self.refresh = refresh
        self.now = now

    def known(self, item: Wanted) -> Brought | None:
        """What `item` is, when nobody need be asked."""
        return self._content(item) if item.sha256 else self.fresh(item.source)

    def fresh(self, source: str) -> Brought | None:
        """What `source` was so lately that nobody need be asked, all of it in the cache."""
        found = None if self.refresh else self.recall(source)
        if found is None or not 0 <= self.now - found[0].time < self.settings.max_age:
            return None
        return found[1]

    def recall(self, source: str) -> tuple[Memory, Brought] | None:
        """The last that is known of `source`, when all of it is still here."""
        data: Any = read_json(self._path(source))
        try:
            known = Memory(**data)
        except TypeError:
            return None
        if known.kind == "tree":
            listing = pool.known(known.sha256, self.settings)
            if listing is None:
                return None
            return known, Brought("tree", known.sha256, known.size, known.mode, listing)
        if not is_present(path_of(known.sha256, self.settings), known.size):
            return None
        return known, Brought("file", known.sha256, known.size, known.mode)

    def keep(self, source: str, brought: Brought, marks: Mapping[str, str]) -> None:
        memory = Memory(
            public(source), brought.kind, brought.sha256, brought.size, brought.mode, self.now, marks
        )
        write_json(self._path(source), asdict(memory))

    def _content(self, item: Wanted) -> Brought | None:
        """The content with the hash that is asked for, from the cache."""
        if item.mode and scheme_of(item.source) in ("scp", "sftp"):  # the others have no modes
            known = self.recall(item.source)
            return known[1] if known and known[1].sha256 == item.sha256 else None
        path = path_of(item.sha256, self.settings)
        return Brought("file", item.sha256, path.stat().st_size) if is_present(path) else None

    def _path(self, source: str) -> Path:
        return self.settings.cache / "web" / f"{identity(source)}.json"
