"""What clients may write, as pydantic models: here, at the edge, and nowhere deeper."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

# No database keeps NUL, and names are to be seen.
_SAFE = r"^[^\x00]*$"
Text = Annotated[str, StringConstraints(pattern=_SAFE, max_length=65536)]
Name = Annotated[str, StringConstraints(pattern=_SAFE, min_length=1, max_length=1024)]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9*@:.|/_+ -]*$", max_length=255)]
Project = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]
Xname = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=255)]
FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._+-]+$", min_length=1, max_length=255)]
Address = Annotated[
    str,
    StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]/[^\x00-\x1f\x7f]+$", max_length=1100),
]
RecordId = Annotated[
    str, StringConstraints(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")
]
Gigabytes = Annotated[int, Field(ge=1, le=2**31 - 1)]
Architecture = Literal["x86_64", "aarch64"]
Status = Literal[
    "creating",
    "fetching_image",
    "fetching_recipe",
    "waiting_for_repos",
    "building_image",
    "packaging_artifacts",
    "waiting_on_user",
    "error",
    "success",
]


class Model(BaseModel):
    """Nothing is guessed: `"yes"` is no boolean, and what is not known is refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class LinkIn(Model):
    """Where an artifact is, also for storage in a local directory."""

    path: Address = Field(examples=["s3://boot-images/7b0c5a4e/manifest.json"])
    etag: Annotated[str, StringConstraints(pattern=_SAFE, max_length=255)] = ""
    type: Literal["s3"] = "s3"


class Place(Model):
    """`project` and `owner` default to those of whoever asks."""

    project: Project | None = None
    owner: Word | None = None


class PublicKeyIn(Place):
    name: Name = Field(examples=["my key"])
    public_key: Annotated[str, StringConstraints(pattern=_SAFE, min_length=1, max_length=65536)] = Field(
        examples=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@example"]
    )


class RecipeIn(Place):
    name: Name = Field(examples=["sles-barebones"])
    recipe_type: Literal["kiwi-ng", "packer"] = Field(examples=["kiwi-ng"])
    linux_distribution: Literal["sles12", "sles15", "centos7"] = Field(examples=["sles15"])
    link: LinkIn | None = None
    template_dictionary: dict[Name, Text] = Field(default_factory=dict, max_length=1000)
    require_dkms: bool = True
    arch: Architecture = "x86_64"


class ArtifactIn(Model):
    """An artifact that is in the storage already and shall be listed in an image's manifest."""

    type: Annotated[
        str, StringConstraints(pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$", max_length=255)
    ] = Field(examples=["application/vnd.cray.image.rootfs.squashfs"])
    path: Address = Field(examples=["s3://boot-images/7b0c5a4e/rootfs"])


class ImageEdit(Place):
    name: Name = Field(examples=["compute-1.2"])
    link: LinkIn | None = None
    arch: Architecture = "x86_64"
    metadata: dict[Name, Text] = Field(default_factory=dict, max_length=1000)


class ImageIn(ImageEdit):
    """`link` names a manifest; instead, `artifacts` are listed in a manifest that the service writes."""

    artifacts: list[ArtifactIn] | None = Field(default=None, min_length=1, max_length=100)


class SshContainerIn(Model):
    name: FileName = "customize"
    jail: bool = False


class JobIn(Place):
    job_type: Literal["create", "customize"] = Field(examples=["customize"])
    artifact_id: RecordId = Field(examples=["0d8a3f6a-9a43-4a4e-9b6f-0f3f7a7b1c11"])
    public_key_id: RecordId = Field(examples=["3fd2b3a6-1f0c-4b53-8b4a-6c2f8d3e9a22"])
    image_root_archive_name: Name = Field(examples=["compute-1.2-mine"])
    enable_debug: bool = False
    build_env_size: Gigabytes | None = None
    job_mem_size: Gigabytes | None = None
    kernel_file_name: FileName | None = None
    initrd_file_name: FileName = "initrd"
    kernel_parameters_file_name: FileName = "kernel-parameters"
    ssh_containers: list[SshContainerIn] = Field(default_factory=list, max_length=1)
    require_dkms: bool | None = None


class JobEdit(Place):
    status: Status
    resultant_image_id: RecordId | None = None


class NodeIn(Place):
    xname: Xname = Field(examples=["x3000c0s17b0n0"])


class NodeEdit(Place):
    pass


class UploadIn(Model):
    """An upload in parts, which may be sent at the same time, again, and by several clients."""

    bucket: Annotated[str, StringConstraints(min_length=3, max_length=63)] = Field(examples=["boot-images"])
    key: Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=1024)] = Field(
        examples=["7b0c5a4e/rootfs"]
    )
    content_type: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]+$", max_length=255)] = (
        "application/octet-stream"
    )
    metadata: dict[
        Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]*$", max_length=100)],
        Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$", max_length=1024)],
    ] = Field(default_factory=dict, max_length=50)


class PartIn(Model):
    part: Annotated[int, Field(ge=1, le=10000)]
    etag: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]+$", max_length=255)]


class CompleteIn(Model):
    """`parts` are all that belong to the whole, in order; without, those that are there."""

    parts: list[PartIn] | None = Field(default=None, min_length=1, max_length=10000)


class AddressIn(Model):
    method: Literal["GET", "PUT"] = "GET"
    seconds: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


def _object(content: Any) -> Any:
    if not isinstance(content, dict):
        raise ValueError("an object is needed")  # noqa: TRY004 - what pydantic turns into an error of its own
    return content


class Operation(Model):
    """One of several. `body` is the new record (create) or a merge patch; `if_match` is an ETag."""

    op: Literal["create", "patch", "delete", "undelete", "purge"]
    kind: Literal["public-key", "recipe", "image", "job", "node"]
    id: Annotated[str, StringConstraints(pattern=_SAFE, min_length=1, max_length=255)] | None = None
    body: Annotated[dict[str, Any], BeforeValidator(_object)] | None = None
    if_match: Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$", max_length=255)] | None = None


class BulkIn(Model):
    operations: list[Operation] = Field(min_length=1, max_length=1000)
