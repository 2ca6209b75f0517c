"""Trees of files to scan. Secrets in them are put together when the tests run: no file of this project holds one."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slipway.events import Reporter
from slipway.scan.source.api import scan
from slipway.scan.source.content import Content
from slipway.scan.source.model import Asked
from tests.scan.advisories.kit import NOW, settings_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.scan.source.model import SourceResult
    from slipway.settings import Settings

OWN = ("syntax", "secrets")  # checks that need nothing else


def write(root: Path, files: Mapping[str, str | bytes]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", "-C", root, *words], check=True, capture_output=True)


def content(name: str, text: str | bytes) -> Content:
    return Content(name, text if isinstance(text, bytes) else text.encode())


def look(
    root: Path,
    *only: str,
    settings: Settings | None = None,
    paths: tuple[Path, ...] = (),
    now: float = NOW,
    **asked: Any,
) -> SourceResult:
    settings = settings or settings_in(root.parent / "home")
    return scan(paths or (root,), settings, Reporter(), Asked(only=only or OWN, **asked), now=now)[0]


def rows(result: SourceResult) -> list[tuple[str, str, int]]:
    return [(each.rule, each.path, each.line) for each in result.results]


def gaps(result: SourceResult) -> list[tuple[str, str, str]]:
    return [(each.check, each.rule, each.path) for each in result.gaps]
