"""What boto3 says when something went wrong, as our errors."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from slipway.errors import FetchError, UsageError
from slipway.net_errors import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

_DENIED: Final = (
    "403",
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
)
_BUSY: Final = ("RequestLimitExceeded", "Throttling", "ThrottlingException", "TooManyRequestsException")


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Nothing of a request is shown, and of an answer only what it calls the error: its message may repeat the request."""
    from botocore import exceptions

    failed = f"cannot {doing}"
    try:
        yield
    except exceptions.ClientError as error:
        raise _refused(failed, str(error.response.get("Error", {}).get("Code", ""))) from None
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise FetchError(
            f"{failed}: there are no keys to log in with",
            hint="set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them into ~/.aws",
        ) from error
    except exceptions.NoRegionError as error:
        raise UsageError(
            f"{failed}: the region is not known", hint="give --region, or set AWS_DEFAULT_REGION"
        ) from error
    except exceptions.SSLError as error:
        raise FetchError(
            f"{failed}: the server's certificate is not trusted, or it does not speak TLS",
            hint="if your network has its own certificate authority, name its file in AWS_CA_BUNDLE",
        ) from error
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        raise FetchError(f"{failed}: no connection", details=type(error).__name__) from error
    except exceptions.BotoCoreError as error:
        raise FetchError(f"{failed}: {redact(str(error))[:300]}") from error


def _refused(failed: str, code: str) -> FetchError:
    if code == "RepositoryNotFoundException":
        return FetchError(
            f"{failed}: there is no such repository", hint="look at the registry's id and the region"
        )
    if code == "ScanNotFoundException":
        return FetchError(
            f"{failed}: it has not been scanned",
            hint="turn scanning on for the repository, or start one with `aws ecr start-image-scan`",
        )
    if code in _DENIED:
        return FetchError(
            f"{failed}: AWS does not permit it ({code})",
            hint="ecr:DescribeImageScanFindings is needed, and sts:AssumeRole for a role; see `aws sts get-caller-identity`",
        )
    if code in _BUSY:
        return FetchError(f"{failed}: AWS asks for patience ({code})", hint="try again later")
    return FetchError(f"{failed}: AWS answers {code}")
