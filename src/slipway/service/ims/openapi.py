"""The description of the third API, OpenAPI 3.1: the operations and tags that clients know, and answers as they really are."""

from __future__ import annotations

from typing import Any, Final

from slipway import __version__
from slipway.service.ims.openapi_schemas import SCHEMAS, ref

Json = dict[str, Any]

_PROBLEM: Final = "application/problem+json"
_JSON: Final = "application/json"
_ALWAYS: Final = {
    "401": "Sign-in is on, and the request has no valid token.",
    "403": "The roles of the caller do not allow this.",
    "429": "Too many requests.",
    "503": "The database or the storage of artifacts does not answer.",
}
_WITH_BODY: Final = {
    "400": "No input, or none that can be read.",
    "408": "The body did not come in time.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The input is understood but not valid; `errors` names the fields.",
}
_MISSING: Final = {"404": "There is no such record."}
_CONFLICT: Final = {"409": "The record is not in a state for this, or others are changing it."}
_REFUSED: Final = {"422": "It cannot be done as things are."}
_PLAIN: Final = frozenset({"400", "415"})  # which come in the words of a framework as well

# Path, id, tag, names of operations for one and for many, schema.
_DELETABLE: Final = (
    ("public-keys", "public_key_id", "public keys", "public_key", "public_keys", "PublicKey"),
    ("recipes", "recipe_id", "recipes", "recipe", "recipes", "Recipe"),
    ("images", "image_id", "images", "image", "images", "Image"),
)


def document() -> Json:
    """Plain data, the same each time."""
    paths: Json = {}
    for name, id_, tag, one, many, schema in _DELETABLE:
        paths[f"/v3/{name}"] = _collection(tag, one, many, schema)
        paths[f"/v3/{name}/{{{id_}}}"] = _single(tag, one, schema, id_)
        paths[f"/v3/deleted/{name}"] = _deleted_collection(tag, many, schema)
        paths[f"/v3/deleted/{name}/{{deleted_{id_}}}"] = _deleted_single(tag, one, schema, f"deleted_{id_}")
    paths["/v3/recipes"]["post"]["operationId"] = "post_v3_recipes"  # as it has always been called
    del paths["/v3/public-keys/{public_key_id}"]["patch"]
    paths |= _jobs() | _nodes()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Image Management Service",
            "version": __version__,
            "description": "Recipes, images, public keys, jobs and remote build nodes. Times are UTC and have no offset.",
        },
        "tags": [
            {"name": "images", "description": "Interact with image records"},
            {"name": "jobs", "description": "Interact with job records"},
            {"name": "recipes", "description": "Interact with recipe records"},
            {"name": "public keys", "description": "Interact with public key records"},
            {"name": "remote build nodes", "description": "Interact with remote build node records"},
            {"name": "v3", "description": "IMS v3 API"},
        ],
        "paths": paths,
        "components": {"schemas": SCHEMAS},
    }


def _collection(tag: str, one: str, many: str, schema: str) -> Json:
    return {
        "get": _operation(tag, f"get_all_v3_{many}", f"List all {many}", {"200": _list(schema)}),
        "post": _operation(
            tag,
            f"post_v3_{one}",
            f"Create a record: {one}",
            {"201": _record(schema)},
            _WITH_BODY,
            _CONFLICT,
            body=f"{schema}Create",
        ),
        "delete": _operation(
            tag, f"delete_all_v3_{many}", f"Soft delete all {many}", _done(), _CONFLICT, _REFUSED
        ),
    }


def _single(tag: str, one: str, schema: str, id_: str) -> Json:
    return {
        "parameters": [_id(id_)],
        "get": _operation(tag, f"get_v3_{one}", f"Retrieve by {id_}", {"200": _record(schema)}, _MISSING),
        "patch": _operation(
            tag,
            f"patch_v3_{one}",
            f"Update by {id_}",
            {"200": _record(schema)},
            _WITH_BODY,
            _MISSING,
            _CONFLICT,
            body=f"{schema}Patch",
        ),
        "delete": _operation(
            tag, f"delete_v3_{one}", f"Soft delete by {id_}", _done(), _MISSING, _CONFLICT, _REFUSED
        ),
    }


def _deleted_collection(tag: str, many: str, schema: str) -> Json:
    deleted = f"Deleted{schema}"
    return {
        "get": _operation(tag, f"get_all_v3_deleted_{many}", f"List deleted {many}", {"200": _list(deleted)}),
        "delete": _operation(
            tag,
            f"delete_all_v3_deleted_{many}",
            f"Permanently delete all deleted {many}",
            _done(),
            {"400": "The query cannot be read."},
            _CONFLICT,
            _REFUSED,
        ),
        "patch": _operation(
            tag,
            f"patch_all_v3_deleted_{many}",
            f"Restore all deleted {many}",
            _done(),
            _WITH_BODY,
            _CONFLICT,
            body="DeletedPatch",
        ),
    }


