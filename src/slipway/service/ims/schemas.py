"""What each resource takes, as IMS 3.33 does: names, coercions, defaults and messages."""

from __future__ import annotations

from typing import Final, get_args

from slipway.service.ims.fields import (
    Field,
    Schema,
    boolean,
    integer,
    listing,
    mapping,
    nested,
    one_of,
    text,
    unique_id,
)
from slipway.service.model import JobStatus

STATUSES: Final[tuple[str, ...]] = get_args(JobStatus)
JOB_TYPES: Final = ("create", "customize")

_NAME: Final = Field(text(blank="name field must not be blank"), required=True)
_ARCH: Final = one_of(("aarch64", "x86_64"))
_SIZE: Final = integer(
    least=1, message="build_env_size must be greater than or equal to 1"
)  # also that of memory
_RECIPE_TYPE: Final = "Recipe type must be one of: {choices}."  # also that of distributions and operations

_LINK: Final = nested(
    {
        "path": Field(text(blank="name field must not be blank"), required=True),
        "etag": Field(text(), default=""),
        "type": Field(one_of(("s3",), "Type must be one of: {choices}."), required=True),
    }
)
_PAIR: Final = nested({"key": Field(text(), required=True), "value": Field(text(), required=True)})

PUBLIC_KEY: Final[Schema] = {
    "name": _NAME,
    "public_key": Field(text(blank="public_key field must not be blank"), required=True),
}
RECIPE: Final[Schema] = {
    "name": _NAME,
    "link": Field(_LINK, null=True, default=None),
    "recipe_type": Field(one_of(("kiwi-ng", "packer"), _RECIPE_TYPE), required=True),
    "linux_distribution": Field(one_of(("sles12", "sles15", "centos7"), _RECIPE_TYPE), required=True),
    "template_dictionary": Field(listing(_PAIR), null=True, default=None),
    "require_dkms": Field(boolean, default=True),
    "arch": Field(_ARCH, default="x86_64"),
}
RECIPE_CHANGE: Final[Schema] = {
    "link": Field(_LINK),
    "arch": Field(_ARCH),
    "require_dkms": Field(boolean),
    "template_dictionary": Field(listing(_PAIR)),
}
IMAGE: Final[Schema] = {
    "name": _NAME,
    "link": Field(_LINK, null=True, default=None),
    "arch": Field(_ARCH, default="x86_64"),
    "metadata": Field(mapping(text(), text()), default={}),
}
IMAGE_CHANGE: Final[Schema] = {
    "link": Field(_LINK),
    "arch": Field(_ARCH),
    "metadata": Field(
        nested(
            {
                "operation": Field(one_of(("set", "remove")), required=True),
                "key": Field(text(), required=True),
                "value": Field(text(), default=""),
            }
        )
    ),
}
JOB: Final[Schema] = {
    "artifact_id": Field(unique_id, required=True),
    "public_key_id": Field(unique_id, required=True),
    "job_type": Field(one_of(JOB_TYPES, "Job type must be one of: {choices}."), required=True),
    "image_root_archive_name": Field(
        text(blank="image_root_archive_name field must not be blank"), required=True
    ),
    "enable_debug": Field(boolean, default=False),
    "build_env_size": Field(_SIZE),
    "kernel_file_name": Field(text(), default=""),
    "initrd_file_name": Field(text(blank="initrd_file_name field must not be blank"), default="initrd"),
    "kernel_parameters_file_name": Field(
        text(blank="kernel_parameters_file_name field must not be blank"), default="kernel-parameters"
    ),
    "ssh_containers": Field(
        listing(nested({"name": Field(text()), "jail": Field(boolean, default=False)})),
        null=True,
        default=None,
    ),
    "require_dkms": Field(boolean),
    "job_mem_size": Field(_SIZE),
}
JOB_CHANGE: Final[Schema] = {
    "status": Field(one_of(STATUSES, "Job state must be one of: {choices}.")),
    "resultant_image_id": Field(unique_id),
}
NODE: Final[Schema] = {
    "xname": Field(text(blank="name field must not be blank", most=255), required=True),
}
UNDELETE: Final[Schema] = {"operation": Field(one_of(("undelete",), _RECIPE_TYPE), required=True)}
