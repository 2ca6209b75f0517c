"""New records, of what clients wrote. What asks the storage is told by `asks_storage`: the rest is quick."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from slipway.errors import SlipwayError
from slipway.service import jobs
from slipway.service.artifacts.model import split
from slipway.service.auth.roles import allowed
from slipway.service.model import Image, Job, Link, Node, PublicKey, Recipe, SshContainer
from slipway.service.v4 import links, models, views
from slipway.service.v4.access import home, need
from slipway.service.v4.problems import Fault, at, invalid, pointer, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.service.model import Actor, Record
    from slipway.service.state import Service

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """`begin` has others begin what the record is about, `undo` takes back what was done for one that is not going to be."""

    record: Record
    undo: Callable[[], None] | None = None
    begin: Callable[[], None] | None = None


def asks_storage(model: models.Model) -> bool:
    return isinstance(model, models.JobIn) or bool(
        getattr(model, "link", None) or getattr(model, "artifacts", None)
    )


def made(service: Service, actor: Actor, model: models.Model, now: int, base: str = "#") -> Made:
    """`now` in microseconds since 1970; `base` is the pointer to the model."""
    common: dict[str, Any] = {"id": str(uuid4()), "created": now, **_place(actor, model)}
    match model:
        case models.PublicKeyIn():
            return Made(PublicKey(**common, name=model.name, public_key=model.public_key))
        case models.RecipeIn():
            return Made(_recipe(service, actor, model, common, base))
        case models.ImageIn():
            return _image(service, actor, model, common, base)
        case models.JobIn():
            return _job(service, actor, model, common, base)
        case models.NodeIn():
            return Made(Node(**{**common, "id": model.xname}))
        case _:
            raise TypeError(type(model).__name__)


def link_of(given: models.LinkIn | None) -> Link | None:
    return None if given is None else Link(given.path, given.etag.strip('"'), given.type)


def _place(actor: Actor, model: models.Model) -> dict[str, str]:
    project = getattr(model, "project", None) or home(actor)
    need(actor, "write", project)
    owner = getattr(model, "owner", None)
    if owner not in (None, actor.name) and not allowed(actor, "purge", project):
        raise refused(403, "only administrators give records to others")
    return {"project": project, "owner": actor.name if owner is None else owner}


def _recipe(
    service: Service, actor: Actor, model: models.RecipeIn, common: dict[str, Any], base: str
) -> Recipe:
    if model.link is not None:
        links.check(service, actor, model.link.path, pointer(["link", "path"], base))
    return Recipe(
        **common,
        name=model.name,
        recipe_type=model.recipe_type,
        linux_distribution=model.linux_distribution,
        link=link_of(model.link),
        template_dictionary=tuple(model.template_dictionary.items()),
        require_dkms=model.require_dkms,
        arch=model.arch,
    )


def _image(service: Service, actor: Actor, model: models.ImageIn, common: dict[str, Any], base: str) -> Made:
    link = link_of(model.link)
    undo = None
    if model.artifacts is not None:
        if link is not None:
            raise at(pointer(["artifacts"], base), "give either a link or artifacts")
        created = views.time(common["created"])
        where = pointer(["artifacts"], base)
        written = links.write_manifest(service, actor, common["id"], model.artifacts, created, where)
        link = written

        def undo() -> None:
            links.forget(service, written)

    elif link is not None:
        links.check_image(service, actor, link.path, pointer(["link", "path"], base))
    return Made(
        Image(**common, name=model.name, link=link, arch=model.arch, metadata=dict(model.metadata)), undo
    )


def _job(service: Service, actor: Actor, model: models.JobIn, common: dict[str, Any], base: str) -> Made:
    settings = service.settings
    source, address = _source(service, actor, model, base)
    key = service.records.get(PublicKey, model.public_key_id)
    if key is None or not allowed(actor, "read", key.project):
        raise at(pointer(["public_key_id"], base), "there is no such public key")
    hosts = jobs.hosts(common["id"], settings)
    names: dict[str, Any] = jobs.names(common["id"], model.job_type, settings)
    job = Job(
        **common,
        job_type=model.job_type,
        artifact_id=model.artifact_id,
        public_key_id=model.public_key_id,
        image_root_archive_name=model.image_root_archive_name,
        enable_debug=model.enable_debug,
        build_env_size=model.build_env_size or settings.default_image_size,
        job_mem_size=model.job_mem_size or settings.default_job_memory,
        kernel_file_name=model.kernel_file_name or jobs.kernel(source.arch),
        initrd_file_name=model.initrd_file_name,
        kernel_parameters_file_name=model.kernel_parameters_file_name,
        ssh_containers=tuple(
            SshContainer(each.name, each.jail, hosts=hosts) for each in _containers(model, base)
        ),
        require_dkms=jobs.dkms(source, model.require_dkms, settings),
        arch=source.arch,
        **names,
    )
    started: list[Job] = []

    def begin() -> None:
        try:
            service.runner.start(job, address)
        except SlipwayError as error:
            raise refused(502, f"the job could not be started: {error.brief}", code="runner") from error
        started.append(job)

    def undo() -> None:
        for each in started:
            try:
                service.runner.remove(each)
            except SlipwayError as error:
                _LOG.error("the job %s has no record, and could not be stopped: %s", each.id, error)

    return Made(job, undo, begin)


def _source(service: Service, actor: Actor, model: models.JobIn, base: str) -> tuple[Recipe | Image, str]:
    """The recipe to build or the image to customize, and the address of its artifact, which is a secret."""
    where = pointer(["artifact_id"], base)
    kind: type[Recipe | Image] = Recipe if model.job_type == "create" else Image
    source = service.records.get(kind, model.artifact_id)
    if source is None or not allowed(actor, "read", source.project):
        raise at(where, f"there is no such {kind.__name__.lower()}")
    if source.link is None:
        raise at(where, f"this {kind.__name__.lower()} has no artifact yet")
    path = source.link.path
    if isinstance(source, Image):
        path = links.check_image(service, actor, path, where, "read")["link"]["path"]
    else:
        links.check(service, actor, path, where, "read")
    return source, service.artifacts.url(*split(path), service.settings.url_seconds)


def _containers(model: models.JobIn, base: str) -> list[models.SshContainerIn]:
    if model.job_type == "customize":
        return model.ssh_containers or [models.SshContainerIn()]
    if model.ssh_containers:
        fault = Fault("a job that creates an image has no containers", pointer(["ssh_containers"], base))
        raise invalid([fault])
    return [models.SshContainerIn(name="debug")] if model.enable_debug else []
