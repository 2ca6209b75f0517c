"""Lists of what is in the storage: artifacts, and uploads that are not ended; of each, what the actor may read or go on with.

Both are in the order of buckets and keys. Whoever sees some projects only has pages as full as anybody's: what is not for them to
know of is passed over.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from slipway.service.artifacts.model import MissingError
from slipway.service.auth.roles import allowed
from slipway.service.model import Image, Recipe
from slipway.service.records.naming import owners
from slipway.service.records.query import Filter, Query
from slipway.service.v4 import answers, listing, views
from slipway.service.v4.access import actor_of
from slipway.service.v4.artifacts import described
from slipway.service.v4.resources import BY_CLASS
from slipway.service.v4.uploads import name_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from starlette.requests import Request
    from starlette.responses import Response

    from slipway.service.artifacts.model import Stat, Upload
    from slipway.service.model import Actor, Record
    from slipway.service.v4.artifacts import Artifacts
    from slipway.service.v4.context import Context
    from slipway.service.v4.listing import Places

_TOGETHER: Final = 500  # artifacts whose records are looked for at once
_THREADS: Final = 8  # that ask for the parts of uploads


@dataclass(frozen=True, slots=True)
class _Page:
    """`last` is the place that the next page begins behind, None on the last page."""

    items: list[dict[str, Any]]
    last: tuple[str, ...] | None


class Stored:
    def __init__(self, context: Context, artifacts: Artifacts) -> None:
        self.context, self.transfer = context, artifacts.transfer
        self.storage = context.service.artifacts
        self.records = context.service.records

    async def artifacts(self, request: Request) -> Response:
        return await self._answer(request, "artifacts", self._artifacts, (str, str))

    async def uploads(self, request: Request) -> Response:
        return await self._answer(request, "uploads", self._uploads, (str, str, str))

    async def _answer(
        self, request: Request, path: str, work: Callable[[Actor, Places], _Page], types: tuple[type, ...]
    ) -> Response:
        settings = self.context.service.settings
        buckets = (settings.recipes_bucket, settings.images_bucket)
        asked = listing.placed(request.url.query, buckets, path, types)
        page = await self.transfer(work, actor_of(request), asked)
        headers = {"vary": "Authorization"}
        following = None
        if page.last is not None:
            following = listing.cursor(asked.fingerprint, page.last)
            rest = f"{asked.rest}&" if asked.rest else ""
            headers["link"] = f'<{answers.base(request)}/{path}?{rest}cursor={following}>; rel="next"'
        body = {"items": page.items, "next": following}
        return answers.answer(views.encoded(body), headers=headers)

    def _artifacts(self, actor: Actor, asked: Places) -> _Page:
        items: list[dict[str, Any]] = []
        for item in self._seen(actor, self._walk(asked)):
            if len(items) == asked.limit:
                return _Page(items, (items[-1]["bucket"], items[-1]["key"]))
            items.append(item)
        return _Page(items, None)

    def _walk(self, asked: Places) -> Iterator[Stat]:
        bucket_before, key_before = asked.after or ("", "")
        for bucket in asked.buckets:
            if bucket >= bucket_before:
                after = key_before if bucket == bucket_before else ""
                yield from self.storage.walk(bucket, asked.prefix, after)

    def _seen(self, actor: Actor, found: Iterator[Stat]) -> Iterator[dict[str, Any]]:
        everywhere = allowed(actor, "read", "*")
        while stats := list(islice(found, _TOGETHER)):
            named = owners(self.records, (stat.key for stat in stats))
            linking = self._linking(actor, (f"s3://{stat.bucket}/{stat.key}" for stat in stats))
            for stat in stats:
                record = named.get(stat.key)
                linked = linking.get(f"s3://{stat.bucket}/{stat.key}")
                decides = record or linked
                if everywhere or (decides is not None and allowed(actor, "read", decides.project)):
                    yield _listed(stat, record, linked)

    def _linking(self, actor: Actor, paths: Iterable[str]) -> dict[str, Record]:
        """The records that lead there, and that the actor sees."""
        links = Filter("link_path", tuple(paths))
        found: dict[str, Record] = {}
        for kind in (Recipe, Image):
            for record in self.records.page(kind, Query((links,), limit=len(links.values))).records:
                link = getattr(record, "link", None)
                if link is not None and allowed(actor, "read", record.project):
                    found[link.path] = record
        return found

    def _uploads(self, actor: Actor, asked: Places) -> _Page:
        begun = sorted(
            (each for bucket in asked.buckets for each in self._begun(bucket, asked.prefix)), key=_place
        )
        after = asked.after or ()
        begun = [each for each in begun if _place(each) > after]
        named = owners(self.records, (each.key for each in begun))
        if not allowed(actor, "write", "*"):
            begun = [
                each
                for each in begun
                if each.key in named and allowed(actor, "write", named[each.key].project)
            ]
        page = begun[: asked.limit]
        with ThreadPoolExecutor(_THREADS, "uploads") as threads:
            sizes = list(threads.map(self._size, page))
        now = self.context.now()
        items = [
            _unfinished(each, size, named.get(each.key), now)
            for each, size in zip(page, sizes, strict=True)
            if size is not None
        ]
        return _Page(items, _place(page[-1]) if len(begun) > len(page) else None)

    def _begun(self, bucket: str, prefix: str) -> list[Upload]:
        try:
            return list(self.storage.uploads(bucket, prefix))
        except MissingError:  # some servers say this of a bucket in which none was begun
            return []

    def _size(self, upload: Upload) -> int | None:
        """Of all parts together, in bytes; None for one that is over by now."""
        try:
            parts = self.storage.parts(upload.bucket, upload.key, upload.id)
        except MissingError:
            return None
        return sum(size for size, _ in parts.values())


def _place(upload: Upload) -> tuple[str, ...]:
    return (upload.bucket, upload.key, upload.id)


def _listed(stat: Stat, record: Record | None, linked: Record | None) -> dict[str, Any]:
    known = bool(stat.content_type)
    return {
        **described(stat),
        "content_type": stat.content_type or None,
        "metadata": stat.metadata if known else None,
        "record": _named(record),
        "linked": _named(linked),
    }


def _unfinished(upload: Upload, size: int, record: Record | None, now: int) -> dict[str, Any]:
    return {
        "id": name_of(*_place(upload)),
        "bucket": upload.bucket,
        "key": upload.key,
        "path": f"s3://{upload.bucket}/{upload.key}",
        "begun": views.time(upload.begun) if upload.begun else None,
        "age": max(0, now - upload.begun) // 1_000_000 if upload.begun else None,
        "size": size,
        "owner": record.owner if record is not None else None,
        "record": _named(record),
    }


def _named(record: Record | None) -> dict[str, str] | None:
    return None if record is None else {"kind": BY_CLASS[type(record)].kind, "id": record.id}
