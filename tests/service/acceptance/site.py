"""The service as it is deployed: the command in a process of its own, told by the original's variables where S3 is."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.e2e.kit import COMMAND, machine_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

RECIPES, IMAGES = "ims", "boot-images"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    """`url` is the service's, `s3` a client of the server where it keeps artifacts, as the clients of the service have one too."""

    url: str
    s3: Any

    def ask(
        self, method: str, path: str, content: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """As `requests` asks: JSON where there is content, and no Content-Type where there is none."""
        place = urlsplit(self.url)
        connection = HTTPConnection(place.hostname or "", place.port, timeout=120)
        body = None if content is None else json.dumps(content).encode()
        sent = {"Accept": "*/*", **({"Content-Type": "application/json"} if content is not None else {})}
        try:
            connection.request(method, path, body, {**sent, **(headers or {})})
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, told, answer.read())
        finally:
            connection.close()

    def good(self, method: str, path: str, content: Any = None, status: int = 200) -> Any:
        """The JSON of an answer that has to have this status."""
        reply = self.ask(method, path, content)
        assert reply.status == status, reply
        return reply.json if reply.body else None

    def keys(self, prefix: str, bucket: str = IMAGES) -> set[str]:
        found = self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
        return {each["Key"] for each in found}

    def metadata(self, bucket: str, key: str) -> dict[str, str]:
        """With names in lower case, which not every server keeps."""
        found = self.s3.head_object(Bucket=bucket, Key=key)["Metadata"]
        return {name.lower(): value for name, value in found.items()}


@contextmanager
def serving(home: Path, endpoint: str, key: str, secret: str) -> Iterator[Site]:
    """Buckets are made if they are not there."""
    s3 = _client(endpoint, key, secret)
    try:
        for bucket in (RECIPES, IMAGES):
            with suppress(s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists):
                s3.create_bucket(Bucket=bucket)
        env = machine_environment() | {
            "HOME": str(home),
            "S3_ENDPOINT": endpoint,
            "S3_ACCESS_KEY": key,
            "S3_SECRET_KEY": secret,
            "S3_SSL_VALIDATE": "False",
            "S3_IMS_BUCKET": RECIPES,
            "S3_BOOT_IMAGES_BUCKET": IMAGES,
            "SLIPWAY_SERVICE_DATA": str(home / "service"),
            "SLIPWAY_SERVICE_PORT": "0",
            "SLIPWAY_SERVICE_DELETION_WAIT": "100",
            "SLIPWAY_SERVICE_LOG_LEVEL": "warning",
        }
        with _process(env, home / "serve.log") as url:
            yield Site(url, s3)
    finally:
        s3.close()


def _client(endpoint: str, key: str, secret: str) -> Any:
    import boto3
    from botocore.config import Config

    config = Config(
        request_checksum_calculation="when_required", response_checksum_validation="when_required"
    )
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        region_name="us-east-1",
        config=config,
    )


@contextmanager
def _process(env: dict[str, str], log: Path) -> Iterator[str]:
    with (
        log.open("wb") as err,
        subprocess.Popen(
            [*COMMAND, "serve"],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=err,
            text=True,
        ) as server,
    ):
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            assert "http://" in said, f"{said}\n{log.read_text()}"
            yield said.split()[-1]
            assert server.poll() is None, log.read_text()
        finally:
            server.terminate()
            server.wait(30)
