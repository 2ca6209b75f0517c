"""Metrics in the text format of Prometheus: requests by route, records, tasks, and whether the database answers."""

from __future__ import annotations

import asyncio
from collections import Counter as Count
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from slipway import __version__
from slipway.service.asgi import answer
from slipway.service.records.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.asgi import Receive, Scope, Send
    from slipway.service.state import Service

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
_FRESH: Final = 10.0  # seconds for which counts are good
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Parts of paths that are told apart. All others are names that callers chose, of which there can be any number.
_WORDS: Final = frozenset(
    [
        "apis",
        "ims",
        "v2",
        "v3",
        "v4",
        "images",
        "recipes",
        "public-keys",
        "jobs",
        "deleted",
        "remote-build-nodes",
        "nodes",
        "status",
        "uploads",
        "parts",
        "artifacts",
        "events",
        "tasks",
        "bulk",
        "audit",
        "openapi.json",
        "version",
        "healthz",
        "live",
        "ready",
        "metrics",
        "docs",
    ]
)


def route(path: str) -> str:
    """The path with `{}` for every part that is not one of the API's words; `other` when none is."""
    parts = path.split("/")[1:9]
    if not parts or parts[0] not in _WORDS:  # `OPTIONS *` has no slash
        return "other"
    return "/" + "/".join(part if part in _WORDS else "{}" for part in parts)


class Metrics:
    """The requests of one application, and what a service has."""

    def __init__(self, service: Service | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each, which nobody asks for
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        if service is not None:
            self._registry.register(_Kept(service))
        labels = ("method", "route", "status")
        self._count = Counter(
            "slipway_requests", "Requests that were answered", labels, registry=self._registry
        )
        self._seconds = Histogram(
            "slipway_request_seconds",
            "How long answers took",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        Gauge("slipway_info", "The release", ("version",), registry=self._registry).labels(__version__).set(1)
        self._known: dict[tuple[str, str, int], tuple[Any, Any]] = {}

    def observe(self, method: str, path: str, status: int, seconds: float) -> None:
        key = (method if method in _METHODS else "other", route(path), status)
        if key not in self._known:
            shown = (key[0], key[1])
            self._known[key] = self._count.labels(*shown, str(status)), self._seconds.labels(*shown)
        count, histogram = self._known[key]
        count.inc()
        histogram.observe(seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        text = await asyncio.to_thread(generate_latest, self._registry)
        await answer(scope, send, text, content_type=b"text/plain; version=0.0.4; charset=utf-8")


class _Kept:
    """Counted when somebody asks, and not again for some seconds."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._told = -_FRESH
        self._families: list[GaugeMetricFamily] = []

    def describe(self) -> list[GaugeMetricFamily]:
        return []  # nothing is counted when it is registered

    def collect(self) -> Iterator[GaugeMetricFamily]:
        if monotonic() - self._told >= _FRESH:
            self._families = list(self._count())
            self._told = monotonic()
        yield from self._families

    def _count(self) -> Iterator[GaugeMetricFamily]:
        up = GaugeMetricFamily("slipway_database_up", "Whether the database answers")
        records = GaugeMetricFamily("slipway_records", "Records by kind and state", labels=("kind", "state"))
        tasks = GaugeMetricFamily(
            "slipway_tasks", "Moves of objects by what has become of them", labels=("verb", "status")
        )
        try:
            for (kind, state), number in self._service.records.counts().items():
                records.add_metric((kind, state), number)
            moves = Count((task.verb, task.status) for task in self._service.deletion.tasks())
            for (verb, status), number in moves.items():
                tasks.add_metric((verb, status), number)
            up.add_metric((), 1)
        except DatabaseError:
            up.add_metric((), 0)
        yield from (up, records, tasks)
