"""Which artifacts an actor may touch: those in the buckets of the service, and of records in its own projects.

Keys name their record (`ID/rootfs`, `recipes/ID/recipe.tar.gz`, also below `deleted/`); what names none belongs to all who build.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from slipway.patterns import pattern
from slipway.service.artifacts.model import check_names
from slipway.service.model import Image, Recipe
from slipway.service.v4.access import anywhere, may
from slipway.service.v4.problems import missing, refused

if TYPE_CHECKING:
    from slipway.service.auth.roles import Verb
    from slipway.service.model import Actor, Record
    from slipway.service.records.store import Records
    from slipway.service.state import Service

_ID: Final = pattern(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def need_bucket(service: Service, bucket: str, key: str) -> None:
    """404 for other buckets, 422 for what cannot be a key."""
    if bucket not in (service.settings.recipes_bucket, service.settings.images_bucket):
        raise missing("bucket", bucket)
    check_names(bucket, key)


def need_key(service: Service, actor: Actor, verb: Verb, key: str) -> None:
    """403 unless the actor may do that in the project that the key belongs to; 404 where it may not even look. Asks the database."""
    if may(actor, verb, "*"):
        return
    record = owner(service.records, key)
    if record is not None and not may(actor, "read", record.project):
        raise missing("artifact", key)
    if not (may(actor, verb, record.project) if record is not None else anywhere(actor, verb)):
        raise refused(403, f"your roles do not let you {verb} this")


def owner(records: Records, key: str) -> Record | None:
    """The record that the key names."""
    for part in key.split("/")[:4]:
        if not _ID.fullmatch(part):
            continue
        for kind in (Image, Recipe):
            found = records.get(kind, part) or records.get(kind, part, gone=True)
            if found is not None:
                return found
    return None
