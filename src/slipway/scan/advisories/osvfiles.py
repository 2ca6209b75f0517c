"""OSV advisories among documents: JSON, or YAML as the PyPA writes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.scan.advisories import fields, osv
from slipway.scan.advisories.documents import YAML, documents

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.scan.model import Advisory


@dataclass
class Source:
    """Where documents are. After reading, `skipped` counts the files that are something else."""

    path: Path
    feed: str
    skipped: int = 0

    def advisories(self) -> Iterator[Advisory]:
        """In order of their paths. `InputError`, naming the file, for what is damaged: one that is left out would not be missed."""
        for place, data in documents(self.path):
            record = _parsed(place, data)
            if not osv.is_advisory(record):
                self.skipped += 1
                continue
            try:
                yield osv.read(record, self.feed)
            except InputError as error:
                raise InputError(f"{place} is not a valid advisory: {error.brief}") from error


def _parsed(place: str, data: bytes) -> Any:
    if not place.endswith(YAML):
        return fields.document(data, place)
    import yaml

    loader = getattr(
        yaml, "CBaseLoader", yaml.BaseLoader
    )  # all values are text, so times stay as they are written
    try:
        return yaml.load(data, loader)  # noqa: S506 - the base loader makes nothing but text, lists and mappings
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{place} is not valid YAML", details=str(error)[:300]) from error
