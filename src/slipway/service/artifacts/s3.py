"""Artifacts in any S3 (boto3, classic transfers)."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, Final, Literal

from slipway.errors import InputError
from slipway.service.artifacts.model import ArtifactError, MissingError, Stat, check_names
from slipway.service.artifacts.passing import Passing
from slipway.service.artifacts.s3clients import clients
from slipway.service.artifacts.s3errors import translated
from slipway.service.artifacts.s3expected import Expected
from slipway.service.artifacts.s3objects import Reader, get, joined, micros, pieces, stat
from slipway.service.artifacts.s3uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from slipway.service.artifacts.model import Upload
    from slipway.service.settings import ServiceSettings

_THREADS: Final = 4  # of each upload and copy; more were not faster, against any server tried
_PART: Final = 16 << 20  # 10,000 of them are 156 GiB: the most that can be stored in one stream
_WAITING: Final = 6  # parts of a stream in memory
# Copies up to here are one request, which leaves the ETag as it is; servers take at most 5 GiB.
_COPY_WHOLE: Final = 1 << 30
_COPY_PART: Final = 256 << 20
_IN_MEMORY: Final = 16 << 20


class S3Artifacts:
    """`buckets` are those of the service: `check` asks about them, with `probe`, a client that gives up sooner."""

    def __init__(self, client: Any, buckets: Sequence[str] = (), probe: Any = None) -> None:
        from boto3.s3.transfer import TransferConfig

        self._client = client
        self._probe = probe or client
        self._expected = Expected(client, _PART)
        self._buckets = tuple(buckets)
        self._uploads = Uploads(client, buckets)
        self._puts = TransferConfig(
            multipart_threshold=_PART, multipart_chunksize=_PART, max_concurrency=_THREADS
        )
        self._puts.max_in_memory_upload_chunks = _WAITING
        self.copies(_COPY_WHOLE, _COPY_PART)

    @classmethod
    def connect(cls, settings: ServiceSettings) -> S3Artifacts:
        """To the server of the settings. Nothing is asked yet."""
        client, probe = clients(settings)
        return cls(client, (settings.recipes_bucket, settings.images_bucket), probe)

    def copies(self, whole: int, part: int) -> None:
        """Copy objects of up to `whole` bytes in one request, and larger ones in parts of `part` bytes."""
        from boto3.s3.transfer import TransferConfig

        self._copies = TransferConfig(
            multipart_threshold=whole, multipart_chunksize=part, max_concurrency=_THREADS
        )

    def head(self, bucket: str, key: str) -> Stat | None:
        try:
            with translated(bucket, key):
                found = self._client.head_object(Bucket=bucket, Key=key)
        except MissingError:
            return None
        return stat(bucket, key, found)

    def read(self, bucket: str, key: str, limit: int) -> bytes:
        content = b"".join(self.chunks(bucket, key, 0, limit + 1))
        if len(content) > limit:
            raise InputError(f"s3://{bucket}/{key} has more than the {limit} bytes that are read")
        return content

    def chunks(self, bucket: str, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        # asked for now: what is not there is told now
        found = get(self._client, bucket, key, start, stop)
        return pieces(self._client, bucket, key, start, stop, found) if found else iter(())

    def put(
        self,
        bucket: str,
        key: str,
        chunks: Iterable[bytes],
        *,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
        expected: str | None = None,
    ) -> Stat:
        check_names(bucket, key)
        passing = Passing(chunks)
        extra = {"ContentType": content_type, "Metadata": dict(metadata or {})}
        with translated(bucket, key):
            if expected is not None:
                self._expected.put(bucket, key, Reader(passing), expected, extra)
            else:
                self._client.upload_fileobj(Reader(passing), bucket, key, ExtraArgs=extra, Config=self._puts)
            found = stat(bucket, key, self._client.head_object(Bucket=bucket, Key=key))
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
        tags = [(number, etag.strip('"')) for number, etag in parts]
        listed = [{"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in tags]
        try:
            with translated(bucket, key):
                self._client.complete_multipart_upload(
                    Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": listed}
                )
        except MissingError:
            # the upload is over: it was completed before, if these parts are what is there now
            found = self.head(bucket, key)
            if found is None or found.etag != joined(tags):
                raise
            return found
        with translated(bucket, key):
            return stat(bucket, key, self._client.head_object(Bucket=bucket, Key=key))

    def abort(self, bucket: str, key: str, upload: str) -> None:
        try:
            with translated(bucket, key):
                self._client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
        except MissingError:
            return

    def give_up(self, before: float) -> int:
        return self._uploads.give_up(before)

    def uploads(self, bucket: str, prefix: str = "") -> Iterator[Upload]:
        return self._uploads.every(bucket, prefix)

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
            self._copy({"Bucket": bucket, "Key": key}, target, extra)
            copied = stat(*target, self._client.head_object(Bucket=target[0], Key=target[1]))
        if copied.size != int(found["ContentLength"]):
            raise ArtifactError(f"the copy s3://{'/'.join(target)} is not as long as its source", again=True)
        return copied

    def _copy(self, source: dict[str, str], target: tuple[str, str], extra: dict[str, Any]) -> None:
        """In parts what is large, where the server can: rclone's takes such a part for one without bytes, and tells no ETag of a copy."""
        try:
            self._client.copy(source, *target, ExtraArgs=extra, Config=self._copies)
        except KeyError:
            self._client.copy_object(CopySource=source, Bucket=target[0], Key=target[1], **extra)

    def delete(self, bucket: str, key: str) -> None:
        try:
            with translated(bucket, key):
                self._client.delete_object(Bucket=bucket, Key=key)
        except MissingError:
            return

    def walk(self, bucket: str, prefix: str = "", after: str = "") -> Iterator[Stat]:
        begin = {"StartAfter": after} if after else {}
        with translated(bucket):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix, **begin
            )
            for page in pages:
                for found in page.get("Contents", ()):
                    if str(found["Key"]) <= after:  # from a server that begins at the first in any case
                        continue
                    yield Stat(
                        bucket,
                        str(found["Key"]),
                        int(found["Size"]),
                        str(found["ETag"]).strip('"'),
                        micros(found.get("LastModified")),
                        "",
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
                self._probe.list_objects_v2(Bucket=bucket, MaxKeys=1)

    def close(self) -> None:
        self._client.close()
        self._probe.close()