def _deleted_single(tag: str, one: str, schema: str, id_: str) -> Json:
    return {
        "parameters": [_id(id_)],
        "get": _operation(
            tag,
            f"get_v3_deleted_{one}",
            f"Retrieve by {id_}",
            {"200": _record(f"Deleted{schema}")},
            _MISSING,
        ),
        "delete": _operation(
            tag,
            f"delete_v3_deleted_{one}",
            f"Permanently delete by {id_}",
            _done(),
            {"400": "The query cannot be read."},
            _MISSING,
            _CONFLICT,
            _REFUSED,
        ),
        "patch": _operation(
            tag,
            f"patch_v3_deleted_{one}",
            f"Restore by {id_}",
            _done(),
            _WITH_BODY,
            _MISSING,
            _CONFLICT,
            body="DeletedPatch",
        ),
    }


def _jobs() -> Json:
    whole = _collection("jobs", "job", "jobs", "Job")
    one = _single("jobs", "job", "Job", "job_id")
    failed = {"500": _problem("What runs the job could not do it.")}
    for operation in (whole["post"], whole["delete"], one["patch"], one["delete"]):
        operation["responses"] |= failed
    whole["delete"]["summary"] = "Delete all jobs, or those that fit"
    whole["delete"]["responses"]["400"] = _problem("A parameter means nothing; nothing is deleted.")
    whole["delete"]["parameters"] = [
        _query("status", {"type": "array", "items": ref("JobStatus")}, "Only jobs in one of these states."),
        _query("job_type", ref("JobType"), "Only jobs of this type."),
        _query(
            "age", {"type": "string", "examples": ["1d", "1w2d3h4m"]}, "Only jobs that are older than this."
        ),
    ]
    one["delete"]["summary"] = "Delete by job_id"
    one["patch"]["tags"] = ["jobs", "cli_ignore", "v3"]
    one["patch"]["x-private"] = True
    return {"/v3/jobs": whole, "/v3/jobs/{job_id}": one}


def _nodes() -> Json:
    tag, one, many = "remote build nodes", "remote_build_node", "remote_build_nodes"
    whole = _collection(tag, one, many, "RemoteBuildNode")
    single = _single(tag, one, "RemoteBuildNode", "remote_build_node_xname")
    del single["patch"]
    whole["delete"]["summary"], single["delete"]["summary"] = "Delete all nodes", "Delete by xname"
    status = "RemoteBuildNodeStatus"
    seen = _operation(tag, f"get_all_v3_{many}_status", "Status of all nodes", {"200": _list(status)})
    one_seen = _operation(tag, f"get_v3_{one}_status", "Status of a node", {"200": _record(status)}, _MISSING)
    place = "/v3/remote-build-nodes"
    return {
        place: whole,
        f"{place}/{{remote_build_node_xname}}": single,
        f"{place}/status": {"get": seen},
        f"{place}/status/{{remote_build_node_xname}}": {
            "parameters": [_id("remote_build_node_xname")],
            "get": one_seen,
        },
    }


def _operation(
    tag: str, id_: str, summary: str, good: Json, *problems: dict[str, str], body: str = ""
) -> Json:
    operation: Json = {"operationId": id_, "summary": summary, "tags": [tag, "v3"]}
    if body:
        operation["requestBody"] = {"required": True, "content": {_JSON: {"schema": ref(body)}}}
    responses = dict(good)
    for each in (*problems, _ALWAYS):
        responses |= {status: _problem(text, plain=status in _PLAIN) for status, text in each.items()}
    operation["responses"] = responses
    return operation


def _problem(text: str, *, plain: bool = False) -> Json:
    content: Json = {_PROBLEM: {"schema": ref("ProblemDetails")}}
    if plain:
        content[_JSON] = {"schema": ref("Message")}
    return {"description": text, "content": content}


def _record(schema: str) -> Json:
    return {"description": "The record", "content": {_JSON: {"schema": ref(schema)}}}


def _list(schema: str) -> Json:
    items = {"type": "array", "items": ref(schema)}
    return {"description": "All of them", "content": {_JSON: {"schema": items}}}


def _done() -> Json:
    return {"204": {"description": "Done"}}


def _id(name: str) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _query(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "schema": schema, "description": description}
