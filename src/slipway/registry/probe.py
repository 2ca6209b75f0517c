"""What a tag means in a registry, asked with the least there is: one HEAD, before anything heavy is imported.

Most pushes and pulls find that nothing has changed. The question goes over a `slipway.registry.wire`, and every answer
but a plain one is left to `slipway.registry.session`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.oci import digest as dg
from slipway.oci.reader import INDEX_TYPES, MANIFEST_TYPES
from slipway.registry.wire import OddError, open_wire

if TYPE_CHECKING:
    from slipway.registry.reference import Reference
    from slipway.registry.wire import Wire
    from slipway.settings import Settings


def digest_of(reference: Reference, settings: Settings, login: tuple[str, str] | None = None) -> str | None:
    """The digest of what has the reference's tag (or digest) now; empty when nothing has; None when this takes more to tell.

    Errors of the network are not raised: the session will meet them again.
    """
    with open_wire(reference, settings, login) as wire:
        return look(wire) if wire else None


def look(wire: Wire) -> str | None:
    """`digest_of` on a connection that is at hand."""
    accepted = {"Accept": ", ".join((*MANIFEST_TYPES, *INDEX_TYPES))}
    try:
        reply = wire.ask("HEAD", wire.path(f"manifests/{wire.reference.target}"), accepted)
        if reply.status == 404:
            return ""
        return dg.parse(reply.headers.get("docker-content-digest", "")) if reply.status == 200 else None
    except (OSError, UnicodeError, ValueError, OddError):
        # an error of TLS is an OSError, a host name that is none a UnicodeError, a digest that is none a ValueError
        return None
