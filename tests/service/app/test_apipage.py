from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from slipway.service.apipage import pages
from slipway.service.apipage.operations import groups
from slipway.service.apipage.prose import prose
from slipway.service.apipage.schemas import example, rows, words
from slipway.service.app import Application
from tests.service.app.asking import ask, echo, service

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "servers": [{"url": "/v9"}],
    "tags": [{"name": "images", "description": "What is <booted>."}],
    "paths": {
        "/images/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {
                "tags": ["images"],
                "operationId": "get_image",
                "responses": {"200": {"$ref": "#/components/responses/Image"}},
            },
            "patch": {
                "tags": ["images"],
                "summary": "Change it",
                "description": "With `arch` only.",
                "requestBody": {
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Image"}}}
                },
                "responses": {"200": {"description": "done"}, "default": {"description": "no"}},
            },
        }
    },
    "components": {
        "responses": {
            "Image": {
                "description": "it",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Image"}}},
            }
        },
        "schemas": {
            "Link": {
                "type": "object",
                "required": ["path"],
                "properties": {"path": {"type": "string", "examples": ["s3://b/k"]}},
            },
            "Image": {
                "allOf": [
                    {
                        "type": "object",
                        "properties": {"id": {"type": "string", "format": "uuid"}},
                        "required": ["id"],
                    }
                ],
                "properties": {
                    "arch": {"enum": ["x86_64", "aarch64"], "default": "x86_64"},
                    "link": {"anyOf": [{"$ref": "#/components/schemas/Link"}, {"type": "null"}]},
                    "self": {"type": "array", "items": {"$ref": "#/components/schemas/Image"}},
                },
                "required": ["link"],
            },
        },
    },
}
IMAGE = {"$ref": "#/components/schemas/Image"}


def test_operations() -> None:
    [group] = groups(DOCUMENT, "a")
    assert str(group.text) == "<p>What is &lt;booted&gt;.</p>"
    assert [(o.method, o.path, o.summary) for o in group.operations] == [
        ("GET", "/v9/images/{id}", "get_image"),
        ("PATCH", "/v9/images/{id}", "Change it"),
    ]
    get, patch = group.operations
    assert get.parameters[0].required
    assert [outcome.status for outcome in patch.outcomes] == ["200", "default"]
    assert get.outcomes[0].fields[0].name == "id"
    assert patch.body is not None


def test_schemas() -> None:
    assert (
        words(DOCUMENT, {"anyOf": [{"type": "string", "format": "uuid"}, {"type": "null"}]})
        == "string (uuid) or null"
    )
    assert words(DOCUMENT, {"type": ["string", "null"]}) == "string or null"
    assert words(DOCUMENT, {"type": "object", "additionalProperties": {"type": "string"}}) == "string by name"
    found = {row.name: (row.kind, row.required) for row in rows(DOCUMENT, IMAGE)}
    assert found["arch"] == ("x86_64 | aarch64", False)
    assert found["link"] == ("object or null", True)
    assert found["link.path"] == ("string", True)
    assert found["self"] == ("list of object", False)
    assert len(found) < 100  # it holds itself


def test_examples() -> None:
    assert '"path": "s3://b/k"' in example(DOCUMENT, IMAGE)
    assert example(DOCUMENT, {"$ref": "#/nowhere"}) == '"text"'
    assert example(DOCUMENT, IMAGE, {"a": 1}) == '{\n  "a": 1\n}'


def test_prose() -> None:
    assert (
        str(prose("a `b<c>`\nd\n\n* x\n* y"))
        == "<p>a <code>b&lt;c&gt;</code> d</p><ul><li>x</li><li>y</li></ul>"
    )


class Addresses(HTMLParser):
    """What a browser would load, and what the strict policy would refuse."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag in ("script", "link", "img", "iframe"):
            self.loaded.append(named.get("src") or named.get("href") or "inline")
        self.inline += [name for name in named if name == "style" or name.startswith("on")]


def test_nothing_is_loaded_from_elsewhere() -> None:
    app = Application(service(), {"": echo}, pages([("A", "/v9/openapi.json", DOCUMENT)]))
    found = Addresses()
    found.feed(ask(app, "GET", "/docs").body.decode())
    assert found.loaded
    assert found.inline == []
    for address in found.loaded:
        said = ask(app, "GET", f"/apis/ims/{address}")
        assert said.status == 200
        assert b"http://" not in said.body.replace(b"http://www.w3.org/2000/svg", b"")
    assert ask(app, "GET", "/v9/openapi.json").json() == DOCUMENT
