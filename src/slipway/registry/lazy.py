"""Blobs that images refer to and the store lacks: brought from where they are, once their bytes are needed.

A base image in a registry is used by its manifest and configuration alone; its layers stay where they are
(`slipway.oci.origins`) until somebody wants to read them.
"""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from slipway.errors import FetchError, StoreError
from slipway.oci.origins import origins
from slipway.oci.reader import every_blob, select

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slipway.events import Reporter, Step
    from slipway.oci.store import Descriptor, Store
    from slipway.settings import Settings


def ensure(
    store: Store, image: Descriptor, settings: Settings, reporter: Reporter, *, platform: str = ""
) -> None:
    """Bring what the store lacks of an image: of an index everything, or with `platform` that one's image.

    Hold `store.shared()` meanwhile. `StoreError` when nobody is known to have a blob, `FetchError` when nobody
    gives it.
    """
    wanted = select(store, image, platform) if platform else image
    fetch(store, every_blob(store, wanted).values(), settings, reporter)


def fetch(store: Store, blobs: Iterable[Descriptor], settings: Settings, reporter: Reporter) -> None:
    """Bring those of the blobs that the store lacks, as `ensure` does."""
    absent = [blob for blob in blobs if not store.has(blob.digest)]
    if not absent:
        return
    places = {blob.digest: list(origins(store, blob.digest)) for blob in absent}
    for blob in absent:
        if not places[blob.digest]:
            raise StoreError(f"the store lacks the blob {blob.digest}", hint="build or load the image again")
    total = sum(blob.size for blob in absent)
    with reporter.step("fetch", f"{len(absent)} layers", total=total, unit="bytes") as step:
        while absent:
            turn: defaultdict[str, list[Descriptor]] = defaultdict(list)
            for blob in absent:
                turn[places[blob.digest].pop(0)].append(blob)
            absent = []
            for repository, wanted in turn.items():
                for blob, error in _try(store, repository, wanted, settings, reporter, step):
                    if not places[blob.digest]:
                        raise error
                    reporter.log(f"{blob.digest[:19]} is not to be had from {repository}: {error.brief}")
                    absent.append(blob)


def _try(
    store: Store,
    repository: str,
    blobs: Sequence[Descriptor],
    settings: Settings,
    reporter: Reporter,
    step: Step,
) -> list[tuple[Descriptor, FetchError]]:
    """Read blobs from one repository (`registry/repository`); those that did not come, and why."""
    from slipway.inputs.crew import run_all
    from slipway.registry.reference import Reference
    from slipway.registry.session import open_session

    registry, _, path = repository.partition("/")
    failed: list[tuple[Descriptor, FetchError]] = []
    try:
        with open_session(Reference(registry, path), settings, reporter) as session:

            def read(blob: Descriptor) -> None:
                try:
                    session.read_blob(blob, store, step)
                except FetchError as error:
                    failed.append((blob, error))

            largest_first = sorted(blobs, key=lambda blob: -blob.size)
            run_all([partial(read, blob) for blob in largest_first], session.client, settings.threads)
    except FetchError as error:
        return [(blob, error) for blob in blobs]
    return failed
