"""The clients of boto3, as servers other than the vendor's own need them.

Checksums of newer releases are only sent where the protocol requires them: other servers refuse them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from slipway.service.settings import ServiceSettings

TRIES: Final = 5  # of a request, and of reading on after an object broke off
_CONNECTIONS: Final = 32
_CHECK_SECONDS: Final = 5.0  # what asks for the health of the service does not wait longer


def clients(settings: ServiceSettings) -> tuple[Any, Any]:
    """The client, and one that gives up sooner. Nothing is asked yet."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session()

    def client(connect: float, read: float, tries: int) -> Any:
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=connect,
            read_timeout=read,
            retries={"mode": "standard", "total_max_attempts": tries},
            max_pool_connections=_CONNECTIONS,
        )
        return session.client(
            "s3",
            endpoint_url=settings.s3_endpoint or None,
            aws_access_key_id=settings.s3_access_key or None,
            aws_secret_access_key=settings.s3_secret_key or None,
            region_name=settings.s3_region or "us-east-1",
            verify=(settings.s3_ca or True) if settings.s3_verify else False,
            config=config,
        )

    connect, read = settings.s3_connect_timeout, settings.s3_read_timeout
    return client(connect, read, TRIES), client(min(connect, _CHECK_SECONDS), min(read, _CHECK_SECONDS), 1)
