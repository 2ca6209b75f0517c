"""Records as the service writes them: the JSON of its compatible API, key by key.

They stay mappings, so that what a newer service adds is still there, and what is printed is what came. Times are ISO 8601 in
UTC without an offset; a deleted record has `deleted` beside `created`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NotRequired, TypedDict

Arch = Literal["x86_64", "aarch64"]
Distribution = Literal["sles12", "sles15", "centos7"]
RecipeType = Literal["kiwi-ng", "packer"]
JobType = Literal["create", "customize"]


class Link(TypedDict):
    """`path` is `s3://BUCKET/KEY`; `etag` is without quotes."""

    path: str
    etag: str
    type: str


class Pair(TypedDict):
    key: str
    value: str


class Key(TypedDict):
    id: str
    created: str
    name: str
    public_key: str
    deleted: NotRequired[str]


class Recipe(TypedDict):
    id: str
    created: str
    name: str
    recipe_type: str
    linux_distribution: str
    link: Link | None
    template_dictionary: list[Pair]
    require_dkms: bool
    arch: str
    deleted: NotRequired[str]


class Image(TypedDict):
    """`link` is that of the manifest."""

    id: str
    created: str
    name: str
    link: Link | None
    arch: str
    metadata: dict[str, str]
    deleted: NotRequired[str]


class Job(TypedDict):
    """Sizes are in GiB."""

    id: str
    created: str
    job_type: str
    artifact_id: str
    public_key_id: str
    image_root_archive_name: str
    status: str
    arch: str
    resultant_image_id: str | None
    build_env_size: int
    job_mem_size: NotRequired[int]
    enable_debug: bool
    require_dkms: bool
    kernel_file_name: str
    initrd_file_name: str
    kernel_parameters_file_name: str
    ssh_containers: list[dict[str, object]]
    remote_build_node: NotRequired[str]


class Node(TypedDict):
    xname: str


class NodeStatus(TypedDict):
    xname: str
    sshStatus: str
    podmanStatus: str
    nodeArch: str
    numCurrentJobs: int
    ableToRunJobs: bool


class Named(TypedDict):
    kind: str
    id: str


class Artifact(TypedDict):
    """What the service lists of an artifact. `record` is the one that its key names, `linked` one whose link leads to it.

    Type and metadata are None where the storage does not list them.
    """

    bucket: str
    key: str
    path: str
    size: int
    etag: str
    modified: str | None
    content_type: str | None
    md5: str | None
    sha256: str | None
    metadata: dict[str, str] | None
    record: Named | None
    linked: Named | None


class BegunUpload(TypedDict):
    """An upload in parts that is not ended. `size` is what has come so far, `age` in seconds, `owner` that of the record."""

    id: str
    bucket: str
    key: str
    path: str
    begun: str | None
    age: int | None
    size: int
    owner: str | None
    record: Named | None


@dataclass(frozen=True, slots=True)
class Sent:
    """One artifact that is in its place. `size` in bytes, hashes in hexadecimal; `type` is the one in manifests."""

    path: str
    etag: str
    type: str
    size: int
    md5: str
    sha256: str

    @property
    def link(self) -> Link:
        return {"path": self.path, "etag": self.etag, "type": "s3"}


@dataclass(frozen=True, slots=True)
class UploadedImage:
    """`artifacts` are empty when all was there already (`skipped`), the last one is the manifest."""

    image: Image
    artifacts: tuple[Sent, ...] = ()
    job: Job | None = None
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class UploadedRecipe:
    recipe: Recipe
    artifact: Sent | None = None
    skipped: bool = False
