"""How the service is set up. The names of the original's environment are beside our own (`environment.py`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """Sizes in bytes, times in seconds. `database` and `artifacts` empty: in `data`, a directory.

    `artifacts` is a path or `s3`. `public_url` is how clients reach the service; empty: by the address it listens on.
    """

    data: str = ""
    database: str = ""
    artifacts: str = ""
    host: str = "127.0.0.1"
    port: int = 9000
    public_url: str = ""
    s3_endpoint: str = ""
    s3_access_key: str = ""
    s3_secret_key: str = ""
    s3_region: str = ""
    s3_ca: str = ""
    s3_verify: bool = True
    s3_connect_timeout: float = 60
    s3_read_timeout: float = 60
    recipes_bucket: str = "ims"
    images_bucket: str = "boot-images"
    url_seconds: int = 432000
    manifest_limit: int = 1048576
    deletion_wait: float = 2
    keep_deleted: float = 0  # 0: until somebody deletes them for ever
    keep_events: float = 0
    default_image_size: int = 60
    default_job_memory: int = 8
    job_namespace: str = "ims"
    job_dkms: bool = True
    customer_subnet: str = "cmn"
    customer_domain: str = "shasta.local"
    issuer: str = ""
    audience: str = ""
    roles_claim: str = "roles"
    insecure_public: bool = False
    request_limit: int = 1 << 20
    upload_limit: int = 0
    rate: float = 0  # requests in a second for each caller; 0: as many as come
