"""The whole door with a real provider."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from slipway.service.app import Application
from slipway.service.serve import tokens_of
from slipway.service.settings import ServiceSettings
from slipway.settings import load
from tests.service.app.asking import asked, echo, service
from tests.service.auth.provider import providing, token

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with providing() as issuer:
        yield issuer


def statuses(issuer: str, *given: str, audience: str = "urn:slipway") -> list[int]:
    settings = ServiceSettings(issuer=issuer, audience=audience, roles_claim="realm_access.roles")

    async def all_() -> list[int]:
        with tokens_of(settings, load({"HOME": "/nonexistent"})) as tokens:
            app = Application(service(), {"": echo}, {}, tokens)
            heads = [{"Authorization": f"Bearer {each}"} for each in given]
            return [(await asked(app, "GET", "/v3/images", head)).status for head in heads]

    return asyncio.run(all_())


def test_tokens_of_a_real_provider(provider: str) -> None:
    good, none = token(provider, "builder"), token(provider, "nobody")
    assert statuses(provider, good, none, good[:-4] + "AAAA", good) == [200, 403, 401, 200]
    assert statuses(provider, good, audience="urn:other") == [401]
