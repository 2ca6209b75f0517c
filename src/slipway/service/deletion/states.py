"""The states of a record that is deleted, brought back or removed. Pure: a record in, the next one out.

While objects are moved, `link` is already what it will be, and `home` is the other of the two places:

    live        link, no home                    undeleting  link, home = where the deleted one is
    deleting    deleted link, home = the link    deleted     deleted link, home = the link

A record that is `purging` was one of these: live (no home), deleted (link and home as they were; home is the link where it was
not known), or one whose objects may be at both places (as `undeleting`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from slipway.service.deletion.places import away, deleted_manifest, movable
from slipway.service.model import Image, Link, Recipe

if TYPE_CHECKING:
    from slipway.service.model import Record

Linked: TypeAlias = Recipe | Image
MOVING = ("deleting", "undeleting", "purging")


def linked(record: Record) -> Linked | None:
    """The record, if it has objects."""
    return record if isinstance(record, Recipe | Image) and record.link is not None else None


def deleting(record: Record, now: int, bucket: str) -> Record:
    """`bucket` is that of the images, in which manifests of deleted ones are."""
    found = linked(record)
    if found is None or found.link is None or not movable(found.link.path):
        return replace(record, state="deleted", deleted=now)
    link = found.link
    if isinstance(found, Image):
        target = Link(deleted_manifest(bucket, found.id))
    else:
        target = Link(away(link.path), link.etag, link.type)
    return replace(found, state="deleting", deleted=now, link=target, home=link)


def deleted(record: Linked, link: Link | None) -> Linked:
    """The objects are there; `link` None when there were none, so that the link stays what it was."""
    if link is None:
        return replace(record, state="deleted", link=record.home, home=None)
    return replace(record, state="deleted", link=link)


def undeleting(record: Record, origin: Link | None) -> Record:
    """`origin` is the link from before, of a record without `home`; None when it has not moved."""
    found = linked(record)
    home = (found.home or origin) if found else None
    if found is None or home is None or home.path == (found.link and found.link.path):
        return replace(record, state="live", deleted=0)
    return replace(found, state="undeleting", deleted=0, link=home, home=found.link)


def undeleted(record: Linked, etag: str | None) -> Linked:
    """`etag` is that of the link, when moving the object has changed it."""
    link = record.link
    if link is not None and link.etag and etag is not None:
        link = replace(link, etag=etag)
    return replace(record, state="live", link=link, home=None)


def purging(record: Linked, now: int) -> Linked:
    when = record.deleted or now
    if record.state == "live":
        return replace(record, state="purging", deleted=when, home=None)
    if record.state == "deleting":
        return replace(record, state="purging", deleted=when, link=record.home, home=record.link)
    if record.state == "deleted":
        return replace(record, state="purging", deleted=when, home=record.home or record.link)
    return replace(record, state="purging", deleted=when)
