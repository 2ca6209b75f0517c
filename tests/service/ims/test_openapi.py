"""The description of the API against the API itself."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from slipway.service.ims.openapi import document
from slipway.service.ims.routes import table
from slipway.service.ims.schemas import (
    IMAGE,
    IMAGE_CHANGE,
    JOB,
    JOB_CHANGE,
    NODE,
    PUBLIC_KEY,
    RECIPE,
    RECIPE_CHANGE,
)
from tests.service.ims.conftest import World

METHODS = {"get", "post", "patch", "delete"}


def operations() -> dict[tuple[str, str], Any]:
    return {
        (path, method): operation
        for path, item in document()["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    }


def test_every_route_is_described_and_nothing_else() -> None:
    described = {(_star(path), method) for path, method in operations()}
    served = {
        (path, method.lower())
        for path, route in table().items()
        for method in route
        if path.startswith("/v3/")
    }
    assert served - described == {("/v3/remote-build-nodes/status", "delete")}  # of a node with that name
    assert described <= served


def _star(path: str) -> str:
    head, _, last = path.rpartition("/")
    return f"{head}/*" if last.startswith("{") else path


def test_operations_keep_their_names() -> None:
    names = [operation["operationId"] for operation in operations().values()]
    assert len(names) == len(set(names))
    assert {
        "get_all_v3_recipes", "post_v3_recipes", "delete_all_v3_recipes", "get_v3_recipe", "patch_v3_recipe",
        "delete_v3_recipe", "get_all_v3_images", "post_v3_image", "delete_all_v3_images", "get_v3_image",
        "patch_v3_image", "delete_v3_image", "get_all_v3_public_keys", "post_v3_public_key",
        "delete_all_v3_public_keys", "get_v3_public_key", "delete_v3_public_key", "get_all_v3_jobs", "post_v3_job",
        "delete_all_v3_jobs", "get_v3_job", "patch_v3_job", "delete_v3_job", "get_all_v3_deleted_recipes",
        "delete_all_v3_deleted_recipes", "patch_all_v3_deleted_recipes", "get_v3_deleted_recipe",
        "delete_v3_deleted_recipe", "patch_v3_deleted_recipe", "get_all_v3_deleted_images",
        "delete_all_v3_deleted_images", "patch_all_v3_deleted_images", "get_v3_deleted_image",
        "delete_v3_deleted_image", "patch_v3_deleted_image", "get_all_v3_deleted_public_keys",
        "delete_all_v3_deleted_public_keys", "patch_all_v3_deleted_public_keys", "get_v3_deleted_public_key",
        "delete_v3_deleted_public_key", "patch_v3_deleted_public_key",
    } <= set(names)  # fmt: skip
    tags = {tag for operation in operations().values() for tag in operation["tags"]}
    assert tags == {"recipes", "images", "public keys", "jobs", "remote build nodes", "v3", "cli_ignore"}


@pytest.mark.parametrize(
    ("name", "schema"),
    [("PublicKeyCreate", PUBLIC_KEY), ("RecipeCreate", RECIPE), ("RecipePatch", RECIPE_CHANGE), ("ImageCreate", IMAGE),
     ("ImagePatch", IMAGE_CHANGE), ("JobCreate", JOB), ("JobPatch", JOB_CHANGE), ("RemoteBuildNodeCreate", NODE)],
)  # fmt: skip
def test_what_is_described_is_what_is_taken(name: str, schema: Any) -> None:
    described = document()["components"]["schemas"][name]
    assert set(described["properties"]) == set(schema)
    assert set(described["required"]) == {field for field, how in schema.items() if how.required}


def test_it_is_valid() -> None:
    import schemathesis

    assert json.loads(json.dumps(document())) == document()
    found = schemathesis.openapi.from_dict(document())
    found.validate()


@pytest.mark.slow
def test_nothing_that_is_not_described(world: World) -> None:
    """All kinds of requests, right and wrong: no answer of 5xx, and none that the description does not have."""
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import (
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
        status_code_conformance,
    )

    checks = [
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_headers_conformance,
        response_schema_conformance,
    ]
    world.made("/v3/public-keys", name="k", public_key="p")
    world.made("/v3/images", name="i", link=world.manifest("i"))
    schema = schemathesis.openapi.from_asgi("/openapi.json", _Described(world.ask.app))
    count = 0
    strategies = [
        _good(result).as_strategy(generation_mode=mode)
        for result in schema.get_all_operations()
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
    ]
    for strategy in strategies:

        @settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=strategy)
        def run(case: Any) -> None:
            nonlocal count
            count += 1
            case.call_and_validate(checks=checks)

        with suppress(Unsatisfiable):  # without parameters and body there is nothing to get wrong
            run()
    assert count > 300


def _good(result: Any) -> Any:
    return result.ok()


class _Described:
    """The application, with its description where schemathesis looks."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/openapi.json":
            body = json.dumps(document()).encode()
            headers = [(b"content-type", b"application/json")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": body})
            return
        await self.app(scope, receive, send)
