"""What the tests of push, pull and lazy layers share: what a registry was asked, and stores to compare."""

from __future__ import annotations

import re
import shutil
import time
import urllib.error
import urllib.request
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from slipway.oci.reader import every_blob
from tests.images.making import Maker

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.oci.digest import Digest
    from slipway.oci.store import Descriptor, Store
    from tests.registry.real import RealRegistry

_LINE = re.compile(r'"(GET|HEAD|POST|PUT|PATCH|DELETE) (\S+) HTTP/1\.1" (\d+)')


class Asked(NamedTuple):
    method: str
    path: str
    status: int


def asked(registry: RealRegistry, repository: str) -> list[Asked]:
    """All requests about a repository so far, in the order in which they ended (from the registry's access log)."""
    marker = f"/v2/{time.monotonic_ns()}/tags/list"
    with suppress(urllib.error.URLError):
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"http://{registry.host}{marker}")
    log = registry.root / "log"
    for _ in range(200):
        text = log.read_text()
        if f"GET {marker}" in text:
            break
        time.sleep(0.01)
    lines = [Asked(m[1], m[2], int(m[3])) for m in _LINE.finditer(text)]
    return [line for line in lines if line.path.startswith(f"/v2/{repository}/")]


def since(before: list[Asked], after: list[Asked]) -> list[tuple[str, str]]:
    return [(a.method, a.path.partition("?")[0]) for a in after[len(before) :]]


def copy(maker: Maker, root: Path, *without: str) -> Maker:
    """The same store elsewhere, but for some directories."""
    shutil.copytree(maker.store.root, root / "store", ignore=lambda _, names: set(without) & set(names))
    return Maker(root)


def contents(store: Store, image: Descriptor) -> dict[Digest, bytes]:
    return {digest: store.read(digest) for digest in every_blob(store, image)}
