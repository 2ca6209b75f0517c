"""What a repository has attached to an image (distribution-spec 1.1: "Listing Referrers", "Unavailable Referrers API").

A registry that knows of subjects lists what refers to them. Elsewhere clients keep the list themselves: an index under a tag
made from the subject's digest.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from slipway.errors import FetchError, StoreError
from slipway.oci import digest as dg
from slipway.oci.referrer import Referrer
from slipway.oci.store import INDEX_TYPE
from slipway.patterns import pattern
from slipway.registry.session import MOST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.net import Answer
    from slipway.oci.digest import Digest
    from slipway.registry.session import Session

_NO_API = (400, 404, 405, 501)  # what registries say that have never heard of referrers
_MOST_PAGES: Final = 100
_TURNS: Final = 8
_PAUSE: Final = 0.1  # seconds, times the number of the turn
_LINK = pattern(r'<([^>]*)>\s*;\s*rel="?next"?')


def list_referrers(session: Session, subject: Digest) -> list[Referrer]:
    """What is attached to a manifest or index of the repository, in the registry's order; nothing for what it does not have.

    Nothing of it has been checked: whose bytes are read has to be compared with its digest. `FetchError` for lists that are
    malformed.
    """
    rows = _listed(session, subject)
    if rows is None:
        rows = _tagged(session, subject)[0]["manifests"]
    try:
        return [Referrer.from_json(row, subject) for row in rows]
    except (StoreError, AttributeError) as error:
        raise FetchError(
            f"{session.reference.name} has a malformed list of what is attached to {subject}",
            details=str(error),
        ) from error


def add_referrers(session: Session, subject: Digest, referrers: Sequence[Referrer]) -> None:
    """Put artifacts, which the repository has, into the list that clients keep; what others have put there stays.

    The list is read again after it was written, for most registries let two clients write at the same time and keep the
    later one's. `FetchError` when it cannot be written, or others go on replacing it.
    """
    tag = fallback_tag(subject)
    for turn in range(_TURNS):
        index, version = _tagged(session, subject)
        there = {row.get("digest") for row in index["manifests"]}
        missing = [r.as_json() for r in referrers if r.manifest.digest not in there]
        if not missing:
            return
        if turn:
            session.client.pause(_PAUSE * turn)
        condition = {"If-Match": version} if version else {}
        try:
            _put(session, tag, {**index, "manifests": [*index["manifests"], *missing]}, condition)
        except FetchError as error:
            if error.status == 412:
                continue
            kept = _present(session, index["manifests"]) if error.status in (400, 404) else index["manifests"]
            if kept == index["manifests"]:
                raise
            # some registries refuse a list with what they do not have any more
            _put(session, tag, {**index, "manifests": [*kept, *missing]}, condition)
    raise FetchError(
        f"{session.reference.name}:{tag} is changed by others all the time", hint="push again in a moment"
    )


def fallback_tag(subject: Digest) -> str:
    """The tag of the list that clients keep ("Referrers Tag Schema")."""
    return f"sha256-{dg.hex_of(subject)}"


def _listed(session: Session, subject: Digest) -> list[Any] | None:
    """By the registry; None when it has no such list."""
    rows: list[Any] = []
    url = session.api.url(f"referrers/{subject}")
    for _ in range(_MOST_PAGES):
        page = session.api.retry(lambda url=url: _page(session, url))  # type: ignore[misc]
        if page is None:
            return None
        rows += page[0]
        url = page[1]
        if not url:
            return rows
    raise FetchError(f"{session.reference.name} has no end of what is attached to {subject}")


def _page(session: Session, url: str) -> tuple[list[Any], str] | None:
    """The descriptors on one page, and the address of the next one."""
    with session.api.request("GET", url, {"Accept": INDEX_TYPE}, ok=(200, *_NO_API)) as answer:
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        if answer.status != 200 or kind != INDEX_TYPE:
            return None
        index = _index(answer.read(MOST), session)
        return index["manifests"], _next(answer, url)


def _next(answer: Answer, url: str) -> str:
    found = _LINK.search(answer.headers.get("link", ""))
    if not found:
        return ""
    target = str(urljoin(url, found[1]))
    if urlsplit(target)[:2] != urlsplit(url)[:2]:
        raise FetchError(f"{urlsplit(url).netloc} sends us elsewhere for the rest of a list")
    return target


def _tagged(session: Session, subject: Digest) -> tuple[dict[str, Any], str]:
    """The list that clients keep, empty where there is none, and what tells its version (RFC 9110: ETag)."""
    url = session.api.url(f"manifests/{fallback_tag(subject)}")

    def attempt() -> tuple[dict[str, Any], str]:
        with session.api.request("GET", url, {"Accept": INDEX_TYPE}, ok=(200, 404)) as answer:
            if answer.status == 404:
                return {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": []}, ""
            return _index(answer.read(MOST), session), answer.headers.get("etag", "")

    return session.api.retry(attempt)


def _index(data: bytes, session: Session) -> dict[str, Any]:
    try:
        index = json.loads(data)
    except (ValueError, RecursionError):
        index = None
    rows = index.get("manifests") if isinstance(index, dict) else None
    if (
        not isinstance(index, dict)
        or not isinstance(rows, list)
        or not all(isinstance(r, dict) for r in rows)
    ):
        raise FetchError(f"{session.reference.name} has a list of what is attached to an image that is none")
    return index


def _put(session: Session, tag: str, index: dict[str, Any], condition: dict[str, str]) -> None:
    session.put_manifest(tag, dg.canonical(index), INDEX_TYPE, condition)


def _present(session: Session, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    def there(row: dict[str, Any]) -> bool:
        url = session.api.url(f"manifests/{row.get('digest')}")
        with session.api.request("HEAD", url, {"Accept": str(row.get("mediaType"))}, ok=(200, 404)) as answer:
            return answer.status == 200

    return [row for row in rows if session.api.retry(lambda row=row: there(row))]  # type: ignore[misc]
