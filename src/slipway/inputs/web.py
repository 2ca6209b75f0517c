"""http(s) sources without a known hash: what a server said is remembered, and asked about again when it is old."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from slipway.files import read_json, write_json
from slipway.inputs.download import is_present, part_of, path_of
from slipway.inputs.part import hold
from slipway.inputs.transfer import Progress, Transfer
from slipway.net import Client, redact

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.events import Reporter
    from slipway.settings import Settings


@dataclass(frozen=True, slots=True)
class WebFile:
    """A resource as it was when the server was last asked; `size` in bytes, `path` in the cache."""

    path: Path
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class _Memory:
    """What is kept of an answer; `time` in seconds since 1970. The URL is there for people, so without its secrets."""

    url: str
    sha256: str
    size: int
    etag: str
    modified: str
    time: float

    @property
    def condition(self) -> dict[str, str]:
        """The headers that make the server answer 304 when nothing changed (RFC 9110, section 13.1)."""
        found = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {name: value for name, value in found.items() if value}


def fetch_web(
    url: str,
    settings: Settings,
    reporter: Reporter,
    *,
    refresh: bool,
    now: float,
    client: Client | None = None,
) -> WebFile:
    """The resource at `url`; only an answer of status 200 counts.

    An answer younger than `settings.max_age` seconds is used without asking, unless `refresh`; an older one
    is asked about, which costs no transfer when nothing changed. `now` is in seconds since 1970.
    """
    source = _Source(url, settings, refresh=refresh, now=now)
    if known := source.fresh():
        return source.file(known)
    if client is None:
        with Client(settings) as own:
            return source.ask(own, reporter)
    return source.ask(client, reporter)


def remembered(url: str, settings: Settings, now: float) -> WebFile | None:
    """The answer that `fetch_web` would use without asking."""
    source = _Source(url, settings, refresh=False, now=now)
    known = source.fresh()
    return source.file(known) if known else None


class _Source:
    def __init__(self, url: str, settings: Settings, *, refresh: bool, now: float) -> None:
        self._url = url
        self._settings = settings
        self._refresh = refresh
        self._now = now
        self._key = hashlib.sha256(url.encode()).hexdigest()
        self._index = settings.cache / "web" / f"{self._key}.json"

    def file(self, known: _Memory) -> WebFile:
        return WebFile(path_of(known.sha256, self._settings), known.sha256, known.size)

    def fresh(self) -> _Memory | None:
        known = None if self._refresh else self._recall()
        return known if known and 0 <= self._now - known.time < self._settings.max_age else None

    def ask(self, client: Client, reporter: Reporter) -> WebFile:
        with (
            reporter.step("fetch", redact(self._url), unit="bytes") as step,
            hold(part_of(self._key, self._settings), client.pause) as part,
        ):
            if known := self.fresh():  # another process was faster
                return self.file(known)
            known = self._recall()
            transfer = Transfer(self._url, part, Progress(step), headers=known.condition if known else {})
            answer = transfer.ask(client, ok=(304,) if known else ())
            transfer.forget()
            if answer.status == 304 and known:
                part.restart()
                step.detail = "unchanged"
                return self._keep(known.sha256, known.size, known.etag, known.modified)
            headers = answer.headers
            sha256, size = part.sha256, part.size
            part.finish(path_of(sha256, self._settings))
            return self._keep(sha256, size, headers.get("etag", ""), headers.get("last-modified", ""))

    def _keep(self, sha256: str, size: int, etag: str, modified: str) -> WebFile:
        memory = _Memory(redact(self._url), sha256, size, etag, modified, self._now)
        write_json(self._index, asdict(memory))
        return self.file(memory)

    def _recall(self) -> _Memory | None:
        """The last answer, when its bytes are still here."""
        data: Any = read_json(self._index)
        try:
            known = _Memory(**data)
        except TypeError:
            return None
        return known if is_present(path_of(known.sha256, self._settings), known.size) else None
