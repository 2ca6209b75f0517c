"""What changed in a directory of advisories on the web, by its list of when each was modified (`modified_id.csv`)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from slipway.errors import FetchError, InputError
from slipway.inputs.crew import run_all
from slipway.inputs.download import fetch_bytes
from slipway.net import Client, redact
from slipway.patterns import pattern
from slipway.scan.advisories import fields, osv
from slipway.scan.advisories.documents import MOST_BYTES
from slipway.scan.times import normal

if TYPE_CHECKING:
    from slipway.events import Reporter, Step
    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.scan.model import Advisory
    from slipway.settings import Settings

_MOST: Final = 1000  # changes that are sooner fetched one by one than with everything else
_LONGEST_LIST: Final = 128 << 20
_ID = pattern(r"[\w.:+-]+")


def changes(
    store: AdvisoryStore, feed: str, base: str, settings: Settings, reporter: Reporter
) -> tuple[list[Advisory], frozenset[str]] | None:
    """The advisories that are new or different, and the ids of those that stay as they are.

    None when everything is to be fetched: too much is different, or the directory has no such list.
    """
    known = store.modified(feed)
    if not known:
        return None
    with Client(settings) as client:
        try:
            data = fetch_bytes(f"{base}modified_id.csv", settings, max_size=_LONGEST_LIST, client=client)
        except FetchError as error:
            if error.status != 404:
                raise
            return None
        listed = _listed(data)
        different = sorted(name for name, time in listed.items() if known.get(name) != time)
        if len(different) > _MOST:
            return None
        with reporter.step(f"fetch changes of {feed}", total=len(different)) as step:
            tasks = [
                functools.partial(_fetch, base, name, feed, client, settings, step) for name in different
            ]
            found = run_all(tasks, client, settings.threads)
    return found, frozenset(listed).difference(different)


def _listed(data: bytes) -> dict[str, str]:
    """Lines of `TIME,ID`."""
    found = {}
    for line in data.decode(errors="replace").splitlines():
        time, _, name = line.strip().partition(",")
        if not _ID.fullmatch(name):
            raise InputError(f"modified_id.csv has a line that is no time and id: {line[:80]!r}")
        found[name] = normal(time)
    return found


def _fetch(base: str, name: str, feed: str, client: Client, settings: Settings, step: Step) -> Advisory:
    address = f"{base}{quote(name)}.json"
    record = fields.document(
        fetch_bytes(address, settings, max_size=MOST_BYTES, client=client), redact(address)
    )
    if not osv.is_advisory(record) or record["id"] != name:
        raise InputError(f"{redact(address)} is not the advisory {name}")
    try:
        advisory = osv.read(record, feed)
    except InputError as error:
        raise InputError(f"{redact(address)} is not a valid advisory: {error.brief}") from error
    step.advance()
    return advisory
