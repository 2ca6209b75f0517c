"""Making, changing and removing jobs. Who carries them out is the runner's affair; the names of Kubernetes objects are kept anyway."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from slipway.errors import SlipwayError
from slipway.service import jobs
from slipway.service.auth.roles import allowed
from slipway.service.ims import ages, render, schemas
from slipway.service.ims.answers import NOTHING, REPEAT, Answer, conflict, problem, refused
from slipway.service.ims.context import each, place
from slipway.service.model import Image, Job, PublicKey, Recipe, SshContainer

if TYPE_CHECKING:
    from slipway.service.ims.call import Call
    from slipway.service.ims.context import Context
    from slipway.service.model import Actor

_REVIEW: Final = (
    "Review the errors, take any corrective action and then re-run the request with valid information."
)


async def create(context: Context, call: Call) -> Answer:
    project = place(call.actor)
    given = await call.given(schemas.JOB)
    containers = _containers(given)
    source = await _source(context, call.actor, given)
    address = await _address(context, call.actor, source)
    if await context.find(PublicKey, given["public_key_id"], call.actor) is None:
        known = f"No IMS public-key record found matching id={given['public_key_id']}"
        raise refused(400, f"Invalid public_key_id value in job request. {known}")
    settings = context.service.settings
    id_ = str(uuid4())
    hosts = jobs.hosts(id_, settings)
    names: dict[str, Any] = jobs.names(id_, given["job_type"], settings)
    job = Job(
        id=id_,
        created=context.now(),
        project=project,
        owner=call.actor.name,
        job_type=given["job_type"],
        artifact_id=given["artifact_id"],
        public_key_id=given["public_key_id"],
        image_root_archive_name=given["image_root_archive_name"],
        enable_debug=given["enable_debug"],
        build_env_size=given.get("build_env_size", settings.default_image_size),
        job_mem_size=given.get("job_mem_size", settings.default_job_memory),
        kernel_file_name=given["kernel_file_name"] or jobs.kernel(source.arch),
        initrd_file_name=given["initrd_file_name"],
        kernel_parameters_file_name=given["kernel_parameters_file_name"],
        ssh_containers=tuple(replace(container, hosts=hosts) for container in containers),
        require_dkms=jobs.dkms(source, given.get("require_dkms"), settings),
        arch=source.arch,
        **names,
    )
    runner = context.service.runner
    try:
        await context.run(runner.start, job, address)
    except SlipwayError as error:
        return problem(500, f"An error was encountered starting your IMS job: {error.brief}. {_REVIEW}")
    try:
        stored = await context.add(job, call.actor)
    except BaseException:
        await context.run(runner.remove, job)  # nobody would ever know of it
        raise
    return Answer(201, render.made(stored))


async def change(context: Context, call: Call) -> Answer:
    job = await context.need(Job, call)
    given = await call.given(schemas.JOB_CHANGE)

    def changed(now: Job) -> Job:
        status = given.get("status", now.status)
        if now.status in jobs.ENDED and status not in jobs.ENDED:  # what has ended does not run again
            raise conflict()
        return replace(
            now, status=status, resultant_image_id=given.get("resultant_image_id", now.resultant_image_id)
        )

    after = changed(job)
    if after.status in jobs.ENDED and job.status not in jobs.ENDED:
        try:
            await context.run(context.service.runner.finished, after)
        except SlipwayError as error:
            return _failed(f"IMS job_id={job.id}", [error])
    stored = await context.change(job, call.actor, changed)
    return Answer(200, render.record(stored) + b"\n")


async def remove(context: Context, call: Call) -> Answer:
    job = await context.need(Job, call)
    try:
        await _remove(context, job, call.actor)
    except SlipwayError as error:
        return _failed(f"IMS job_id={job.id}", [error])
    return NOTHING


async def remove_all(context: Context, call: Call) -> Answer:
    query = call.query()
    statuses = [status.lower() for status in query.get("status", [])]
    for status in statuses:
        if status not in schemas.STATUSES:
            raise _unsupported("status", status)
    kind = query.get("job_type", [""])[0]
    if kind and kind not in schemas.JOB_TYPES:
        raise _unsupported("job_type", kind)
    before = context.now()
    if "age" in query:
        try:
            before -= ages.microseconds(query["age"][0])
        except ValueError:
            raise _unsupported("age", query["age"][0]) from None
    shelf = await context.shelf(Job)
    found = [
        job
        for job in shelf.records()
        if (not statuses or job.status in statuses)
        and (not kind or job.job_type == kind)
        and ("age" not in query or job.created < before)
        and allowed(call.actor, "write", job.project)
    ]
    errors = await each(found, lambda job: _remove(context, job, call.actor))
    return _failed("one or more IMS jobs", errors) if errors else NOTHING


async def _remove(context: Context, job: Job, actor: Actor) -> None:
    await context.run(context.service.runner.remove, job)

    records = context.service.records
    await context.insist(job, lambda now: records.write(lambda tx: tx.remove(now, actor)))


async def _source(context: Context, actor: Actor, given: dict[str, Any]) -> Recipe | Image:
    """The recipe to build or the image to customize, which has a link."""
    id_ = given["artifact_id"]
    source: Recipe | Image | None
    if given["job_type"] == "create":
        name, source = "recipe", await context.find(Recipe, id_, actor)
    else:
        name, source = "image", await context.find(Image, id_, actor)
    if source is None:
        raise refused(
            400,
            f"Invalid artifact_id value in job request. No IMS {name} record found matching id={id_}. D{REPEAT}",
        )
    if source.link is None:
        raise refused(
            400, f"The IMS {name} does not have an artifact_link for {name}_id={id_}. Please d{REPEAT}"
        )
    return source


async def _address(context: Context, actor: Actor, source: Recipe | Image) -> str:
    """A manifest may have been written over since it was linked: what it lists has to be for the actor to see as well."""
    link, links = render.link(source.link) or {}, context.links(actor, "read")
    if isinstance(source, Image):
        link = await context.run(links.rootfs, link, source.id)
    else:
        await context.run(links.check, link)
    return await context.run(links.url, link, context.service.settings.url_seconds)


def _containers(given: dict[str, Any]) -> list[SshContainer]:
    create = given["job_type"] == "create"
    asked = given["ssh_containers"] or []
    if create and asked:
        raise refused(
            400, f"User defined ssh containers during image create are not currently supported. D{REPEAT}"
        )
    if len(asked) > 1:
        raise refused(
            400,
            f"Only one SSH container is currently supported. Please remove additional containers, d{REPEAT}",
        )
    if create:
        return [SshContainer("debug")] if given["enable_debug"] else []
    return [
        SshContainer(each.get("name", "customize"), jail=each["jail"]) for each in asked or [{"jail": False}]
    ]


def _unsupported(name: str, value: str) -> Exception:
    """The text is the title: clients have always found it there."""
    return refused(400, title=f"Unsupported {name} {value} in query parameters. D{REPEAT}")


def _failed(what: str, errors: list[SlipwayError]) -> Answer:
    detail = f"Errors were encountered deleting the kubernetes resources for {what}. {_REVIEW}"
    return problem(500, detail, errors=[error.brief for error in errors])
