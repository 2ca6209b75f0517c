"""Artifacts that go to an S3 server directly (boto3), as those of ims-python-helper do.

Parts carry their MD5 (Content-MD5), so the server refuses what was damaged on the way; hashing them once more for the
signature is left out.
"""

from __future__ import annotations

from base64 import b64encode
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from slipway.client.depot import MissingObjectError, Placed
from slipway.errors import FetchError, ToolError
from slipway.net_errors import TransientError, redact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from slipway.client.depot import S3Access

_MISSING: Final = frozenset({"404", "NoSuchKey", "NoSuchBucket", "NoSuchUpload", "NotFound"})
_DENIED: Final = frozenset(
    {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden"}
)
_DAMAGED: Final = frozenset({"BadDigest", "InvalidDigest"})
_BUSY: Final = frozenset({"429", "SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable"})
_MANY: Final = 1000  # objects that one request deletes


class S3Depot:
    def __init__(self, access: S3Access, *, connections: int = 16, timeout: float = 60) -> None:
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise ToolError(
                "uploads to S3 need boto3", hint="install slipway[s3], or leave out the S3 server"
            ) from error

        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path", "payload_signing_enabled": False},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            connect_timeout=10,
            read_timeout=timeout,
            retries={"total_max_attempts": 1},  # those of `transfer.py` are heard and counted
            max_pool_connections=connections,
        )
        bare = access.endpoint and "://" not in access.endpoint
        endpoint = f"https://{access.endpoint}" if bare else access.endpoint
        self._shown = redact(endpoint) or "Amazon S3"
        with self._explained("", ""):
            self._client = boto3.session.Session().client(
                "s3",
                endpoint_url=endpoint or None,
                aws_access_key_id=access.access_key or None,
                aws_secret_access_key=access.secret_key or None,
                region_name=access.region or "us-east-1",
                verify=access.verify,
                config=config,
            )

    def close(self) -> None:
        self._client.close()

    def head(self, bucket: str, key: str) -> Placed | None:
        try:
            with self._explained(bucket, key):
                found = self._client.head_object(Bucket=bucket, Key=key)
        except MissingObjectError:
            return None
        metadata = {name.lower(): value for name, value in found.get("Metadata", {}).items()}
        return Placed(int(found["ContentLength"]), _plain(found.get("ETag", "")), metadata.get("md5sum", ""))

    def read(self, bucket: str, key: str, limit: int) -> bytes:
        with self._explained(bucket, key):
            body = self._client.get_object(Bucket=bucket, Key=key)["Body"]
            content: bytes = body.read(limit + 1)
            body.close()
        if len(content) > limit:
            raise FetchError(f"s3://{bucket}/{key} has more than the {limit} bytes that are read")
        return content

    def put(self, bucket: str, key: str, content: bytes, kind: str, metadata: Mapping[str, str]) -> None:
        import hashlib

        md5 = hashlib.md5(content, usedforsecurity=False).digest()
        with self._explained(bucket, key):
            self._client.put_object(
                Bucket=bucket,
                Key=key,
                Body=content,
                ContentType=kind,
                Metadata=dict(metadata),
                ContentMD5=b64encode(md5).decode(),
            )

    def begun(self, bucket: str, key: str) -> str:
        with self._explained(bucket, key):
            found = self._uploads(bucket, key)
        same = [each for each in found if each["Key"] == key]
        same.sort(key=lambda each: (each.get("Initiated") is not None, str(each.get("Initiated"))))
        return str(same[-1]["UploadId"]) if same else ""

    def begin(self, bucket: str, key: str, kind: str, metadata: Mapping[str, str]) -> str:
        with self._explained(bucket, key):
            begun = self._client.create_multipart_upload(
                Bucket=bucket, Key=key, ContentType=kind, Metadata=dict(metadata)
            )
        return str(begun["UploadId"])

    def part(self, bucket: str, key: str, upload: str, number: int, content: bytes, md5: bytes) -> str:
        with self._explained(bucket, key):
            made = self._client.upload_part(
                Bucket=bucket,
                Key=key,
                UploadId=upload,
                PartNumber=number,
                Body=content,
                ContentMD5=b64encode(md5).decode(),
            )
        return _plain(made["ETag"])

    def parts(self, bucket: str, key: str, upload: str) -> dict[int, tuple[int, str]]:
        with self._explained(bucket, key):
            pages = self._client.get_paginator("list_parts").paginate(Bucket=bucket, Key=key, UploadId=upload)
            return {
                int(part["PartNumber"]): (int(part["Size"]), _plain(part["ETag"]))
                for page in pages
                for part in page.get("Parts", ())
            }

    def complete(self, bucket: str, key: str, upload: str, parts: Sequence[tuple[int, str]]) -> None:
        listed = [{"PartNumber": number, "ETag": f'"{etag}"'} for number, etag in parts]
        with self._explained(bucket, key):
            self._client.complete_multipart_upload(
                Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": listed}
            )

    def abort(self, bucket: str, key: str, upload: str) -> None:
        with suppress(MissingObjectError), self._explained(bucket, key):
            self._client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)

    def delete_below(self, bucket: str, prefix: str) -> None:
        with self._explained(bucket, prefix):
            for each in self._uploads(bucket, prefix):
                self.abort(bucket, each["Key"], each["UploadId"])
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            keys = [str(each["Key"]) for page in pages for each in page.get("Contents", ())]
            for start in range(0, len(keys), _MANY):
                some = [{"Key": key} for key in keys[start : start + _MANY]]
                self._client.delete_objects(Bucket=bucket, Delete={"Objects": some, "Quiet": True})

    def _uploads(self, bucket: str, prefix: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix)
        return [each for page in pages for each in page.get("Uploads", ())]

    @contextmanager
    def _explained(self, bucket: str, key: str) -> Iterator[None]:
        """Messages of botocore may name signed addresses: they are not shown."""
        from botocore.exceptions import BotoCoreError, ClientError, SSLError

        place = f"s3://{bucket}/{key}"
        try:
            yield
        except ClientError as error:
            raise self._of_answer(error.response, place) from None
        except SSLError as error:
            raise FetchError(
                f"{self._shown}: the S3 server's certificate is not trusted",
                hint="name the file of its authority in S3_SSL_VERIFY",
            ) from error
        except BotoCoreError as error:
            raise TransientError(
                f"cannot send {place}: {self._shown}: {type(error).__name__}",
                hint="see whether the S3 server runs and can be reached",
            ) from None
        except ValueError as error:  # of an endpoint that is none
            raise FetchError(f"{self._shown!r} is not the address of an S3 server") from error

    def _of_answer(self, answer: Mapping[str, Any], place: str) -> FetchError:
        code = str(answer.get("Error", {}).get("Code", ""))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        if code in _MISSING:
            return MissingObjectError(f"{self._shown} has no {place}: {code}", status=status)
        if code in _DENIED or status in (401, 403):
            return FetchError(
                f"{self._shown} does not let us at {place} ({code or status})",
                hint="look at S3_ACCESS_KEY and S3_SECRET_KEY, and at the policy of the bucket",
                status=status,
            )
        if code in _DAMAGED:
            return TransientError(f"{place} was damaged on the way ({code})", status=status)
        brief = f"{self._shown} refuses {place}: {code or status}"
        if code in _BUSY or status >= 500:
            return TransientError(brief, status=status)
        return FetchError(brief, status=status)


def _plain(etag: object) -> str:
    return str(etag).strip('"')
