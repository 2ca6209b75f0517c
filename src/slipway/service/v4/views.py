"""Records, tasks and events as the API shows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from slipway.service.model import GONE, Image, Job, Node, PublicKey, Recipe

if TYPE_CHECKING:
    from slipway.service.deletion.model import Task
    from slipway.service.model import Event, Link, Record

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_JOB: Final = (
    "job_type",
    "artifact_id",
    "public_key_id",
    "image_root_archive_name",
    "enable_debug",
    "build_env_size",
    "job_mem_size",
    "kernel_file_name",
    "initrd_file_name",
    "kernel_parameters_file_name",
    "require_dkms",
    "arch",
    "status",
    "resultant_image_id",
    "kubernetes_job",
    "kubernetes_service",
    "kubernetes_configmap",
    "kubernetes_namespace",
    "kubernetes_pvc",
    "kubernetes_secret",
    "remote_build_node",
)


def time(microseconds: int) -> str:
    """RFC 3339 in UTC."""
    shown = _EPOCH + timedelta(microseconds=microseconds)
    return shown.isoformat(timespec="microseconds").replace("+00:00", "Z")


def plain(record: Record) -> dict[str, Any]:
    out: dict[str, Any] = {
        "id": record.id,
        "version": record.version,
        "created": time(record.created),
        "state": record.state,
        "deleted": time(record.deleted) if record.state in GONE else None,
        "project": record.project,
        "owner": record.owner,
    }
    match record:
        case PublicKey():
            out |= {"name": record.name, "public_key": record.public_key}
        case Recipe():
            out |= {
                "name": record.name,
                "recipe_type": record.recipe_type,
                "linux_distribution": record.linux_distribution,
                "link": _link(record.link),
                "template_dictionary": dict(record.template_dictionary),
                "require_dkms": record.require_dkms,
                "arch": record.arch,
            }
        case Image():
            out |= {
                "name": record.name,
                "link": _link(record.link),
                "arch": record.arch,
                "metadata": record.metadata,
            }
        case Job():
            out |= {name: getattr(record, name) for name in _JOB}
            out["ssh_containers"] = [
                {
                    "name": each.name,
                    "jail": each.jail,
                    "status": each.status,
                    "hosts": [
                        {"network": name, "host": host, "port": port} for name, host, port in each.hosts
                    ],
                }
                for each in record.ssh_containers
            ]
        case Node():
            out["xname"] = record.id
        case _:
            raise TypeError(type(record).__name__)
    return out


def only(content: dict[str, Any], fields: frozenset[str] | None) -> dict[str, Any]:
    return content if fields is None else {name: content[name] for name in content if name in fields}


def task(found: Task) -> dict[str, Any]:
    return {
        "id": found.id,
        "verb": found.verb,
        "kind": found.kind,
        "record": found.record,
        "status": found.status,
        "objects": found.objects,
        "moved": found.moved,
        "begun": time(found.begun) if found.begun else None,
        "ended": time(found.ended) if found.ended else None,
        "problem": found.problem,
    }


def event(found: Event) -> dict[str, Any]:
    return {
        "id": found.stamp,
        "time": time(found.time),
        "actor": found.actor,
        "action": found.action,
        "kind": found.kind,
        "record": found.id,
        "project": found.project,
        "change": found.change,
    }


def encoded(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode() + b"\n"


def shown(record: Record) -> bytes:
    return encoded(plain(record))


def _link(link: Link | None) -> dict[str, str] | None:
    return None if link is None else {"path": link.path, "etag": link.etag, "type": link.type}
