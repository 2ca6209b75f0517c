"""The image service from the other side: its records, its artifacts, and how to sign in."""

from __future__ import annotations

from slipway.client.asynchronous import AsyncClient
from slipway.client.client import Client
from slipway.client.depot import S3Access
from slipway.client.errors import ServiceError
from slipway.client.signin import ClientCredentials, Token, TokenFile

__all__ = [
    "AsyncClient",
    "Client",
    "ClientCredentials",
    "S3Access",
    "ServiceError",
    "Token",
    "TokenFile",
]
