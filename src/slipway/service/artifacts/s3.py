"""Artifacts in any S3 (boto3, classic transfers).

Checksums of newer AWS releases are only sent where the protocol requires them: other servers refuse them.
"""

from __future__ import annotations

import tempfile
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final, Literal

from slipway.errors import InputError
from slipway.service.artifacts.model import ArtifactError, MissingError, Stat, check_names
from slipway.service.artifacts.passing import Passing
from slipway.service.artifacts.s3errors import translated

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from slipway.service.settings import ServiceSettings

_PIECE: Final = 1 << 20
_THREADS: Final = 8
_PART: Final = 16 << 20
# Copies up to here are one request, which leaves the ETag as it is; servers take at most 5 GiB.
_COPY_WHOLE: Final = 1 << 30
_COPY_PART: Final = 256 << 20
_IN_MEMORY: Final = 16 << 20


class S3Artifacts:
    """`buckets` are those that `check` asks about."""

    def __init__(self, client: Any, buckets: Sequence[str] = ()) -> None:
        from boto3.s3.transfer import TransferConfig

        self._client = client
        self._buckets = tuple(buckets)
        self._puts = TransferConfig(
            multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=_THREADS
        )
        self._copies = TransferConfig(
            multipart_threshold=_COPY_WHOLE, multipart_chunksize=_COPY_PART, max_concurrency=_THREADS
        )

    @classmethod
    def connect(cls, settings: ServiceSettings) -> S3Artifacts:
        """To the server of the settings. Nothing is asked yet."""
        import boto3
        from botocore.config import Config

        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=settings.s3_connect_timeout,
            read_timeout=settings.s3_read_timeout,
            retries={"mode": "standard", "max_attempts": 5},
            max_pool_connections=4 * _THREADS,
        )
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=settings.s3_endpoint or None,
            aws_access_key_id=settings.s3_access_key or None,
            aws_secret_access_key=settings.s3_secret_key or None,
            region_name=settings.s3_region or "us-east-1",
            verify=(settings.s3_ca or True) if settings.s3_verify else False,
            config=config,
        )
        return cls(client, (settings.recipes_bucket, settings.images_bucket))

    def head(self, bucket: str, key: str) -> Stat | None:
        try:
            with translated(bucket, key):
                found = self._client.head_object(Bucket=bucket, Key=key)
        except MissingError:
            return None
        return _stat(bucket, key, found)

    def read(self, bucket: str, key: str, limit: int) -> bytes:
        with translated(bucket, key):
            found = self._client.get_object(Bucket=bucket, Key=key)
            with closing(found["Body"]) as body:
                content: bytes = body.read(limit + 1)
        if len(content) > limit:
            raise InputError(f"s3://{bucket}/{key} has more than the {limit} bytes that are read")
        return content

    def chunks(self, bucket: str, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        wanted = {"Range": f"bytes={start}-{'' if stop is None else stop - 1}"} if start or stop else {}
        with translated(bucket, key):
            body = self._client.get_object(Bucket=bucket, Key=key, **wanted)["Body"]
        return _pieces(body, bucket, key)

    def put(
        self,
        bucket: str,
        key: str,
        chunks: Iterable[bytes],
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> Stat:
        check_names(bucket, key)
        passing = Passing(chunks)
        extra = {"ContentType": content_type, "Metadata": dict(metadata or {})}
        with translated(bucket, key):
            self._client.upload_fileobj(_Reader(passing), bucket, key, ExtraArgs=extra, Config=self._puts)
            found = _stat(bucket, key, self._client.head_object(Bucket=bucket, Key=key))
        if found.size != passing.size:
            raise ArtifactError(
                f"s3://{bucket}/{key} has {found.size} bytes, {passing.size} were sent", again=True
            )
        return Stat(
            bucket,
            key,
            found.size,
            found.etag,
            found.modified,
            content_type,
            passing.md5,
            passing.sha256,
            found.metadata,
        )

    def begin(
        self,
        bucket: str,
        key: str,
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        check_names(bucket, key)
        with translated(bucket, key):
            begun = self._client.create_multipart_upload(
                Bucket=bucket, Key=key, ContentType=content_type, Metadata=dict(metadata or {})
            )
        return str(begun["UploadId"])

    def part(self, bucket: str, key: str, upload: str, number: int, chunks: Iterable[bytes]) -> str:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as body:
            for chunk in chunks:
                body.write(chunk)
            body.seek(0)
            with translated(bucket, key):
                made = self._client.upload_part(
                    Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body
                )
        return str(made["ETag"]).strip('"')

    def parts(self, bucket: str, key: str, upload: str) -> dict[int, tuple[int, str]]:
        with translated(bucket, key):
            pages = self._client.get_paginator("list_parts").paginate(Bucket=bucket, Key=key, UploadId=upload)
            return {
                int(part["PartNumber"]): (int(part["Size"]), str(part["ETag"]).strip('"'))
                for page in pages
                for part in page.get("Parts", ())
            }

    def complete(self, bucket: str, key: str, upload: str, parts: Sequence[tuple[int, str]]) -> Stat:
        listed = [{"PartNumber": number, "ETag": f'"{etag.strip(chr(34))}"'} for number, etag in parts]
        with translated(bucket, key):
            self._client.complete_multipart_upload(
                Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": listed}
            )
            return _stat(bucket, key, self._client.head_object(Bucket=bucket, Key=key))

    def abort(self, bucket: str, key: str, upload: str) -> None:
        try:
            with translated(bucket, key):
                self._client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        except MissingError:
            return

    def copy(self, source: tuple[str, str], target: tuple[str, str]) -> Stat:
        check_names(*target)
        bucket, key = source
        with translated(bucket, key):
            found = self._client.head_object(Bucket=bucket, Key=key)
            # told again: a copy in parts begins without what the source says of itself
            extra = {
                "MetadataDirective": "REPLACE",
                "Metadata": found.get("Metadata", {}),
                "ContentType": found.get("ContentType", "application/octet-stream"),
            }
            self._client.copy({"Bucket": bucket, "Key": key}, *target, ExtraArgs=extra, Config=self._copies)
            copied = _stat(*target, self._client.head_object(Bucket=target[0], Key=target[1]))
        if copied.size != int(found["ContentLength"]):
            raise ArtifactError(f"the copy s3://{'/'.join(target)} is not as long as its source", again=True)
        return copied

    def delete(self, bucket: str, key: str) -> None:
        try:
            with translated(bucket, key):
                self._client.delete_object(Bucket=bucket, Key=key)
        except MissingError:
            return

    def walk(self, bucket: str, prefix: str = "") -> Iterator[Stat]:
        with translated(bucket):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            for page in pages:
                for found in page.get("Contents", ()):
                    yield Stat(
                        bucket,
                        str(found["Key"]),
                        int(found["Size"]),
                        str(found["ETag"]).strip('"'),
                        _micros(found.get("LastModified")),
                    )

    def url(self, bucket: str, key: str, seconds: int, method: Literal["GET", "PUT"] = "GET") -> str:
        action = "get_object" if method == "GET" else "put_object"
        with translated(bucket, key):
            return str(
                self._client.generate_presigned_url(
                    action, Params={"Bucket": bucket, "Key": key}, ExpiresIn=seconds
                )
            )

    def check(self) -> None:
        for bucket in self._buckets:
            with translated(bucket):
                self._client.list_objects_v2(Bucket=bucket, MaxKeys=1)

    def close(self) -> None:
        self._client.close()


class _Reader:
    """Pieces as the file that the transfer manager wants to read."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._rest = bytearray()

    def read(self, size: int = -1) -> bytes:
        while size < 0 or len(self._rest) < size:
            piece = next(self._chunks, None)
            if piece is None:
                break
            self._rest += piece
        taken = len(self._rest) if size < 0 else size
        content = bytes(self._rest[:taken])
        del self._rest[:taken]
        return content


def _pieces(body: Any, bucket: str, key: str) -> Iterator[bytes]:
    with closing(body), translated(bucket, key):
        yield from body.iter_chunks(_PIECE)


def _stat(bucket: str, key: str, found: Mapping[str, Any]) -> Stat:
    metadata = {str(name).lower(): str(value) for name, value in found.get("Metadata", {}).items()}
    return Stat(
        bucket,
        key,
        int(found["ContentLength"]),
        str(found.get("ETag", "")).strip('"'),
        _micros(found.get("LastModified")),
        str(found.get("ContentType", "application/octet-stream")),
        metadata.get("md5sum", ""),
        "",
        metadata,
    )


def _micros(time: Any) -> int:
    return int(time.timestamp() * 1_000_000) if time is not None else 0
