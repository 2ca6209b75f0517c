"""Send what is attached to an image after it: the artifacts, and where the registry keeps no list of them, the list."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from slipway.oci.origins import note_origin, origins
from slipway.oci.reader import every_blob
from slipway.oci.referrer import attached
from slipway.registry.probe import digest_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.events import Reporter
    from slipway.oci.digest import Digest
    from slipway.oci.referrer import Referrer
    from slipway.oci.store import Descriptor, Store
    from slipway.registry.reference import Reference
    from slipway.settings import Settings


def push_referrers(
    store: Store,
    image: Descriptor,
    reference: Reference,
    settings: Settings,
    reporter: Reporter,
    *,
    login: tuple[str, str] | None = None,
) -> int:
    """Send all that is attached to any part of `image` to the repository of `reference`; how many had to be sent.

    What was sent before and is there still is only asked for; so is the list that clients keep of it, if there is one: others
    may have replaced it. `FetchError` as of a push.
    """
    with store.shared():
        there = attached(store, image)
        wanted = [
            referrer
            for referrer in there
            if reference.name not in origins(store, referrer.manifest.digest)
            or digest_of(reference.at(referrer.manifest.digest), settings, login) != referrer.manifest.digest
        ]
        sent = [referrer for referrer in there if referrer not in wanted]
        subjects = {s for s in {r.subject for r in sent} if _has_list(s, reference, settings, login)}
        listed = [referrer for referrer in sent if referrer.subject in subjects]
        if wanted or listed:
            _send(store, wanted, listed, reference, settings, reporter, login)
    return len(wanted)


def _has_list(
    subject: Digest, reference: Reference, settings: Settings, login: tuple[str, str] | None
) -> bool:
    from slipway.registry.referrers import fallback_tag

    place = replace(reference, tag=fallback_tag(subject), digest="")
    return digest_of(place, settings, login) != ""


def _send(
    store: Store,
    wanted: Sequence[Referrer],
    listed: Sequence[Referrer],
    reference: Reference,
    settings: Settings,
    reporter: Reporter,
    login: tuple[str, str] | None,
) -> None:
    from slipway.registry.push import Delivery
    from slipway.registry.referrers import add_referrers
    from slipway.registry.session import open_session

    unlisted: dict[Digest, list[Referrer]] = defaultdict(list)
    for referrer in listed:
        unlisted[referrer.subject].append(referrer)
    with (
        reporter.step("push attached", reference.name, unit="bytes") as step,
        open_session(reference, settings, reporter, push=True, login=login) as session,
    ):
        for referrer in wanted:
            manifest = referrer.manifest
            blobs = [blob for blob in every_blob(store, manifest).values() if blob != manifest]
            Delivery(store, session, settings, reporter, step).provide(blobs)
            known = session.put_manifest(manifest.digest, store.read(manifest.digest), manifest.media_type)
            if known != referrer.subject:
                unlisted[referrer.subject].append(referrer)
        for subject, referrers in unlisted.items():
            add_referrers(session, subject, referrers)
        # noted last: what was cut off before is sent again
        for referrer in wanted:
            note_origin(store, referrer.manifest.digest, reference.name)
