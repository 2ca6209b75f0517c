"""A workspace in the making: sources on the disk, and the fragments of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from slipway.build.installation import records, views, written
from slipway.build.resolve import Inputs
from slipway.errors import Where
from slipway.events import Note, Reporter
from slipway.inputs.local import pin_local
from slipway.inputs.pinned import file_fragment
from slipway.inputs.repository import PinnedRepository
from slipway.oci import compress
from slipway.oci.fragment import FragmentCache
from slipway.recipe import load
from slipway.recipe.model import FileItem, Platform, Repository
from slipway.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.build.installation.views import View
    from slipway.events import Event
    from slipway.inputs.pinned import PinnedFile
    from slipway.oci.fragment import Fragment
    from slipway.recipe.model import Recipe

HERE = Where("image.yaml", 1, 1)
COMMIT = hashlib.sha1(b"", usedforsecurity=False).hexdigest()


@dataclass
class Desk:
    root: Path
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / "src").mkdir(parents=True, exist_ok=True)
        self.settings = Settings(store=self.root / "store", cache=self.root / "cache")
        self.cache = FragmentCache(self.root / "fragments", compress.get("gzip"))
        self.reporter = Reporter(self.events.append)

    @property
    def warnings(self) -> list[str]:
        return [e.text for e in self.events if isinstance(e, Note)]

    def write(self, **files: str) -> None:
        """Files of the recipe's directory; `__` stands for a slash and `_DOT_` for a dot."""
        for name, text in files.items():
            path = self.root / "src" / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def pin(self, *names: str) -> tuple[PinnedFile, ...]:
        items = (FileItem(name, name, HERE) for name in names)
        return tuple(pin_local(item, self.root / "src", self.settings) for item in items)

    def recipe(self, text: str) -> Recipe:
        return load(self.root / "src" / "image.yaml", text)

    def repository(self, name: str, **more: Any) -> PinnedRepository:
        (tree,) = self.pin(name)
        return PinnedRepository(name, f"https://example.org/{name}", COMMIT, tree, **more)

    def inputs(
        self,
        recipe: Recipe,
        files: tuple[PinnedFile, ...] = (),
        repositories: tuple[PinnedRepository, ...] = (),
    ) -> Inputs:
        return Inputs(recipe, Platform("amd64"), None, None, None, None, files, repositories=repositories)

    def fragments(self, *pinned: PinnedFile) -> list[Fragment]:
        return [file_fragment(self.cache, item, "pyats") for item in pinned]

    def view(self, *names: str) -> View:
        return views.of_fragments(self.fragments(*self.pin(*names)), "pyats")

    def records(self, inputs: Inputs) -> dict[str, str]:
        """The files below `installation/`."""
        trees = (r.tree for r in inputs.repositories)
        told = records.fragment(self.cache, inputs, self.fragments(*inputs.files, *trees), self.reporter)
        return {
            entry.path.removeprefix("pyats/installation/"): content.decode()
            for made in (written.fragment(self.cache, inputs.recipe), told)
            for entry, content in made.members()
        }


def repository(dest: str, **more: Any) -> Repository:
    return Repository(dest, f"https://example.org/{dest}", HERE, **more)
