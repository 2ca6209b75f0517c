"""The application: all endpoints with what they take and answer, and what becomes of errors."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Final, cast

from fastapi import FastAPI
from starlette.exceptions import HTTPException

from slipway import __version__
from slipway.errors import SlipwayError
from slipway.service.v4 import endpoints, problems, storing
from slipway.service.v4.artifacts import Artifacts
from slipway.service.v4.bulk import Bulk
from slipway.service.v4.context import Context
from slipway.service.v4.events import Events
from slipway.service.v4.feed import Feed
from slipway.service.v4.openapi import document
from slipway.service.v4.problems import Problem, ProblemError
from slipway.service.v4.records import Endpoints
from slipway.service.v4.replies import Replies
from slipway.service.v4.resources import RESOURCES
from slipway.service.v4.stored import Stored
from slipway.service.v4.tasks import Tasks
from slipway.service.v4.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from slipway.service.state import Service

_PREFIX: Final = "/v4"
_LOG: Final = logging.getLogger(__name__)
_TAGS: Final = (
    "recipes",
    "images",
    "public-keys",
    "jobs",
    "nodes",
    "bulk",
    "artifacts",
    "uploads",
    "tasks",
    "events",
)
_ABOUT: Final = """\
Lists come in pages (`cursor`), can be filtered, sorted and reduced to some `fields`. Changes are JSON merge patches
(RFC 7396), conditional on an ETag where you want that. `POST` with an `Idempotency-Key` is done once, however often it is sent.
Whatever is refused or fails is answered with a problem document (RFC 9457) whose `code` is stable.
"""


def application(service: Service) -> FastAPI:
    """To be mounted at `/v4`. Its lifespan ends the streams of events; so does `scope["state"]["stopping"]`, where there is one."""
    context = Context(service)
    feed = Feed(context)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        feed.close()

    app = FastAPI(
        title="Slipway image service",
        version=__version__,
        summary="Recipes, images, keys, jobs and their artifacts",
        description=_ABOUT,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        openapi_tags=[{"name": tag} for tag in _TAGS],
        redirect_slashes=False,
        lifespan=lifespan,
    )
    replies = Replies()
    for resource in RESOURCES:
        endpoints.records(app, Endpoints(context, replies, resource), Events(context, feed), resource)
    endpoints.bulk(app, Bulk(context, replies))
    artifacts = Artifacts(context)
    storing.lists(app, Stored(context, artifacts), service.settings)
    storing.artifacts(app, artifacts)
    storing.uploads(app, Uploads(context, artifacts))
    endpoints.tasks(app, Tasks(context))
    endpoints.events(app, Events(context, feed))
    endpoints.description(app)
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(SlipwayError, _error)
    app.add_exception_handler(HTTPException, partial(_http, app))
    app.add_middleware(_Guard)
    # as FastAPI wants it; made when somebody asks, for that takes long
    app.openapi = cache(partial(document, app))  # type: ignore[method-assign]
    app.state.feed = feed
    return app


async def _problem(request: Request, error: Exception) -> Response:
    return problems.answer(cast("ProblemError", error).problem, request.scope)


async def _error(request: Request, error: Exception) -> Response:
    problem = problems.of(cast("SlipwayError", error))
    if problem.status >= 500:
        _LOG.error("%s %s: %s", request.method, request.scope["path"], error)
    return problems.answer(problem, request.scope)


async def _http(app: FastAPI, request: Request, error: Exception) -> Response:
    """What the router finds: no such address, or a method that it does not know."""
    status = cast("HTTPException", error).status_code
    if status == 405:
        allow = {"allow": ", ".join(endpoints.methods(app, request.scope))}
        problem = Problem(405, "this address does not know the method", headers=allow)
    elif status == 404:
        problem = Problem(404, "there is nothing at this address")
    else:
        problem = Problem(status, str(cast("HTTPException", error).detail)[:300])
    return problems.answer(problem, request.scope)


class _Guard:
    """Around all: what nobody expected is a problem too, without what is inside; and streams end when the service does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        root = scope.get("root_path", "")
        path = scope["path"].removeprefix(root)
        if path.startswith(f"{_PREFIX}/"):  # whoever mounts may leave it there, below another prefix too
            root = root.removesuffix(_PREFIX) + _PREFIX
            scope = {**scope, "path": path.removeprefix(_PREFIX), "root_path": root}
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, sent)
        except Exception:
            _LOG.exception("a request failed")
            if begun:
                raise
            await problems.answer(Problem(500, "the service failed"), scope)(scope, receive, send)
