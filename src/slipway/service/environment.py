"""The environment of the service that this one replaces: its deployments bring their variables along.

Names and defaults: IMS 3.33, `kubernetes/cray-ims/templates` and `src/server`. What ours say wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

NAMES: Final = {
    "S3_ENDPOINT": "s3_endpoint",
    "S3_ACCESS_KEY": "s3_access_key",
    "S3_SECRET_KEY": "s3_secret_key",
    "S3_IMS_BUCKET": "recipes_bucket",
    "S3_BOOT_IMAGES_BUCKET": "images_bucket",
    "S3_URL_EXPIRATION": "url_seconds",
    "S3_CONNECT_TIMEOUT": "s3_connect_timeout",
    "S3_READ_TIMEOUT": "s3_read_timeout",
    "MAX_IMAGE_MANIFEST_SIZE_BYTES": "manifest_limit",
    "DEFAULT_IMS_IMAGE_SIZE": "default_image_size",
    "DEFAULT_IMS_JOB_MEM_SIZE": "default_job_memory",
    "DEFAULT_IMS_JOB_NAMESPACE": "job_namespace",
    "JOB_ENABLE_DKMS": "job_dkms",
    "JOB_CUSTOMER_ACCESS_SUBNET_NAME": "customer_subnet",
    "JOB_CUSTOMER_ACCESS_NETWORK_DOMAIN": "customer_domain",
}
_WITHOUT_MEANING: Final = (
    "S3_STS_ENDPOINT",
    "S3_STS_ACCESS_KEY",
    "S3_STS_SECRET_KEY",
    "S3_STS_SSL_VALIDATE",
    "DEFAULT_IMS_JOB_REMOTE_TIMEOUT_COUNT",
    "JOB_KATA_RUNTIME",
    "JOB_AARCH64_RUNTIME",
    "JOB_CUSTOMER_ACCESS_NETWORK_ACCESS_POOL",
    "API_GATEWAY_HOSTNAME",
    "IMS_JOB_TEMPLATE_PATH",
    "GUNICORN_WORKER_TIMEOUT",
    "FLASK_ENV",
)
_LEVELS: Final = {
    "notset": "debug",
    "debug": "debug",
    "info": "info",
    "warn": "warning",
    "warning": "warning",
    "error": "error",
    "critical": "error",
    "fatal": "error",
}
_NO: Final = frozenset({"false", "off", "no", "f", "n", "0", ""})  # what the original takes for false
_YES: Final = frozenset({"true", "on", "yes", "t", "y", "1"})


@dataclass(frozen=True, slots=True)
class Original:
    """`values` are (variable, text) by our names of the settings; `ignored` are variables that mean nothing here."""

    values: dict[str, tuple[str, str]]
    ignored: tuple[str, ...]


def understood(environ: Mapping[str, str]) -> Original:
    """What the original's variables say. With `S3_ENDPOINT`, artifacts are in S3, as they always were there."""
    values = {name: (variable, environ[variable]) for variable, name in NAMES.items() if variable in environ}
    if "job_dkms" in values:
        variable, text = values["job_dkms"]
        values["job_dkms"] = variable, _truth(text)
    if environ.get("S3_ENDPOINT"):
        values["artifacts"] = "S3_ENDPOINT", "s3"
    if "S3_SSL_VALIDATE" in environ:
        text = environ["S3_SSL_VALIDATE"]
        if text.lower() in _NO | _YES:
            values["s3_verify"] = "S3_SSL_VALIDATE", _truth(text)
        else:  # a file of authorities
            values["s3_ca"] = "S3_SSL_VALIDATE", text
    level = environ.get("LOG_LEVEL", "").lower()
    if level in _LEVELS:
        values["log_level"] = "LOG_LEVEL", _LEVELS[level]
    return Original(values, tuple(name for name in _WITHOUT_MEANING if name in environ))


def _truth(text: str) -> str:
    return "false" if text.lower() in _NO else "true"
