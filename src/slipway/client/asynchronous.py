"""The image service for asyncio: the same calls, made in threads.

A call that is cancelled goes on in its thread, and its outcome is dropped; what an upload began then is there for `resume`.
"""

from __future__ import annotations

import asyncio
import functools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from slipway.client.client import Client

if TYPE_CHECKING:
    import os
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from slipway.client.artifacts import Artifacts
    from slipway.client.depot import S3Access
    from slipway.client.records import Images, Jobs, Keys, Nodes, Recipes
    from slipway.client.signin import SignIn
    from slipway.events import Reporter
    from slipway.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")

_CALLS = 8  # at once


class _Threads:
    """Makes a call one to be awaited; its parameters stay what they are."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(_CALLS, "service")

    def __call__(self, call: Callable[P, T]) -> Callable[P, Awaitable[T]]:
        @functools.wraps(call)
        async def later(*args: P.args, **named: P.kwargs) -> T:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.pool, functools.partial(call, *args, **named))

        return later


class AsyncKeys:
    def __init__(self, keys: Keys, later: _Threads) -> None:
        self.list, self.get, self.deleted = later(keys.list), later(keys.get), later(keys.deleted)
        self.create, self.delete = later(keys.create), later(keys.delete)
        self.get_deleted, self.undelete = later(keys.get_deleted), later(keys.undelete)
        self.purge = later(keys.purge)


class AsyncRecipes:
    def __init__(self, recipes: Recipes, later: _Threads) -> None:
        self.list, self.get, self.deleted = later(recipes.list), later(recipes.get), later(recipes.deleted)
        self.create, self.patch, self.delete = (
            later(recipes.create),
            later(recipes.patch),
            later(recipes.delete),
        )
        self.get_deleted, self.undelete = later(recipes.get_deleted), later(recipes.undelete)
        self.purge = later(recipes.purge)


class AsyncImages:
    def __init__(self, images: Images, later: _Threads) -> None:
        self.list, self.get, self.deleted = later(images.list), later(images.get), later(images.deleted)
        self.create, self.patch, self.delete = later(images.create), later(images.patch), later(images.delete)
        self.get_deleted, self.undelete = later(images.get_deleted), later(images.undelete)
        self.purge = later(images.purge)


class AsyncJobs:
    def __init__(self, jobs: Jobs, later: _Threads) -> None:
        self.list, self.get = later(jobs.list), later(jobs.get)
        self.create, self.patch, self.delete = later(jobs.create), later(jobs.patch), later(jobs.delete)


class AsyncNodes:
    def __init__(self, nodes: Nodes, later: _Threads) -> None:
        self.list, self.get, self.status = later(nodes.list), later(nodes.get), later(nodes.status)
        self.create, self.delete = later(nodes.create), later(nodes.delete)


class AsyncArtifacts:
    def __init__(self, artifacts: Artifacts, later: _Threads) -> None:
        self.list, self.uploads = later(artifacts.list), later(artifacts.uploads)
        self.abort = later(artifacts.abort)


class AsyncClient:
    """`Client` with every call awaited; use it in `async with`."""

    def __init__(
        self,
        url: str = "",
        *,
        sign_in: SignIn | None = None,
        s3: S3Access | None = None,
        ca: str | os.PathLike[str] = "",
        settings: Settings | None = None,
        reporter: Reporter | None = None,
    ) -> None:
        self._client = Client(url, sign_in=sign_in, s3=s3, ca=ca, settings=settings, reporter=reporter)
        self._later = _Threads()
        self.keys = AsyncKeys(self._client.keys, self._later)
        self.recipes = AsyncRecipes(self._client.recipes, self._later)
        self.images = AsyncImages(self._client.images, self._later)
        self.jobs = AsyncJobs(self._client.jobs, self._later)
        self.nodes = AsyncNodes(self._client.nodes, self._later)
        self.artifacts = AsyncArtifacts(self._client.artifacts, self._later)
        self.upload_image = self._later(self._client.upload_image)
        self.upload_recipe = self._later(self._client.upload_recipe)
        self.read_manifest = self._later(self._client.read_manifest)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._later(self._client.close)()
        self._later.pool.shutdown(wait=False)
