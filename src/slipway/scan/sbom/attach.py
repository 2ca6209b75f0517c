"""Bills of materials attached to images in the store, as artifacts that refer to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway import __version__
from slipway.oci.reader import manifests
from slipway.oci.referrer import attach, referrers
from slipway.scan.sbom.write import FORMATS, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slipway.events import Reporter
    from slipway.oci.referrer import Referrer
    from slipway.oci.store import Descriptor, Store
    from slipway.settings import Settings

_CREATED = "org.opencontainers.image.created"
_VERSION = "slipway.version"  # of whoever wrote a complete one: another release may know more


def attach_sboms(
    store: Store, image: Descriptor, forms: Iterable[str], settings: Settings, reporter: Reporter
) -> tuple[Referrer, ...]:
    """Attach a document of each of `forms` (`slipway.scan.sbom.write.FORMATS`) to each platform's manifest of the image.

    The same image gets the same documents: they name it by its digest, and their time is its own. One that this release has
    made before, and that is complete, is not made again. Hold `store.shared()` meanwhile.
    """
    return tuple(
        _attached(store, manifest, form, settings, reporter)
        for manifest in manifests(store, image)
        if not manifest.platform.startswith("unknown")  # attestations
        for form in forms
    )


def _attached(
    store: Store, manifest: Descriptor, form: str, settings: Settings, reporter: Reporter
) -> Referrer:
    kind = FORMATS[form]
    for known in referrers(store, manifest.digest):
        same = known.artifact_type == kind.media_type and known.annotations.get(_VERSION) == __version__
        # what was pulled may say so, too
        if same and not known.source and store.has(known.manifest.digest):
            return known
    from slipway.scan.inventory.api import of_image

    with reporter.step("bill of materials", form) as step:
        inventory = of_image(manifest.digest, manifest, settings, reporter)
        for text in inventory.unread:
            reporter.warn(text)
        told = {_CREATED: inventory.created} if inventory.created else {}
        told |= {} if inventory.unread else {_VERSION: __version__}
        made = attach(
            store,
            manifest,
            kind.media_type,
            written(inventory, form),
            title=f"sbom{kind.ending}",
            annotations=told,
        )
        step.detail = f"{form}, {len(inventory.components)} packages"
    return made
