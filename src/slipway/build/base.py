"""A base image that exists already, in a registry or an OCI layout.

    {cache}/resolved/base-<key>.json      which image a name in a registry meant, and when that was asked

Of a registry's image only manifest and configuration are fetched (`slipway.build.basedocuments`); what is in it is read
when somebody must know (`slipway.build.basecontents`).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from slipway.build.basecontents import Contents, located
from slipway.build.basedocuments import read_documents, recall, remember
from slipway.errors import FetchError, LockError, VerifyError
from slipway.files import read_json, write_json
from slipway.oci.digest import Digest, key_of
from slipway.recipe.model import LayoutBase

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slipway.build.basedocuments import Documents
    from slipway.build.basefacts import Facts
    from slipway.build.model import Options
    from slipway.events import Reporter
    from slipway.oci.store import Descriptor, Store
    from slipway.recipe.model import Platform, RegistryBase
    from slipway.registry.reference import Reference
    from slipway.settings import Settings

_FORMAT = 1  # of remembered answers; part of their key


@dataclass(frozen=True)
class BaseImage:
    """One platform's image to build on. `name` is its full reference, or `oci:DIRECTORY`; `layers` have OCI's media types."""

    name: str
    manifest: Descriptor
    config: Mapping[str, Any]
    layers: tuple[Descriptor, ...]
    contents: Contents

    @cached_property
    def facts(self) -> Facts:
        """What is in it; `Contents.facts` says what that may take."""
        return self.contents.facts()


def open_base(
    base: LayoutBase | RegistryBase,
    platform: Platform,
    store: Store,
    settings: Settings,
    reporter: Reporter,
    options: Options,
    *,
    digest: str = "",
) -> BaseImage:
    """The image that `base` names for `platform`; with `digest` exactly the one with that manifest.

    What a tag means is remembered for `settings.max_age` seconds. Errors know their place in the recipe: `UsageError`
    when there is no such image, `FetchError` when the registry cannot be asked, `InputError` when the image contradicts
    itself, `LockError` when a layout holds another image than `digest`, `NotYetError` for layers of unknown kinds.
    """
    with located(base.where):
        if isinstance(base, LayoutBase):
            name = f"oci:{base.path.name}"
            found = _in_layout(base, name, platform, store, digest)
        else:
            from slipway.registry.reference import parse

            reference = parse(base.reference)
            name = str(reference)
            found = _in_registry(reference, platform, store, settings, reporter, options, digest)
    contents = Contents(name, found, store, settings, reporter, options, base.where)
    return BaseImage(name, found.manifest, found.config, found.layers, contents)


def _in_layout(base: LayoutBase, name: str, platform: Platform, store: Store, digest: str) -> Documents:
    from slipway.oci.layout import import_layout

    manifest = import_layout(base.path, base.tag, str(platform), store)
    if digest and manifest.digest != digest:
        raise LockError(
            f"the image in {base.path} is another one than the lock says",
            details=f"locked: {digest}\nthere: {manifest.digest}",
            hint="bring that image back, or take this one with `slipway lock --upgrade`",
        )
    return read_documents(store, manifest, name, platform)


def _in_registry(
    reference: Reference,
    platform: Platform,
    store: Store,
    settings: Settings,
    reporter: Reporter,
    options: Options,
    digest: str,
) -> Documents:
    now = time.time() if options.now is None else options.now
    memory = settings.cache / "resolved" / f"base-{_key(reference, platform, settings)}.json"
    answer = _answer(memory)
    if not digest and answer and _valid(answer, reference, settings, options, now):
        digest = answer["digest"]
    if digest and (known := recall(settings, Digest(digest))):
        _note_origins(store, known, reference)
        return known
    from slipway.registry.pull import pull

    wanted = reference.at(digest) if digest else reference
    try:
        manifest = pull(wanted, str(platform), store, settings, reporter, blobs=False)
    except VerifyError:
        raise
    except FetchError as error:
        if answer and not digest:
            error.hint = _hint(error.hint, now - answer["asked"])
        raise
    found = read_documents(store, manifest, str(reference), platform)
    remember(settings, found)
    if not digest:
        write_json(memory, {"asked": now, "digest": manifest.digest})
    return found


def _key(reference: Reference, platform: Platform, settings: Settings) -> str:
    return key_of(_FORMAT, str(reference), str(platform), settings.registry_mirror)


def _answer(memory: Path) -> dict[str, Any] | None:
    answer = read_json(memory)
    return answer if isinstance(answer, dict) else None


def _valid(
    answer: Mapping[str, Any], reference: Reference, settings: Settings, options: Options, now: float
) -> bool:
    """Whether an answer is young enough; a name that has a digest in it always means the same."""
    young = 0 <= now - answer["asked"] < settings.max_age
    return bool(reference.digest) or (young and not options.refresh)


def _note_origins(store: Store, known: Documents, reference: Reference) -> None:
    """The store may have been swept, or be another one, since the image was asked for."""
    from slipway.oci.origins import note_origin

    for layer in known.layers:
        note_origin(store, layer.digest, reference.name)


def _hint(hint: str, age: float) -> str:
    """`age` of the remembered answer in seconds."""
    use = (
        f"an answer from {age / 86400:.1f} days ago is remembered: "
        f"SLIPWAY_MAX_AGE={int(max(age, 0) * 1.2) + 3600} would use it"
    )
    return f"{use}; {hint}" if hint else use
