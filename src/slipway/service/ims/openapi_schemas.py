"""What records, changes and problems look like, as JSON Schema. Numbers and truth may come as text too: clients send them so."""

from __future__ import annotations

from typing import Any, Final, get_args

from slipway.service.model import JobStatus

Json = dict[str, Any]


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: dict[str, Json], required: tuple[str, ...] | None = None) -> Json:
    """Without `required`: all are. Others are refused."""
    return {
        "type": "object",
        "required": list(properties if required is None else required),
        "properties": properties,
        "additionalProperties": False,
    }


def _change(properties: dict[str, Json]) -> Json:
    """Some of these, one at least."""
    return {**_object(properties, ()), "minProperties": 1}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


_TEXT: Final[Json] = {"type": "string"}
_NAME: Final[Json] = {"type": "string", "minLength": 1}
_ID: Final[Json] = {"type": "string", "format": "uuid"}
_TRUTH: Final[Json] = {"type": "boolean"}
_TRUTH_IN: Final[Json] = {"enum": [True, False, "true", "false", "yes", "no", "on", "off", "1", "0", 1, 0]}
_SIZE: Final[Json] = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1, "description": "GiB"}
_SIZE_IN: Final[Json] = {"anyOf": [_SIZE, {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}]}
_TIME: Final[Json] = {
    "type": "string",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?$",
    "examples": ["2026-11-20T22:21:55.255364"],
    "description": "UTC, without an offset",
}
_ARCH: Final[Json] = {"enum": ["aarch64", "x86_64"]}
_RECIPE_TYPE: Final[Json] = {"enum": ["kiwi-ng", "packer"]}
_DISTRIBUTION: Final[Json] = {"enum": ["sles12", "sles15", "centos7"]}
_TAGS: Final[Json] = {"type": "object", "additionalProperties": _TEXT}
_LINK: Final[Json] = ref("ArtifactLink")
_PAIRS: Final[Json] = {"type": "array", "items": ref("TemplateValue")}
_SERVER: Final[dict[str, Json]] = {"id": _ID, "created": _TIME}

_KEY: Final[dict[str, Json]] = {"name": _NAME, "public_key": _NAME}
_RECIPE: Final[dict[str, Json]] = {
    "name": _NAME,
    "link": _or_null(_LINK),
    "recipe_type": _RECIPE_TYPE,
    "linux_distribution": _DISTRIBUTION,
    "template_dictionary": _PAIRS,
    "require_dkms": _TRUTH,
    "arch": _ARCH,
}
_IMAGE: Final[dict[str, Json]] = {
    "name": _NAME,
    "link": _or_null(_LINK),
    "arch": _ARCH,
    "metadata": _TAGS,
}
_JOB_IN: Final[dict[str, Json]] = {
    "artifact_id": _ID,
    "public_key_id": _ID,
    "job_type": ref("JobType"),
    "image_root_archive_name": _NAME,
    "enable_debug": _TRUTH_IN,
    "build_env_size": _SIZE_IN,
    "kernel_file_name": _TEXT,
    "initrd_file_name": _NAME,
    "kernel_parameters_file_name": _NAME,
    "ssh_containers": _or_null({"type": "array", "items": ref("SshContainerCreate")}),
    "require_dkms": _TRUTH_IN,
    "job_mem_size": _SIZE_IN,
}
_JOB: Final[dict[str, Json]] = {
    **_JOB_IN,
    "enable_debug": _TRUTH,
    "build_env_size": _SIZE,
    "ssh_containers": _or_null({"type": "array", "items": ref("SshContainer")}),
    "require_dkms": _TRUTH,
    "job_mem_size": _SIZE,
    **_SERVER,
    "status": ref("JobStatus"),
    "resultant_image_id": _or_null(_ID),
    "arch": _ARCH,
    **{
        f"kubernetes_{name}": _or_null(_TEXT)
        for name in ("job", "service", "configmap", "namespace", "pvc", "secret")
    },
    "remote_build_node": _TEXT,
}
_DELETED: Final[dict[str, Json]] = {**_SERVER, "deleted": _TIME}
_JOB_REQUIRED: Final = ("artifact_id", "public_key_id", "job_type", "image_root_archive_name")

SCHEMAS: Final[Json] = {
    "ArtifactLink": _object({"path": _NAME, "etag": _TEXT, "type": {"enum": ["s3"]}}, ("path", "type")),
    "TemplateValue": _object({"key": _TEXT, "value": _TEXT}),
    "PublicKey": _object(_KEY | _SERVER),
    "DeletedPublicKey": _object(_KEY | _DELETED),
    "PublicKeyCreate": _object(_KEY),
    "Recipe": _object(_RECIPE | _SERVER),
    "DeletedRecipe": _object(_RECIPE | _DELETED),
    "RecipeCreate": _object(
        {**_RECIPE, "template_dictionary": _or_null(_PAIRS), "require_dkms": _TRUTH_IN},
        ("name", "recipe_type", "linux_distribution"),
    ),
    "RecipePatch": _change(
        {"link": _LINK, "arch": _ARCH, "require_dkms": _TRUTH_IN, "template_dictionary": _PAIRS}
    ),
    "Image": _object(_IMAGE | _SERVER),
    "DeletedImage": _object(_IMAGE | _DELETED),
    "ImageCreate": _object(_IMAGE, ("name",)),
    "ImagePatch": _change({"link": _LINK, "arch": _ARCH, "metadata": ref("ImageMetadataPatch")}),
    "ImageMetadataPatch": _object(
        {"operation": {"enum": ["set", "remove"]}, "key": _TEXT, "value": _TEXT}, ("operation", "key")
    ),
    "Job": _object(_JOB),
    "JobCreate": _object(_JOB_IN, _JOB_REQUIRED),
    "JobPatch": _change({"status": ref("JobStatus"), "resultant_image_id": _ID}),
    "JobStatus": {"enum": list(get_args(JobStatus))},
    "JobType": {"enum": ["create", "customize"]},
    "SshContainer": _object(
        {
            "name": _TEXT,
            "jail": _TRUTH,
            "status": _TEXT,
            "connection_info": {
                "type": "object",
                "additionalProperties": _object({"host": _TEXT, "port": {"type": "integer"}}),
            },
        }
    ),
    "SshContainerCreate": _object({"name": _TEXT, "jail": _TRUTH_IN}, ()),
    "RemoteBuildNode": _object({"xname": _NAME}),
    "RemoteBuildNodeCreate": _object({"xname": {**_NAME, "maxLength": 255}}),
    "RemoteBuildNodeStatus": _object(
        {
            "xname": _NAME,
            "sshStatus": _TEXT,
            "podmanStatus": _TEXT,
            "nodeArch": _TEXT,
            "numCurrentJobs": {"type": "integer"},
            "ableToRunJobs": _TRUTH,
        }
    ),
    "DeletedPatch": _object({"operation": {"enum": ["undelete"]}}),
    "ProblemDetails": {
        "type": "object",
        "required": ["status", "title"],
        "properties": {
            "status": {"type": "integer"},
            "title": _TEXT,
            "detail": _TEXT,
            "errors": {
                "anyOf": [{"type": "object"}, {"type": "array", "items": _TEXT}],
                "description": "Messages by field, or what went wrong one after the other",
            },
        },
    },
    "Message": _object({"message": _TEXT}),
}
