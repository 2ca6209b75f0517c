"""Records as clients see them, with the keys in the order of the schemas of IMS."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from slipway.service.model import GONE, Image, Job, Node, PublicKey, Recipe

if TYPE_CHECKING:
    from slipway.service.model import Link, Record

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 - times have no offset here
_JOB_BEGIN: Final = (
    "artifact_id",
    "public_key_id",
    "job_type",
    "image_root_archive_name",
    "enable_debug",
    "build_env_size",
    "kernel_file_name",
    "initrd_file_name",
    "kernel_parameters_file_name",
    "ssh_containers",
    "require_dkms",
    "job_mem_size",
)
_JOB_END: Final = (
    "kubernetes_job",
    "kubernetes_service",
    "kubernetes_configmap",
    "kubernetes_namespace",
    "status",
    "resultant_image_id",
    "arch",
    "kubernetes_pvc",
    "remote_build_node",
    "kubernetes_secret",
)


def time(microseconds: int) -> str:
    """ISO 8601 in UTC without an offset; without microseconds where there are none."""
    return (_EPOCH + timedelta(microseconds=microseconds)).isoformat()


def link(content: Link | None) -> dict[str, str] | None:
    return None if content is None else {"path": content.path, "etag": content.etag, "type": content.type}


def plain(record: Record) -> dict[str, Any]:
    """All keys of the record; a deleted one has `deleted` too."""
    common: dict[str, Any] = {"id": record.id, "created": time(record.created)}
    if record.state in GONE:
        common["deleted"] = time(record.deleted)
    match record:
        case Image():
            own: dict[str, Any] = {
                "name": record.name,
                "link": link(record.link),
                "arch": record.arch,
                "metadata": record.metadata,
            }
        case Recipe():
            own = {
                "name": record.name,
                "link": link(record.link),
                "recipe_type": record.recipe_type,
                "linux_distribution": record.linux_distribution,
                "template_dictionary": [
                    {"key": key, "value": value} for key, value in record.template_dictionary
                ],
                "require_dkms": record.require_dkms,
                "arch": record.arch,
            }
        case PublicKey():
            own = {"name": record.name, "public_key": record.public_key}
        case Job():
            return _job(record, common)
        case Node():
            return {"xname": record.id}
        case _:
            raise TypeError(type(record).__name__)
    return {**own, **common}


def made(record: Record) -> bytes:
    """As the answer to its creation."""
    return json.dumps(plain(record)).encode() + b"\n"


def shown(content: object) -> bytes:
    """As the answer to any other question, without the newline at the end."""
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def record(found: Record) -> bytes:
    return shown(plain(found))


def _job(job: Job, common: dict[str, Any]) -> dict[str, Any]:
    begin = {name: getattr(job, name) for name in _JOB_BEGIN}
    begin["ssh_containers"] = [
        {
            "name": container.name,
            "jail": container.jail,
            "status": container.status,
            "connection_info": {name: {"host": host, "port": port} for name, host, port in container.hosts},
        }
        for container in job.ssh_containers
    ] or None
    return {**begin, **common, **{name: getattr(job, name) for name in _JOB_END}}
