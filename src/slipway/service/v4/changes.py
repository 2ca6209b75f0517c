"""Changes of records: first all that asks others (in a thread), then one step in a transaction, which may hold several of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from slipway.errors import SlipwayError
from slipway.service import jobs
from slipway.service.auth.roles import allowed
from slipway.service.model import Image, Job, Recipe
from slipway.service.v4 import etags, links, making
from slipway.service.v4.access import need
from slipway.service.v4.bodies import checked
from slipway.service.v4.context import seen
from slipway.service.v4.edits import edited
from slipway.service.v4.problems import at, pointer, refused
from slipway.service.v4.views import plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.service.model import Actor, Record
    from slipway.service.records.tx import Tx
    from slipway.service.v4 import models
    from slipway.service.v4.context import Context
    from slipway.service.v4.resources import Resource


@dataclass(frozen=True, slots=True)
class Change:
    """`apply` is the step in the transaction, and can be done again when it was rolled back.

    `begin` comes before it, when nothing else is known to be wrong: what others do for it, or refuse. `undo` is called when the
    change did not come to be, begun or not. Both may block.
    """

    apply: Callable[[Tx], Record | None]
    undo: Callable[[], None] | None = None
    begin: Callable[[], None] | None = None


def create(context: Context, actor: Actor, model: models.Model, base: str = "#") -> Change:
    made = making.made(context.service, actor, model, context.now(), base)
    return Change(lambda tx: tx.add(made.record, actor), made.undo, made.begin)


def model_of(resource: Resource, body: object, base: str = "#") -> models.Model:
    return checked(resource.create, body, base)


def patch(
    context: Context,
    actor: Actor,
    resource: Resource,
    name: str,
    body: object,
    if_match: str | None,
    base: str = "#",
) -> Change:
    """A merge patch of what clients write of the record."""
    before = context.found(resource, name, actor)
    edited(resource, plain(before), body, base)  # what cannot be meant is told before what does not fit
    etags.expect(if_match, etags.of_record(before))
    wanted = _edited(resource, actor, before, body, base)
    _look(context, actor, before, wanted, base)

    def apply(tx: Tx) -> Record:
        now = seen(resource, name, tx.get(resource.cls, name), actor)
        etags.expect(if_match, etags.of_record(now))
        after = _edited(resource, actor, now, body, base)
        return now if after == now else tx.replace(after, actor)

    if (
        isinstance(wanted, Job)
        and wanted.status in jobs.ENDED
        and wanted.status != getattr(before, "status", "")
    ):
        return Change(apply, begin=lambda: _told(context.service.runner.finished, wanted, "ended"))
    return Change(apply)


def remove(context: Context, actor: Actor, resource: Resource, name: str, if_match: str | None) -> Change:
    """For ever, of kinds that have no artifacts and no way back."""
    before = context.found(resource, name, actor)
    need(actor, "write", before.project)
    etags.expect(if_match, etags.of_record(before))

    def apply(tx: Tx) -> None:
        now = seen(resource, name, tx.get(resource.cls, name), actor)
        etags.expect(if_match, etags.of_record(now))
        tx.remove(now, actor)

    if isinstance(before, Job):
        return Change(apply, begin=lambda: _told(context.service.runner.remove, before, "stopped"))
    return Change(apply)


def _told(runner: Callable[[Job], None], job: Job, what: str) -> None:
    try:
        runner(job)
    except SlipwayError as error:
        raise refused(502, f"the job could not be {what}: {error.brief}", code="runner") from error


def _edited(resource: Resource, actor: Actor, record: Record, body: object, base: str) -> Record:
    """The record with what the patch changes; 403, 409 or 422 when it may not."""
    need(actor, "write", record.project)
    if record.state != "live":
        raise refused(
            409, f"the {resource.name} is {record.state}, and only live ones change", code="deleted"
        )
    values = edited(resource, plain(record), body, base)
    if (project := values.get("project", record.project)) is None:
        raise at(pointer(["project"], base), "this cannot be removed")
    need(actor, "write", project)
    if "owner" in values:
        values["owner"] = values["owner"] or ""
        if values["owner"] != record.owner and not allowed(actor, "purge", record.project):
            raise refused(403, "only administrators give records to others")
    if "link" in values:
        values["link"] = making.link_of(values["link"])
        links.settled(getattr(record, "link", None), values["link"])
    if "template_dictionary" in values:
        values["template_dictionary"] = tuple(values["template_dictionary"].items())
    if isinstance(record, Job):
        _follow(record, values)
    return replace(record, **values)


def _follow(job: Job, values: dict[str, Any]) -> None:
    """409 for a state that cannot come after the job's."""
    status = values.get("status", job.status)
    if status != job.status and status not in jobs.following(job.status):
        allowed = ", ".join(jobs.following(job.status)) or "nothing"
        raise refused(409, f"after {job.status} comes {allowed}", code="order", status_now=job.status)
    image = values.get("resultant_image_id", job.resultant_image_id)
    if job.status in jobs.ENDED and image != job.resultant_image_id and job.resultant_image_id:
        raise refused(409, "the job has ended with its image", code="order", status_now=job.status)


def _look(context: Context, actor: Actor, before: Record, after: Record, base: str) -> None:
    """What has to be asked of others before such a change."""
    service = context.service
    if (
        isinstance(after, Recipe | Image)
        and after.link is not None
        and after.link != getattr(before, "link", None)
    ):
        where = pointer(["link", "path"], base)
        look = links.check_image if isinstance(after, Image) else links.check
        look(service, actor, after.link.path, where)
    if not isinstance(after, Job) or not isinstance(before, Job):
        return
    image = after.resultant_image_id
    if image is not None and image != before.resultant_image_id:
        found = service.records.get(Image, image)
        if found is None or not allowed(actor, "read", found.project):
            raise at(pointer(["resultant_image_id"], base), "there is no such image")
