"""Prove an image: build it again from the lock in its configuration, and compare."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.errors import UsageError
from slipway.images.verify_compare import Comparison
from slipway.images.verify_model import NotReproducedError, Verified
from slipway.images.verify_rebuild import rebuild, scratch
from slipway.lock.kept import lock_of
from slipway.oci.layerindex import verified
from slipway.oci.reader import manifests, read_image, select
from slipway.oci.store import Store

if TYPE_CHECKING:
    from slipway.events import Reporter
    from slipway.images.verify_model import Difference, Outcome
    from slipway.images.verify_rebuild import Scratch
    from slipway.lock.model import Lock, LockedFile
    from slipway.oci.reader import Image
    from slipway.oci.store import Descriptor
    from slipway.recipe.model import Recipe
    from slipway.settings import Settings

__all__ = ["NotReproducedError", "Verified", "verify"]


def verify(
    name: str,
    settings: Settings,
    reporter: Reporter,
    *,
    platform: str = "",
    source: Path | None = None,
) -> tuple[Verified, ...]:
    """Whether the image is what its lock makes: an outcome for each of its platforms, or for `platform`.

    `name` is an image in the store, or else one in a registry, with a `/` in its name, which is brought for the time of this. Local files of the
    recipe are taken from the image, checked against the lock, or with `source` from that directory. Besides disk for one
    more image nothing is left behind or changed. `UsageError` when there is no such image, or it carries no lock; what
    the image is not, is an outcome and no error.
    """
    store = Store(settings.store)
    with ExitStack() as stack:
        place = stack.enter_context(scratch(settings))
        stack.enter_context(store.shared())
        store, image = _find(name, platform, store, place, settings, reporter)
        shown = image.name or name
        if platform:
            wanted = [select(store, image, platform)]
        else:
            # what says it is for no platform are attestations
            wanted = [m for m in manifests(store, image) if not m.platform.startswith("unknown")]
        return tuple(
            _One(store, read_image(store, m), shown, place, settings, reporter, source).verify()
            for m in wanted
        )


def _find(
    name: str, platform: str, store: Store, place: Scratch, settings: Settings, reporter: Reporter
) -> tuple[Store, Descriptor]:
    """The image, and the store in which it is."""
    try:
        return store, store.find(name)
    except UsageError:
        if "/" not in name:  # a bare name is one of the store, perhaps misspelt
            raise
        from slipway.registry.pull import pull
        from slipway.registry.reference import parse

        reference = parse(name)
        pulled = Store(place.directory / "pulled")
        return pulled, pull(reference, platform or None, pulled, settings, reporter)


class _One:
    """The image of one platform."""

    def __init__(
        self,
        store: Store,
        image: Image,
        name: str,
        place: Scratch,
        settings: Settings,
        reporter: Reporter,
        source: Path | None,
    ) -> None:
        self._store = store
        self._image = image
        self._name = name
        self._place = place
        self._settings = settings
        self._reporter = reporter
        self._source = source

    def verify(self) -> Verified:
        started = time.monotonic()
        lock = self._lock()
        recipe = self._recipe(lock)
        self._check_blobs()
        places, differences = self._files(recipe, lock)
        if differences:
            done = self._outcome("different", "", differences=tuple(differences))
        else:
            manifest = rebuild(recipe, lock, places, self._place.settings, self._reporter)
            done = self._compare(manifest)
        return replace(done, from_image=len(places), seconds=time.monotonic() - started)

    def _lock(self) -> Lock:
        lock = lock_of(self._image.config)
        if lock is None or len(lock.platforms) != 1:
            raise UsageError(
                f"{self._name} carries no lock, so nobody can tell what it should be",
                hint="images that Slipway builds do; those of other tools, and changed copies, do not",
            )
        return lock

    def _recipe(self, lock: Lock) -> Recipe:
        from slipway.recipe.checks import platform
        from slipway.recipe.plain import from_data

        recipe = from_data(lock.recipe, (self._source or Path.cwd()).absolute())
        return replace(
            recipe,
            platforms=(platform(lock.platforms[0].platform),),
            text=self._text(recipe.workspace),
        )

    def _text(self, workspace: str) -> str:
        """The recipe as it was written: of that the image itself is the only witness."""
        from slipway.build.installation.model import FOLDER
        from slipway.oci.layerindex import read_files

        if (layer := self._layer("installation")) is None:
            return ""
        self._bring(self._store, layer)
        place = f"{workspace.strip('/')}/{FOLDER}/build.yaml"
        return read_files(self._store, [layer], [place]).get(place, b"").decode(errors="replace")

    def _layer(self, name: str) -> Descriptor | None:
        """The layer that was made under this name; the history tells, from the end (a base image's may have gaps)."""
        made = [row for row in self._image.config.get("history") or () if not row.get("empty_layer")]
        pairs = zip(reversed(made), reversed(self._image.blobs), strict=False)
        return next((blob for row, blob in pairs if row.get("created_by") == f"slipway: {name}"), None)

    def _check_blobs(self) -> None:
        """What is here of the image is what its manifest says (`StoreError` otherwise)."""
        here = [blob for blob in self._image.blobs if self._store.has(blob.digest)]
        total = sum(blob.size for blob in here)
        with self._reporter.step("check", f"{len(here)} layers", total=total, unit="bytes") as step:
            for blob in here:
                for piece in verified(self._store, blob):
                    step.advance(len(piece))

    def _files(self, recipe: Recipe, lock: Lock) -> tuple[dict[str, Path], list[Difference]]:
        """Where the local files of the recipe were put, by destination, or why they cannot be taken from the image."""
        from slipway.images.verify_files import take_files
        from slipway.inputs.address import is_remote

        local: list[LockedFile] = [f for f in lock.platforms[0].files if not is_remote(f.source)]
        if self._source is not None or not local:
            return {}, []
        layer = self._layer("workspace") or self._image.blobs[-1]
        self._bring(self._store, layer)
        directory = self._place.directory / "files" / self._image.manifest.digest
        directory.mkdir(parents=True)
        others = [f.dest for f in lock.platforms[0].files if is_remote(f.source)]
        others += [r.dest for r in lock.platforms[0].repositories]
        paths, differences = take_files(self._store, layer, local, recipe.workspace, directory, others)
        return {file.dest: path for file, path in zip(local, paths, strict=True)}, differences

    def _compare(self, manifest: Descriptor) -> Verified:
        if manifest.digest == self._image.manifest.digest:
            return self._outcome("verified", manifest.digest)
        made = Store(self._place.settings.store)
        record = made.build_record(manifest.digest) or {}
        found = Comparison(
            (self._store, self._image),
            (made, read_image(made, manifest)),
            [row["name"] for row in record.get("layers", ())],
            self._bring,
        )
        outcome: Outcome = "different" if found.differences else "repackaged"
        return self._outcome(
            outcome,
            manifest.digest,
            packaging=tuple(found.packaging),
            differences=tuple(found.differences),
        )

    def _outcome(
        self,
        outcome: Outcome,
        rebuilt: str,
        *,
        packaging: tuple[str, ...] = (),
        differences: tuple[Difference, ...] = (),
    ) -> Verified:
        return Verified(
            image=self._name,
            platform=self._image.platform,
            digest=self._image.manifest.digest,
            rebuilt=rebuilt,
            outcome=outcome,
            packaging=packaging,
            differences=differences,
        )

    def _bring(self, store: Store, layer: Descriptor) -> None:
        """Layers of a base image may still be where it came from."""
        if not store.has(layer.digest):
            from slipway.registry.lazy import fetch

            fetch(store, [layer], self._settings, self._reporter)
