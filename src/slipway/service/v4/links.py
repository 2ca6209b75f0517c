"""Links that clients set: to something that is there, that they may use, and that is what it has to be. All of it asks the storage."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import InputError, SlipwayError
from slipway.service.artifacts import manifest
from slipway.service.artifacts.model import ArtifactError, split
from slipway.service.model import Link
from slipway.service.v4.places import need_key
from slipway.service.v4.problems import Fault, ProblemError, at, invalid, pointer, refused

if TYPE_CHECKING:
    from slipway.service.artifacts.model import Stat
    from slipway.service.auth.roles import Verb
    from slipway.service.model import Actor
    from slipway.service.state import Service
    from slipway.service.v4.models import ArtifactIn

_KEPT: Final = "md5sum"


def check(service: Service, actor: Actor, path: str, where: str, verb: Verb = "write") -> Stat:
    """What is there; 422 at the pointer `where` when nothing is, or when it is not this actor's to use.

    Whoever links an artifact takes it along when the record goes for ever, so has to be allowed to write it.
    """
    try:
        bucket, key = split(path)
        need_key(service, actor, verb, key)
        stat = service.artifacts.head(bucket, key)
    except (InputError, ProblemError) as error:
        raise at(where, str(error)) from None
    except ArtifactError as error:
        if error.again:
            raise
        raise at(where, error.brief) from None
    if stat is None:
        raise at(where, f"there is no artifact {path}")
    return stat


def check_image(
    service: Service, actor: Actor, path: str, where: str, verb: Verb = "write"
) -> dict[str, Any]:
    """The manifest and all that it lists are there; the artifact that is its root file system."""
    stat = check(service, actor, path, where, verb)
    limit = service.settings.manifest_limit
    if stat.size >= limit:
        raise at(where, f"a manifest of {stat.size} bytes is too large: below {limit} are taken")
    try:
        document = manifest.supported(
            manifest.decode(service.artifacts.read(stat.bucket, stat.key, limit - 1))
        )
        listed = list(manifest.links(document))
        roots = manifest.roots(document)
    except InputError as error:
        raise at(where, error.brief) from None
    if len(roots) != 1:
        raise at(where, f"the manifest lists {len(roots)} root file systems: it has to be one")
    for each in listed:
        check(service, actor, each["path"], where, verb)
    return roots[0]


def write_manifest(
    service: Service, actor: Actor, image: str, artifacts: list[ArtifactIn], created: str, where: str
) -> Link:
    """A manifest of artifacts that are in the storage, at its usual place."""
    listed: list[manifest.Artifact] = []
    faults: list[Fault] = []
    for index, each in enumerate(artifacts):
        try:
            stat = check(service, actor, each.path, pointer([index, "path"], where))
        except ProblemError as error:
            faults += error.problem.faults
            continue
        md5 = stat.md5 or stat.metadata.get(_KEPT, "")
        listed.append(manifest.Artifact(Link(each.path, stat.etag), each.type, md5))
    if sum(each.type.startswith(manifest.ROOTFS) for each in artifacts) != 1:
        faults.append(Fault("one root file system is needed, of the type " + manifest.ROOTFS, where))
    if faults:
        raise invalid(faults)
    content = manifest.encode(listed, created)
    kept = {_KEPT: hashlib.md5(content, usedforsecurity=False).hexdigest()}
    bucket, key = service.settings.images_bucket, f"{image}/manifest.json"
    stat = service.artifacts.put(bucket, key, [content], content_type="application/json", metadata=kept)
    return Link(f"s3://{bucket}/{key}", stat.etag)


def forget(service: Service, link: Link) -> None:
    """A manifest that was written for a record that did not come to be."""
    with suppress(SlipwayError):
        service.artifacts.delete(*split(link.path))


def settled(before: Link | None, after: Link | None) -> None:
    """409 for a link in the place of another: what that one leads to would belong to nobody."""
    if before is not None and (after is None or after.path != before.path):
        raise refused(
            409, "the link leads to artifacts already: make another record for others", code="linked"
        )
