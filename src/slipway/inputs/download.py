"""Many downloads at once, into a cache where a file's name is its hash.

cache/downloads/aa/aa…      what is here, named by its sha256
cache/downloads/parts/*     what is on its way, kept when a run is interrupted and continued by the next
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from slipway.errors import FetchError, VerifyError
from slipway.inputs.crew import run_all
from slipway.inputs.fileurl import is_file
from slipway.inputs.kept import is_present, part_of, path_of
from slipway.inputs.part import hold
from slipway.inputs.transfer import Progress, Transfer, read_local
from slipway.net import Client, redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from slipway.events import Reporter, Step
    from slipway.inputs.part import Part
    from slipway.settings import Settings


@dataclass(frozen=True, slots=True)
class Download:
    """Something to fetch. `sha256` in hex, `size` in bytes, `name` for people; empty and 0 where not known."""

    url: str
    sha256: str = ""
    size: int = 0
    name: str = ""

    @property
    def shown(self) -> str:
        return self.name or unquote(urlsplit(redact(self.url)).path.rpartition("/")[2]) or redact(self.url)


def download_all(
    items: Sequence[Download], settings: Settings, reporter: Reporter, *, what: str = "downloads"
) -> list[Path]:
    """The cached files of `items`, in their order; those not there are fetched in parallel, the largest first.

    The first failure ends the others and is raised: `FetchError`, `VerifyError` (size or hash), `StoreError`.
    """
    paths: dict[str, Path] = {}
    missing: list[Download] = []
    for key, item in {_key(item): item for item in items}.items():
        if item.sha256 and is_present(path := path_of(item.sha256, settings), item.size):
            paths[key] = path
        else:
            missing.append(item)
    if missing:
        missing.sort(key=lambda item: -item.size)
        detail = f"{len(missing)} of {len(paths) + len(missing)}" if paths else f"{len(missing)}"
        total = sum(item.size for item in missing)
        with reporter.step(what, detail, total=total, unit="bytes") as step:
            paths.update(zip(map(_key, missing), _fetch_all(missing, settings, step), strict=True))
    return [paths[_key(item)] for item in items]


def _fetch_all(items: Sequence[Download], settings: Settings, step: Step) -> list[Path]:
    with contextlib.ExitStack() as stack:
        online = any(not is_file(item.url) for item in items)
        client = stack.enter_context(Client(settings)) if online else None
        progress = Progress(step)
        return run_all(
            [functools.partial(fetch, item, client, settings, progress) for item in items],
            client,
            settings.threads,
        )


def _key(item: Download) -> str:
    return item.sha256 or item.url


def fetch(item: Download, client: Client | None, settings: Settings, progress: Progress) -> Path:
    """Fetch one item into the cache (`client` may be None for a file: URL)."""
    target = path_of(item.sha256, settings) if item.sha256 else None
    key = item.sha256 or hashlib.sha256(item.url.encode()).hexdigest()
    with hold(part_of(key, settings), client.pause if client else time.sleep) as part:
        if target and is_present(target, item.size):  # another process was faster
            progress.moved(item.size)
            return target
        transfer = Transfer(item.url, part, progress, item.size, pinned=bool(item.sha256))
        try:
            _verified(item, transfer, client)
        except VerifyError:
            transfer.restart()
            transfer.forget()
            raise
        path = target or path_of(part.sha256, settings)
        part.finish(path)
        transfer.forget()
        return path


def _verified(item: Download, transfer: Transfer, client: Client | None) -> None:
    """Run the transfer; when the bytes are wrong, once more from the beginning and past the caches on the way."""
    for last in (False, True):
        try:
            transfer.run(client)
            _check(item, transfer.part)
            return
        except VerifyError:
            if last or is_file(item.url):
                raise
            transfer.restart()
            transfer.headers = {"Cache-Control": "no-cache"}


def _check(item: Download, part: Part) -> None:
    if item.sha256 and part.sha256 != item.sha256:
        raise VerifyError(
            f"{item.shown} is not what was promised: its hash is wrong",
            details=f"from {redact(item.url)}\nexpected sha256 {item.sha256}\ngot {part.size} bytes, sha256 {part.sha256}",
            hint="the server may be in the middle of an update, or something on the way changes files; try again later",
        )


def fetch_bytes(
    url: str,
    settings: Settings,
    *,
    max_size: int,
    headers: Mapping[str, str] | None = None,
    client: Client | None = None,
) -> bytes:
    """A small document, from http(s) or file, not cached; `FetchError` when it has more than `max_size` bytes.

    Give a `client` to fetch several over one connection.
    """
    if is_file(url):
        return _limited(read_local(url), max_size, url)
    if client is None:
        with Client(settings) as own:
            return fetch_bytes(url, settings, max_size=max_size, headers=headers, client=own)

    def attempt() -> bytes:
        with client.get(url, headers) as answer:
            return _limited(answer.chunks(decode=True), max_size, url)

    return client.retry(attempt)


def _limited(chunks: Iterable[bytes], max_size: int, url: str) -> bytes:
    out = bytearray()
    for chunk in chunks:
        out += chunk
        if len(out) > max_size:
            raise FetchError(f"{redact(url)} has more than the {max_size} bytes allowed")
    return bytes(out)
