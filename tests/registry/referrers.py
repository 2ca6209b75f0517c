"""A registry on loopback that lists referrers itself, as the distribution project's third version and others do."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

from slipway.oci.store import INDEX_TYPE
from tests.registry.faults import FaultRegistry, RegistryHandler, sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFERRERS = re.compile(r"/v2/(?P<repo>[a-z0-9/._-]+)/referrers/(?P<digest>sha256:[0-9a-f]{64})\Z")


class ApiHandler(RegistryHandler):
    """One entry on each page."""

    def dispatch(self) -> None:
        if self.allowed() and (found := _REFERRERS.match(urlsplit(self.path).path)):
            self.referrers(found["repo"], found["digest"])
        else:
            super().dispatch()

    def referrers(self, repo: str, digest: str) -> None:
        rows = []
        for (where, reference), (data, kind) in sorted(self.server.manifests.items()):
            manifest = json.loads(data)
            if where == repo and reference == sha256(data) and _subject(manifest) == digest:
                row = {"mediaType": kind, "digest": reference, "size": len(data)}
                row["artifactType"] = manifest.get("artifactType") or manifest["config"]["mediaType"]
                rows.append(row | {"annotations": manifest.get("annotations", {})})
        start = int(parse_qs(urlsplit(self.path).query).get("last", ["0"])[0])
        page = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": rows[start : start + 1]}
        headers = {"Content-Type": INDEX_TYPE}
        if start + 1 < len(rows):
            headers["Link"] = f'</v2/{repo}/referrers/{digest}?last={start + 1}>; rel="next"'
        self.reply(200, json.dumps(page).encode(), headers)

    def reply(self, status: int, data: bytes = b"", headers: dict[str, str] | None = None) -> None:
        if self.command == "PUT" and status == 201 and "/manifests/" in self.path:
            said = (headers or {}).get("Docker-Content-Digest", "")
            stored = next((d for (_, r), (d, _) in self.server.manifests.items() if r == said), b"{}")
            if subject := _subject(json.loads(stored)):
                headers = {**(headers or {}), "OCI-Subject": subject}
        super().reply(status, data, headers)


class CarefulHandler(RegistryHandler):
    """Knows nothing of referrers, and changes a tag only for those who have seen what it means (RFC 9110: If-Match)."""

    def manifest(self, repo: str, ref: str) -> None:
        there = self.server.manifests.get((repo, ref))
        wanted = self.headers.get("If-Match")
        if self.command == "PUT" and wanted and (not there or wanted != f'"{sha256(there[0])}"'):
            self.body()
            self.refuse(412, "DENIED", "somebody else was faster")
            return
        super().manifest(repo, ref)

    def reply(self, status: int, data: bytes = b"", headers: dict[str, str] | None = None) -> None:
        if self.command == "GET" and status == 200 and "/manifests/" in self.path:
            headers = {**(headers or {}), "ETag": f'"{sha256(data)}"'}
        super().reply(status, data, headers)


def _subject(manifest: Any) -> str:
    subject = manifest.get("subject") or {}
    return str(subject.get("digest", ""))


@contextmanager
def registry_with(handler: type[RegistryHandler]) -> Iterator[FaultRegistry]:
    registry = FaultRegistry()
    registry.RequestHandlerClass = cast("Any", handler)
    try:
        yield registry
    finally:
        registry.stop()
