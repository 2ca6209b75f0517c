"""The contents of a base image: read only when somebody must know them, and remembered then.

    {cache}/bases/<manifest hex>.facts.json     `slipway.build.basefacts.Facts` of that image

What is remembered stays true for ever, as a manifest's digest stands for every byte of its layers. So an image can be
built on a base whose layers are not here; they are fetched only to look into them for the first time.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from slipway.errors import SlipwayError, UsageError
from slipway.files import read_json, write_json
from slipway.oci.digest import hex_of
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.build.basedocuments import Documents
    from slipway.build.basefacts import Facts
    from slipway.build.model import Options
    from slipway.errors import Where
    from slipway.events import Reporter
    from slipway.oci.store import Descriptor, Store
    from slipway.settings import Settings

_FORMAT = 2  # of what is remembered


class LayersNeededError(UsageError):
    """Raised instead of fetching layers, when only a plan is made."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(
            f"what is in the base image {contents.name} is not known before its layers are fetched",
            hint="a build fetches them, and so does `slipway image pull`",
            where=contents.where,
        )
        self.contents = contents


@value
class Contents:
    """One platform's base image and what it takes to look into it; `where` is its place in the recipe."""

    name: str
    documents: Documents
    store: Store
    settings: Settings
    reporter: Reporter
    options: Options
    where: Where | None

    def absent(self) -> tuple[Descriptor, ...]:
        """The layers that have to be fetched before the contents are known."""
        if self._remembered() is not None:
            return ()
        return tuple(layer for layer in self.documents.layers if not self.store.has(layer.digest))

    def to_be_read(self) -> bool:
        """Whether `facts` will read the layers."""
        return self.options.fetch and self._remembered() is None

    def facts(self) -> Facts:
        """Remembered, or found in the layers, which are fetched for it where they are not here.

        `InputError` when they are not the layers that the configuration names, `LayersNeededError` when they would have to be
        fetched and `options.fetch` is not set.
        """
        from slipway.build.basefacts import Facts

        if (known := self._remembered()) is not None:
            return Facts.from_dict(known)
        with located(self.where):
            facts = self._look()
        write_json(self._memory, {"format": _FORMAT, "facts": facts.as_dict()})
        return facts

    @property
    def _memory(self) -> Path:
        return self.settings.cache / "bases" / f"{hex_of(self.documents.manifest.digest)}.facts.json"

    def _remembered(self) -> dict[str, Any] | None:
        data = None if self.options.no_cache else read_json(self._memory)
        return data["facts"] if isinstance(data, dict) and data.get("format") == _FORMAT else None

    def _look(self) -> Facts:
        from slipway.build.basereading import read_base

        layers = self.documents.layers
        absent = self.absent()
        if absent and not self.options.fetch:
            raise LayersNeededError(self)
        if absent:
            from slipway.registry.lazy import fetch

            fetch(self.store, absent, self.settings, self.reporter)
        if self.options.finished:
            self.options.finished(layers)
        with self.reporter.step("base image", self.name):
            return read_base(self.store, layers, self.documents.config, self.name, self.settings.threads)


@contextmanager
def located(where: Where | None) -> Iterator[None]:
    """Errors in the block know their place in the recipe."""
    try:
        yield
    except SlipwayError as error:
        error.where = error.where or where
        raise
