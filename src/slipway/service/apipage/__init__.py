"""The interactive page of the APIs, at `/docs`: made from their OpenAPI documents, and nothing is loaded from elsewhere.

All of it can be read without scripts; the one script sends requests and shows what comes back.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from slipway import __version__
from slipway.service.apipage.operations import groups
from slipway.service.asgi import JSON, answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.service.asgi import App, Receive, Scope, Send

_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    b" base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def pages(documents: Sequence[tuple[str, str, dict[str, Any]]], *, signed_in: bool = False) -> dict[str, App]:
    """The page and its files by path, and the OpenAPI 3.1 documents that it shows, each with a title and its path.

    `signed_in`: tokens are needed.
    """
    from jinja2 import Environment, PackageLoader

    environment = Environment(
        loader=PackageLoader("slipway.service", "apipage"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    apis = [
        (title, path, groups(document, f"api{number}"))
        for number, (title, path, document) in enumerate(documents)
    ]
    page = environment.get_template("page.html").render(apis=apis, version=__version__, signed_in=signed_in)
    return {
        "/docs": _static(page.encode(), b"text/html; charset=utf-8"),
        "/docs/page.css": _static(_file("page.css"), b"text/css; charset=utf-8"),
        "/docs/icon.svg": _static(_file("icon.svg"), b"image/svg+xml"),
        "/docs/page.js": _static(_file("page.js"), b"text/javascript; charset=utf-8"),
        **{path: _static(json.dumps(document).encode(), JSON) for _, path, document in documents},
    }


def _file(name: str) -> bytes:
    return files("slipway.service.apipage").joinpath(name).read_bytes()


def _static(content: bytes, content_type: bytes) -> App:
    headers = ((b"content-security-policy", _POLICY), (b"cache-control", b"no-cache"))

    async def page(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI
        await answer(scope, send, content, content_type=content_type, headers=headers)

    return page
