"""The OpenAPI document: each endpoint is registered together with what it takes and answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from slipway.service.v4 import models
from slipway.service.v4.answers import JSON, acceptable
from slipway.service.v4.problems import MEDIA
from slipway.service.v4.resources import RESOURCES
from slipway.service.v4.schemas import COMPONENTS, ref

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fastapi import FastAPI
    from starlette.requests import Request
    from starlette.responses import Response

    Handler = Callable[[Request], Awaitable[Response]]

Parameter = dict[str, Any]
ALWAYS: Final = (401, 403, 406, 422, 429, 500, 502, 503)
_MODELS: Final[tuple[type[models.Model], ...]] = (
    *(each.create for each in RESOURCES),
    models.UploadIn,
    models.CompleteIn,
    models.AddressIn,
    models.BulkIn,
)
_PATCHES: Final[tuple[type[models.Model], ...]] = tuple(each.patch for each in RESOURCES)
_MEANING: Final = {
    400: "The body cannot be read",
    401: "A token is needed",
    403: "Not allowed to this actor",
    404: "Not there",
    406: "Not to be had in the type that was asked for",
    409: "In conflict with what is there",
    412: "Changed meanwhile: a condition does not hold",
    413: "Too large",
    415: "A body of this type is not taken",
    416: "No such range",
    422: "Read, but not valid; `errors` names each place",
    429: "Too many requests",
    500: "The service failed",
    502: "The storage or the runner refused",
    503: "The database or the storage does not answer; try again",
}


@dataclass(frozen=True, slots=True)
class Operation:
    """`answers` are descriptions, schemas and headers by status; `problems` the statuses of problems beside those that all have."""

    id: str
    tag: str
    summary: str
    answers: dict[int, dict[str, Any]]
    parameters: tuple[Parameter, ...] = ()
    body: dict[str, Any] | None = None
    problems: tuple[int, ...] = ()
    description: str = ""
    media: str = JSON
    head: bool = field(default=True)


def add(app: FastAPI, method: str, path: str, handler: Handler, operation: Operation) -> None:
    """GET answers HEAD too, unless `head` says otherwise."""

    async def endpoint(request: Request) -> Response:
        if operation.media:
            acceptable(request, operation.media)
        return await handler(request)

    # FastAPI reads the annotations of an endpoint, and these have to be real here
    from starlette.requests import Request as Real

    endpoint.__annotations__ = {"request": Real}
    statuses = sorted({*ALWAYS, *operation.problems})
    responses: dict[str, Any] = {str(status): shown for status, shown in operation.answers.items()}
    responses |= {
        str(status): {"description": _MEANING[status], "content": {MEDIA: {"schema": ref("Problem")}}}
        for status in statuses
        if status not in operation.answers
    }
    extra: dict[str, Any] = {"responses": dict(sorted(responses.items()))}
    parameters = [*_of_path(path), *operation.parameters]
    if parameters:
        extra["parameters"] = parameters
    if operation.body is not None:
        extra["requestBody"] = operation.body
    app.add_api_route(
        path,
        endpoint,
        methods=[method],
        operation_id=operation.id,
        tags=[operation.tag],
        summary=operation.summary,
        description=operation.description or operation.summary,
        openapi_extra=extra,
        response_model=None,
        status_code=next(iter(operation.answers)),
    )
    if method == "GET" and operation.head:
        app.add_api_route(path, endpoint, methods=["HEAD"], include_in_schema=False, response_model=None)


def json(schema: str | dict[str, Any], description: str, **headers: str) -> dict[str, Any]:
    content = {JSON: {"schema": ref(schema) if isinstance(schema, str) else schema}}
    return {"description": description, "content": content, **_headers(headers)}


def empty(description: str, **headers: str) -> dict[str, Any]:
    return {"description": description, **_headers(headers)}


def body(model: str, *media: str, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {each: {"schema": ref(model)} for each in media or (JSON,)}}


def query(name: str, schema: dict[str, Any], description: str, **more: Any) -> Parameter:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": description,
        **more,
    }


def header(name: str, description: str, schema: dict[str, Any] | None = None) -> Parameter:
    text = {"type": "string"}
    return {
        "name": name,
        "in": "header",
        "required": False,
        "schema": schema or text,
        "description": description,
    }


IF_MATCH: Final = header("If-Match", "Only if the ETag is still this one; else 412")
IF_NONE_MATCH: Final = header("If-None-Match", "The ETag that is known; 304 when it is still the same")
IDEMPOTENCY_KEY: Final = header(
    "Idempotency-Key",
    "A text of the client's own. The same request under the same key is done once, and answered alike for a day",
    {"type": "string", "pattern": r"^[\x21-\x7e]+$", "minLength": 1, "maxLength": 255},
)


def document(app: FastAPI) -> dict[str, Any]:
    """Made once. Components are ours; FastAPI gathers the paths."""
    from fastapi.openapi.utils import get_openapi

    made = get_openapi(
        title=app.title,
        version=app.version,
        openapi_version="3.1.0",
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
        servers=[{"url": "/v4"}],
    )
    for operations in made["paths"].values():
        for operation in operations.values():
            ours = operation["responses"]
            operation["responses"] = {status: ours[status] for status in sorted(ours)}
    made["components"] = {"schemas": {**COMPONENTS, **_inputs()}, "securitySchemes": _SECURITY}
    made["security"] = [{}, {"bearer": []}]
    return made


_SECURITY: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the OIDC issuer"}
}


def _inputs() -> dict[str, Any]:
    _, found = models_json_schema(
        [(model, "validation") for model in (*_MODELS, *_PATCHES)],
        ref_template="#/components/schemas/{model}",
    )
    schemas: dict[str, Any] = found["$defs"]
    for resource in RESOURCES:
        for name, info in resource.patch.model_fields.items():
            schema = schemas[resource.patch.__name__]["properties"][name]
            schema.pop("default", None)
            schema.pop("propertyNames", None)  # any name can be removed
            if found_values := list(schema.pop("patternProperties", {}).values()):
                schema["additionalProperties"] = found_values[0]
            if isinstance(values := schema.get("additionalProperties"), dict):
                schema["additionalProperties"] = {"anyOf": [values, {"type": "null"}]}
            if not resource.edit.model_fields[name].is_required() and "anyOf" not in schema:
                title = info.title or schema.get("title", name)
                schemas[resource.patch.__name__]["properties"][name] = {
                    "anyOf": [schema, {"type": "null"}],
                    "title": title,
                }
    return schemas


def _of_path(path: str) -> list[Parameter]:
    found = []
    for part in path.split("{")[1:]:
        name = part.partition("}")[0].partition(":")[0]
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        if name == "number":
            schema = {"type": "integer", "minimum": 1, "maximum": 10000}
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    return found


def _headers(headers: dict[str, str]) -> dict[str, Any]:
    if not headers:
        return {}
    return {
        "headers": {
            name.replace("_", "-"): {"description": text, "schema": {"type": "string"}}
            for name, text in headers.items()
        }
    }
