"""The page of the API says every endpoint that is there."""

from __future__ import annotations

from slipway.service.apipage.reference import markdown
from slipway.service.ims.openapi import document

SMALL = {
    "tags": [{"name": "things"}],
    "paths": {
        "/things/{id}": {
            "get": {
                "tags": ["things"],
                "summary": "Get a thing",
                "description": "One `thing` | or none",
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "n", "in": "query", "schema": {"type": "integer", "default": 5}},
                ],
                "responses": {
                    "200": {
                        "description": "It",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {"name": {"type": "string"}},
                                    "required": ["name"],
                                }
                            }
                        },
                    },
                    "404": {"description": "None"},
                },
            }
        }
    },
}


def test_what_is_told_of_an_endpoint() -> None:
    page = markdown(SMALL, "Small", "s")
    for line in (
        "## Small",
        "### things (s)",
        "#### `GET /things/{id}`",
        "One `thing` | or none",
        "| `id` | path | string | yes |  |",
        "| `n` | query | integer |  |  (default: `5`) |",
        "| 200 | It | `application/json` |",
        "| 404 | None |  |",
        "| `name` | string | yes |  |",
    ):
        assert line in page.splitlines(), page


def test_every_endpoint_is_there() -> None:
    told = document()
    page = markdown(told, "v3", "v3")
    methods = {"get", "post", "put", "patch", "delete", "head"}
    for path, item in told["paths"].items():
        for method in methods & item.keys():
            assert f"{method.upper()} " in page
            assert f"{path}`" in page
