"""JSON Schemas of what the API answers, for its OpenAPI document. With `fields=` any member of a record may be left out."""

from __future__ import annotations

from typing import Any, Final

from slipway.service.v4.models import Status

Schema = dict[str, Any]
TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": "integer"}
FLAG: Final[Schema] = {"type": "boolean"}
TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_STATE: Final[Schema] = {"enum": ["live", "undeleting", "deleting", "deleted"]}
_KIND: Final[Schema] = {"enum": ["public-key", "recipe", "image", "job", "node"]}
_ARCH: Final[Schema] = {"enum": ["x86_64", "aarch64"]}
_TEXTS: Final[Schema] = {"type": "object", "additionalProperties": TEXT}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def obj(properties: Schema, *optional: str, closed: bool = True) -> Schema:
    """All members are always there, but the `optional`."""
    out: Schema = {
        "type": "object",
        "properties": properties,
        "required": [n for n in properties if n not in optional],
    }
    return {**out, "additionalProperties": False} if closed else out


def many(item: Schema) -> Schema:
    return {"type": "array", "items": item}


def _record(**own: Schema) -> Schema:
    common = {
        "id": TEXT,
        "version": NUMBER,
        "created": TIME,
        "state": _STATE,
        "deleted": or_null(TIME),
        "project": TEXT,
        "owner": TEXT,
    }
    return {"type": "object", "properties": {**common, **own}, "additionalProperties": False}


_RECORDS: Final[dict[str, Schema]] = {
    "public-key": _record(name=TEXT, public_key=TEXT),
    "recipe": _record(
        name=TEXT,
        recipe_type=TEXT,
        linux_distribution=TEXT,
        link=or_null(ref("Link")),
        template_dictionary=_TEXTS,
        require_dkms=FLAG,
        arch=_ARCH,
    ),
    "image": _record(name=TEXT, link=or_null(ref("Link")), arch=_ARCH, metadata=_TEXTS),
    "job": _record(
        job_type={"enum": ["create", "customize"]},
        artifact_id=TEXT,
        public_key_id=TEXT,
        image_root_archive_name=TEXT,
        enable_debug=FLAG,
        build_env_size=NUMBER,
        job_mem_size=NUMBER,
        kernel_file_name=TEXT,
        initrd_file_name=TEXT,
        kernel_parameters_file_name=TEXT,
        require_dkms=FLAG,
        arch=_ARCH,
        status={"enum": list(Status.__args__)},  # type: ignore[attr-defined]
        resultant_image_id=or_null(TEXT),
        kubernetes_job=or_null(TEXT),
        kubernetes_service=or_null(TEXT),
        kubernetes_configmap=or_null(TEXT),
        kubernetes_namespace=or_null(TEXT),
        kubernetes_pvc=or_null(TEXT),
        kubernetes_secret=or_null(TEXT),
        remote_build_node=TEXT,
        ssh_containers=many(
            obj(
                {
                    "name": TEXT,
                    "jail": FLAG,
                    "status": TEXT,
                    "hosts": many(obj({"network": TEXT, "host": TEXT, "port": NUMBER})),
                }
            )
        ),
    ),
    "node": _record(xname=TEXT),
}
FIELDS: Final = {kind: frozenset(schema["properties"]) for kind, schema in _RECORDS.items()}


def record_name(kind: str) -> str:
    return "".join(word.capitalize() for word in kind.split("-"))


_STAT: Final[Schema] = {
    "bucket": TEXT,
    "key": TEXT,
    "path": TEXT,
    "size": NUMBER,
    "etag": TEXT,
    "modified": or_null(TIME),
    "content_type": TEXT,
    "md5": or_null(TEXT),
    "sha256": or_null(TEXT),
    "metadata": _TEXTS,
}
COMPONENTS: Final[dict[str, Schema]] = {
    **{record_name(kind): schema for kind, schema in _RECORDS.items()},
    **{
        f"{record_name(kind)}Page": obj(
            {"items": many(ref(record_name(kind))), "next": or_null(TEXT), "total": NUMBER}, "total"
        )
        for kind in _RECORDS
    },
    "Link": obj({"path": TEXT, "etag": TEXT, "type": TEXT}),
    "Problem": obj(
        {
            "type": {"type": "string", "format": "uri"},
            "title": TEXT,
            "status": NUMBER,
            "code": TEXT,
            "detail": TEXT,
            "request_id": TEXT,
            "errors": many(
                obj(
                    {"detail": TEXT, "pointer": TEXT, "parameter": TEXT, "header": TEXT},
                    "pointer",
                    "parameter",
                    "header",
                )
            ),
        },
        "detail",
        "request_id",
        "errors",
        closed=False,
    ),
    "Task": obj(
        {
            "id": TEXT,
            "verb": {"enum": ["delete", "undelete", "purge"]},
            "kind": _KIND,
            "record": TEXT,
            "status": {"enum": ["waiting", "running", "done", "failed"]},
            "objects": NUMBER,
            "moved": NUMBER,
            "begun": or_null(TIME),
            "ended": or_null(TIME),
            "problem": TEXT,
        }
    ),
    "Tasks": obj({"items": many(ref("Task"))}),
    "Event": obj(
        {
            "id": NUMBER,
            "time": TIME,
            "actor": TEXT,
            "action": TEXT,
            "kind": _KIND,
            "record": TEXT,
            "project": TEXT,
            "change": {"type": "object"},
        }
    ),
    "EventPage": obj({"items": many(ref("Event")), "next": or_null(TEXT)}),
    "Artifact": obj(_STAT),
    "ListedArtifact": obj(
        {
            **_STAT,
            "content_type": or_null(TEXT),
            "metadata": or_null(_TEXTS),
            "record": or_null(ref("Named")),
            "linked": or_null(ref("Named")),
        }
    ),
    "ArtifactPage": obj({"items": many(ref("ListedArtifact")), "next": or_null(TEXT)}),
    "Named": obj({"kind": _KIND, "id": TEXT}),
    "Upload": obj(
        {
            "id": TEXT,
            "bucket": TEXT,
            "key": TEXT,
            "parts": many(obj({"part": NUMBER, "etag": TEXT, "size": NUMBER})),
        }
    ),
    "BegunUpload": obj(
        {
            "id": TEXT,
            "bucket": TEXT,
            "key": TEXT,
            "path": TEXT,
            "begun": or_null(TIME),
            "age": or_null(NUMBER),
            "size": NUMBER,
            "owner": or_null(TEXT),
            "record": or_null(ref("Named")),
        }
    ),
    "UploadPage": obj({"items": many(ref("BegunUpload")), "next": or_null(TEXT)}),
    "Part": obj({"part": NUMBER, "etag": TEXT}),
    "Address": obj({"url": TEXT, "method": {"enum": ["GET", "PUT"]}, "expires": TIME}),
    "BulkResult": obj(
        {
            "results": many(
                obj(
                    {
                        "op": TEXT,
                        "kind": _KIND,
                        "id": TEXT,
                        "record": or_null({"oneOf": [{"type": "object"}]}),
                        "etag": or_null(TEXT),
                        "task": or_null(TEXT),
                    }
                )
            )
        }
    ),
}
