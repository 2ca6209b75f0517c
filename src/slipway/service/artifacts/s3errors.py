"""What an S3 server refuses or cannot do, in our terms, without the addresses and keys that its answers may hold."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from slipway.service.artifacts.model import ArtifactError, MissingError

if TYPE_CHECKING:
    from collections.abc import Iterator

_MISSING: Final = frozenset({"404", "NoSuchKey", "NoSuchUpload", "NotFound"})
_DENIED: Final = frozenset(
    {"401", "403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden"}
)
_BUSY: Final = frozenset(
    {"429", "SlowDown", "RequestTimeout", "ServiceUnavailable", "ConditionalRequestConflict"}
)
_CHANGED: Final = frozenset({"412", "PreconditionFailed"})
_HINTS: Final = {
    "SSLError": "its certificate is not trusted: tell the authority that signed it (`s3_ca`)",
    "NoCredentialsError": "tell the access key and the secret key",
}


@contextmanager
def translated(bucket: str, key: str = "") -> Iterator[None]:
    """Raise what boto3 raises as `MissingError` or `ArtifactError`."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    place = f"s3://{bucket}/{key}"
    try:
        yield
    except ClientError as error:
        raise _of_answer(error.response, place) from None
    except (Boto3Error, BotoCoreError) as error:
        if isinstance(error.__context__, ClientError):  # what the transfer manager wraps
            raise _of_answer(error.__context__.response, place) from None
        # messages of botocore name addresses, which may be signed: the kind of the error is enough
        kind = type(error).__name__
        brief = f"the S3 server cannot be asked about {place}: {kind}"
        hint = _HINTS.get(kind, "see whether it runs and can be reached")
        raise ArtifactError(brief, hint=hint, again=kind not in _HINTS) from None


def _of_answer(answer: object, place: str) -> ArtifactError:
    data = answer if isinstance(answer, dict) else {}
    code = str(data.get("Error", {}).get("Code", ""))
    status = int(data.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    if code == "NoSuchBucket":
        bucket = place.split("/")[2]
        hint = "make it, or tell another name in the settings"
        return MissingError(f"there is no bucket {bucket} on the S3 server", hint=hint)
    if code in _CHANGED:
        return ArtifactError(f"{place} was changed while it was read")
    if code in _MISSING or (status == 404 and code not in _DENIED):
        return MissingError(f"there is no artifact {place}")
    if code in _DENIED or status in (401, 403):
        hint = "look at the access key and its secret, and at the policy of the bucket"
        return ArtifactError(f"the S3 server does not let us at {place} ({code or status})", hint=hint)
    brief = f"the S3 server refuses {place}: {code or status}"
    return ArtifactError(brief, again=code in _BUSY or status >= 500)
