"""The data files of IMS: their names, and what a record of each is.

IMS 3.33 writes eight files below `/var/ims/data`; older releases wrote the same records, with fewer fields, under older names. Each
is a JSON array. Fields that a record does not have get what IMS would give them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from slipway.service.ims.fields import (
    Field,
    InvalidError,
    Schema,
    boolean,
    integer,
    listing,
    load,
    mapping,
    nested,
    one_of,
    text,
    unique_id,
)
from slipway.service.ims.schemas import IMAGE, JOB_TYPES, NODE, PUBLIC_KEY, RECIPE, STATUSES
from slipway.service.model import Image, Job, Link, Node, PublicKey, Recipe, SshContainer

if TYPE_CHECKING:
    from slipway.service.model import Record

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TEXT: Final = text()


@dataclass(frozen=True, slots=True)
class DataFile:
    """`names` are what it is called, the newest first. `gone`: its records are among the deleted."""

    names: tuple[str, ...]
    kind: type[Record]
    gone: bool
    schema: Schema
    make: Callable[[dict[str, Any]], Record]

    @property
    def name(self) -> str:
        return self.names[0]


def _moment(value: object) -> int:
    """Microseconds since 1970 of ISO 8601; without an offset it is UTC, as the containers of IMS run."""
    try:
        found = datetime.fromisoformat(_TEXT(value))
    except ValueError:
        raise InvalidError(["Not a valid datetime."]) from None
    if found.tzinfo is None:
        found = found.replace(tzinfo=UTC)
    return (found - _EPOCH) // timedelta(microseconds=1)


def _size(default: int) -> Field:
    return Field(integer(least=1, message="Must be greater than or equal to 1."), default=default)


def _known(schema: Schema) -> Callable[[object], Any]:
    """As `nested`, without what has no meaning any more."""

    def read(value: object) -> Any:
        return load(
            schema, {k: v for k, v in value.items() if k in schema} if isinstance(value, Mapping) else value
        )

    return read


_STORED: Final[Schema] = {
    "id": Field(unique_id, required=True),
    "created": Field(_moment, required=True),
}
_DELETED: Final[Schema] = {**_STORED, "deleted": Field(_moment, required=True)}
_NULL: Final = Field(_TEXT, null=True, default=None)
_HOST: Final = nested(
    {
        "host": Field(_TEXT, required=True),
        "port": Field(integer(least=0, message="Must be positive."), required=True),
    }
)
_CONTAINER: Final = _known(
    {
        "name": Field(_TEXT, default=""),
        "jail": Field(boolean, default=False),
        "status": Field(_TEXT, default="pending"),
        "connection_info": Field(mapping(_TEXT, _HOST), null=True, default=None),
    }
)
_JOB: Final[Schema] = {
    **_STORED,
    "artifact_id": Field(unique_id, required=True),
    "public_key_id": Field(unique_id, required=True),
    "job_type": Field(one_of(JOB_TYPES), required=True),
    "image_root_archive_name": Field(_TEXT, required=True),
    "enable_debug": Field(boolean, default=False),
    "build_env_size": _size(60),
    "job_mem_size": _size(8),
    "kernel_file_name": Field(_TEXT, default="vmlinuz"),
    "initrd_file_name": Field(_TEXT, default="initrd"),
    "kernel_parameters_file_name": Field(_TEXT, default="kernel-parameters"),
    "ssh_containers": Field(listing(_CONTAINER), null=True, default=None),
    "require_dkms": Field(boolean, default=True),
    "arch": Field(one_of(("aarch64", "x86_64")), default="x86_64"),
    "status": Field(one_of(STATUSES), default="creating"),
    "resultant_image_id": Field(unique_id, null=True, default=None),
    "remote_build_node": Field(_TEXT, default=""),
    **{f"kubernetes_{name}": _NULL for name in ("job", "service", "configmap", "pvc", "secret")},
    "kubernetes_namespace": Field(_TEXT, null=True, default="default"),  # of files older than the field
}


def _deletion(given: dict[str, Any]) -> dict[str, Any]:
    return {"state": "deleted"} if "deleted" in given else {}


def _key(given: dict[str, Any]) -> PublicKey:
    return PublicKey(**given, **_deletion(given))


def _recipe(given: dict[str, Any]) -> Recipe:
    link = _link(given)
    pairs = tuple((each["key"], each["value"]) for each in given.pop("template_dictionary") or ())
    home = None
    if "deleted" in given and link is not None:
        bucket, _, key = link.path.removeprefix("s3://").partition("/")
        if key.startswith("deleted/"):  # its object was moved there
            home = Link(f"s3://{bucket}/{key.removeprefix('deleted/')}", link.etag, link.type)
    return Recipe(**given, **_deletion(given), link=link, home=home, template_dictionary=pairs)


def _image(given: dict[str, Any]) -> Image:
    """Where a deleted one's manifest was before, only its deleted manifest tells: undeleting reads it."""
    return Image(link=_link(given), **given, **_deletion(given))


def _link(given: dict[str, Any]) -> Link | None:
    link = given.pop("link")
    return None if link is None else Link(link["path"], link["etag"], link["type"])


def _job(given: dict[str, Any]) -> Job:
    containers = tuple(
        SshContainer(
            each["name"],
            each["jail"],
            each["status"],
            tuple(
                (name, host["host"], host["port"]) for name, host in (each["connection_info"] or {}).items()
            ),
        )
        for each in given.pop("ssh_containers") or ()
    )
    return Job(**given, ssh_containers=containers)


def _node(given: dict[str, Any]) -> Node:
    """Nobody knows since when it is there."""
    return Node(id=given["xname"], created=0)


FILES: Final = (
    DataFile(("v2_public_keys.json",), PublicKey, gone=False, schema={**PUBLIC_KEY, **_STORED}, make=_key),
    DataFile(
        ("v3_deleted_public_keys.json",), PublicKey, gone=True, schema={**PUBLIC_KEY, **_DELETED}, make=_key
    ),
    DataFile(
        ("v2.2_recipes.json", "v2.1_recipes.json", "v2_recipes.json"),
        Recipe,
        gone=False,
        schema={**RECIPE, **_STORED},
        make=_recipe,
    ),
    DataFile(
        ("v3.2_deleted_recipes.json", "v3.1_deleted_recipes.json", "v3_deleted_recipes.json"),
        Recipe,
        gone=True,
        schema={**RECIPE, **_DELETED},
        make=_recipe,
    ),
    DataFile(
        ("v2.1_images.json", "v2_images.json"), Image, gone=False, schema={**IMAGE, **_STORED}, make=_image
    ),
    DataFile(
        ("v3.1_deleted_images.json", "v3_deleted_images.json"),
        Image,
        gone=True,
        schema={**IMAGE, **_DELETED},
        make=_image,
    ),
    DataFile(
        ("v2.4_jobs.json", "v2.3_jobs.json", "v2.2_jobs.json", "v2.1_jobs.json", "v2_jobs.json"),
        Job,
        gone=False,
        schema=_JOB,
        make=_job,
    ),
    DataFile(("v2.0_remote_build_nodes.json",), Node, gone=False, schema=NODE, make=_node),
)
