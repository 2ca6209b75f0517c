"""The APIs of the service and the page that shows them, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.service.apipage import pages
from slipway.service.app import SIGNED, Application
from slipway.service.artifacts import http
from slipway.service.artifacts.local import LocalArtifacts
from slipway.service.ims import api as ims
from slipway.service.ims import openapi as ims_openapi
from slipway.service.v4 import api as v4
from slipway.service.v4 import openapi as v4_openapi

if TYPE_CHECKING:
    from slipway.service.asgi import App
    from slipway.service.auth.tokens import Tokens
    from slipway.service.state import Service


def assembled(service: Service, tokens: Tokens | None) -> Application:
    """The whole service as one ASGI application."""
    ours = v4.application(service)
    apis: dict[str, App] = {"": ims.application(service), "/v4": ours}
    if isinstance(service.artifacts, LocalArtifacts):  # an S3 server answers for itself
        limit = service.settings.upload_limit
        apis[SIGNED] = http.application(service.artifacts, service.clock, limit=limit)
    documents = [
        ("Slipway API, version 4", "/v4/openapi.json", v4_openapi.document(ours)),
        ("Compatible API, version 3", "/v3/openapi.json", ims_openapi.document()),
    ]
    # its own answer knows of prefixes, and is for everybody as the page is
    shown: dict[str, App] = {**pages(documents, signed_in=tokens is not None), "/v4/openapi.json": ours}
    return Application(service, apis, shown, tokens)
