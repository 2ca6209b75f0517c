"""Which artifacts an actor may touch: those in the buckets of the service, and of records in its own projects.

Keys name their record (`ID/rootfs`, `recipes/ID/recipe.tar.gz`, also below `deleted/`); what names none belongs to all who build,
and is listed only for those who may do that in all projects, or see a record that links to it: nobody finds it by looking around.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.service.artifacts.model import check_names
from slipway.service.auth.roles import allowed
from slipway.service.records.naming import owner
from slipway.service.v4.access import anywhere
from slipway.service.v4.problems import missing, refused

if TYPE_CHECKING:
    from slipway.service.auth.roles import Verb
    from slipway.service.model import Actor
    from slipway.service.state import Service


def need_bucket(service: Service, bucket: str, key: str) -> None:
    """404 for other buckets, 422 for what cannot be a key."""
    if bucket not in (service.settings.recipes_bucket, service.settings.images_bucket):
        raise missing("bucket", bucket)
    check_names(bucket, key)


def need_key(service: Service, actor: Actor, verb: Verb, key: str) -> None:
    """403 unless the actor may do that in the project that the key belongs to; 404 where it may not even look. Asks the database."""
    if allowed(actor, verb, "*"):
        return
    record = owner(service.records, key)
    if record is not None and not allowed(actor, "read", record.project):
        raise missing("artifact", key)
    if not (allowed(actor, verb, record.project) if record is not None else anywhere(actor, verb)):
        raise refused(403, f"your roles do not let you {verb} this")
