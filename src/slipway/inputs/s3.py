"""s3: sources: one object, or with a `/` at the end everything below a prefix, through boto3 (the extra `slipway[s3]`).

Where the server is and who we are comes from what boto3 looks at: AWS_ENDPOINT_URL and kin, ~/.aws, the machine's role. An
object is the same as long as its ETag is. Keys are written as they are, without percent encoding.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from slipway.errors import FetchError, InputError, ToolError, UsageError
from slipway.inputs.place import RangeRefusedError, Seen
from slipway.net import CONNECTIONS, PIECE
from slipway.net_errors import TransientError, redact
from slipway.net_proxy import proxy_for
from slipway.oci.entry import clean_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.inputs.address import Address
    from slipway.inputs.network import Network
    from slipway.inputs.place import Place

_MOST = 200_000  # objects below a prefix
_GONE = ("404", "NoSuchKey", "NoSuchBucket", "NotFound")
_DENIED = ("401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken")
_NETWORK = {
    "EndpointConnectionError": "no connection to the server",
    "ConnectTimeoutError": "no connection in time",
    "ProxyConnectionError": "no connection to the proxy",
    "ReadTimeoutError": "the server went silent",
}
_PASSING = ("500", "502", "503", "504", "SlowDown", "InternalError", "RequestTimeout", "ServiceUnavailable")


@contextmanager
def connect(address: Address, network: Network) -> Iterator[Place]:
    if address.user or address.port:
        raise UsageError(
            f"{address.shown}: an address of S3 is s3://BUCKET/KEY",
            hint="the server goes into AWS_ENDPOINT_URL, keys into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or ~/.aws",
        )
    if not address.path[1:]:
        raise UsageError(
            f"{address.shown} names no object", hint="write a prefix with `/` at its end for many"
        )
    with explained(address):
        client = network.shared("s3", lambda: _client(network))
    yield _S3Place(client, address, network)


class _S3Place:
    width = CONNECTIONS
    certain = True

    def __init__(self, client: Any, address: Address, network: Network) -> None:
        self._client = client
        self._address = address
        self._network = network
        self._key = address.path[1:]

    def look(self) -> list[Seen]:
        with explained(self._address):
            if self._key.endswith("/"):
                return self._below()
            head = self._client.head_object(Bucket=self._address.host, Key=self._key)
            return [Seen("", "file", int(head["ContentLength"]), str(head.get("ETag", "")))]

    def read(self, seen: Seen, start: int) -> Iterator[bytes]:
        key = self._key + seen.path
        asked = {"Bucket": self._address.host, "Key": key}
        if seen.mark:
            asked["IfMatch"] = seen.mark
        if start:
            asked["Range"] = f"bytes={start}-"
        with explained(self._address):
            answer = self._client.get_object(**asked)
            with answer["Body"] as body:
                if start and not str(answer.get("ContentRange", "")).startswith(f"bytes {start}-"):
                    raise RangeRefusedError
                while piece := body.read(PIECE):
                    self._network.check(self._address)
                    yield piece

    def _below(self) -> list[Seen]:
        found: dict[str, Seen] = {}
        pages = self._client.get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._address.host, Prefix=self._key):
            for item in page.get("Contents", ()):
                self._add(found, str(item["Key"])[len(self._key) :], item)
                if len(found) > _MOST:
                    raise FetchError(f"{self._address.shown} holds more than {_MOST} objects")
        if not found:
            raise FetchError(f"cannot download {self._address.shown}: there is nothing with this prefix")
        found.pop("", None)
        return [found[path] for path in sorted(found, key=str.encode)]

    def _add(self, found: dict[str, Seen], name: str, item: Any) -> None:
        path = name.removesuffix("/")
        if clean_path(path, what=self._address.shown) != path:
            raise InputError(f"{self._address.shown} holds a key that is no path: {name[:80]!r}")
        for parent in reversed(PurePosixPath(path).parents[:-1]):
            if found.setdefault(str(parent), _directory(str(parent))).kind != "dir":
                raise self._both(str(parent))
        if name.endswith("/") or not name:  # what some programs put where a directory is
            found.setdefault(path, _directory(path))
        elif path in found:
            raise self._both(path)
        else:
            found[path] = Seen(path, "file", int(item["Size"]), str(item.get("ETag", "")))

    def _both(self, path: str) -> InputError:
        return InputError(f"{self._address.shown}: {path} is an object, and others are below it")


def _directory(path: str) -> Seen:
    return Seen(path, "dir", mode=0o755)


def _client(network: Network) -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise ToolError(
            "sources of scheme s3 need boto3, which is not installed",
            hint='install it beside slipway: pip install "slipway[s3]"',
        ) from error
    settings = network.settings
    options: dict[str, Any] = {
        "connect_timeout": min(settings.timeout, 10.0),
        "read_timeout": settings.timeout,
        "max_pool_connections": CONNECTIONS,
        "retries": {"total_max_attempts": 1},  # how often is tried is told by us
        # servers other than Amazon's do not know the newer checksums
        "request_checksum_calculation": "when_required",
        "response_checksum_validation": "when_required",
    }
    session = boto3.session.Session()
    client = session.client("s3", config=Config(**options))
    if settings.proxies:  # those of the environment it finds by itself
        from urllib.parse import urlsplit

        at = urlsplit(client.meta.endpoint_url)
        proxy = proxy_for(at.scheme, at.hostname or "", at.port, settings.proxies)
        client = session.client("s3", config=Config(**options, proxies={at.scheme: proxy} if proxy else {}))
    return client


@contextmanager
def explained(address: Address) -> Iterator[None]:
    """Turn the errors of botocore into ours; nothing of a request is shown, only what the server calls the error."""
    failed = f"cannot download {address.shown}"
    try:
        from botocore import exceptions
    except ImportError:
        yield
        return
    try:
        yield
    except exceptions.ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _GONE:
            raise FetchError(f"{failed}: there is no such object") from None
        if code in _DENIED:
            raise FetchError(
                f"{failed}: the server does not permit it ({code})",
                hint="check the keys in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or in ~/.aws",
            ) from None
        if code in ("412", "PreconditionFailed"):
            raise TransientError(f"{failed}: it changed while it was read") from None
        kind = TransientError if code in _PASSING else FetchError
        raise kind(f"{failed}: the server answers {code}") from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise FetchError(
            f"{failed}: there are no keys to log in with",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them into ~/.aws/credentials",
        ) from error
    except exceptions.SSLError as error:
        raise FetchError(
            f"{failed}: the server's certificate is not trusted, or it does not speak TLS",
            hint="if your network has its own certificate authority, name its file in AWS_CA_BUNDLE",
        ) from error
    except (exceptions.HTTPClientError, exceptions.ConnectionError, exceptions.IncompleteReadError) as error:
        raise TransientError(
            f"{failed}: {_NETWORK.get(type(error).__name__, 'the connection was cut')}"
        ) from error
    except exceptions.BotoCoreError as error:
        raise FetchError(f"{failed}: {redact(str(error))}") from error
