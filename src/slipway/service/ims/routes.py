"""Which path and method is which handler. The root and `/v2` are the same; what only the third API has is below `/v3`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from slipway.service.ims import images, jobs, keys, nodes, reading, recipes, removing
from slipway.service.model import Image, Job, Node, PublicKey, Recipe

if TYPE_CHECKING:
    from slipway.service.ims.answers import Answer
    from slipway.service.ims.call import Call
    from slipway.service.ims.context import Context
    from slipway.service.model import Record

Handler = Callable[["Context", "Call"], Awaitable["Answer"]]
Route = dict[str, Handler]

PREFIX: Final = "/apis/ims"
_DELETABLE: Final[tuple[tuple[str, type[Record], Handler, Handler | None], ...]] = (
    ("public-keys", PublicKey, keys.create, None),
    ("recipes", Recipe, recipes.create, recipes.change),
    ("images", Image, images.create, images.change),
)


def table() -> dict[str, Route]:
    """Handlers by method, by path; `*` stands for the id at the end of one."""
    routes: dict[str, Route] = {}
    for base in ("", "/v2", "/v3"):
        for name, kind, create, change in _DELETABLE:
            whole, one = _readable(kind)
            whole["POST"] = create
            if change:
                one["PATCH"] = change
            if base == "/v3":
                whole["DELETE"] = partial(removing.delete_all, kind=kind)
                one["DELETE"] = partial(removing.delete, kind=kind)
            else:
                whole["DELETE"] = partial(removing.purge_all, kind=kind, gone=False)
                one["DELETE"] = partial(removing.purge, kind=kind, gone=False)
            routes[f"{base}/{name}"], routes[f"{base}/{name}/*"] = whole, one
        whole, one = _readable(Job)
        routes[f"{base}/jobs"] = {**whole, "POST": jobs.create, "DELETE": jobs.remove_all}
        routes[f"{base}/jobs/*"] = {**one, "PATCH": jobs.change, "DELETE": jobs.remove}
    for name, kind, _, _ in _DELETABLE:
        whole, one = _readable(kind, gone=True)
        whole["DELETE"] = partial(removing.purge_all, kind=kind, gone=True)
        whole["PATCH"] = partial(removing.undelete_all, kind=kind)
        one["DELETE"] = partial(removing.purge, kind=kind, gone=True)
        one["PATCH"] = partial(removing.undelete, kind=kind)
        routes[f"/v3/deleted/{name}"], routes[f"/v3/deleted/{name}/*"] = whole, one
    whole, one = _readable(Node)
    place = "/v3/remote-build-nodes"
    routes[place] = {**whole, "POST": nodes.create, "DELETE": nodes.remove_all}
    routes[f"{place}/*"] = {**one, "DELETE": nodes.remove}
    routes[f"{place}/status"] = {"GET": nodes.statuses, "DELETE": nodes.remove}  # a node may be called so
    routes[f"{place}/status/*"] = {"GET": nodes.status}
    return routes


def _readable(kind: type[Record], *, gone: bool = False) -> tuple[Route, Route]:
    return (
        {"GET": partial(reading.listed, kind=kind, gone=gone)},
        {"GET": partial(reading.single, kind=kind, gone=gone)},
    )
