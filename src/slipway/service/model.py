"""What the service keeps, as values.

Times are whole microseconds since 1970 in UTC. Ids are UUIDs in lower case. A record is `live` until it is deleted; the states
between say that its objects are still being moved. Whoever asks sees records of `LIVE` states in the collections
and those of `GONE` states among the deleted; no record is ever in both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["public-key", "recipe", "image", "job", "node"]
State = Literal["live", "undeleting", "deleting", "deleted", "purging"]
Arch = Literal["x86_64", "aarch64"]
JobStatus = Literal[
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

LIVE: Final[tuple[State, ...]] = ("live", "undeleting")
GONE: Final[tuple[State, ...]] = ("deleting", "deleted", "purging")


@dataclass(frozen=True, slots=True)
class Link:
    """Where an artifact is: `s3://BUCKET/KEY`, also for storage in a local directory. `etag` is without quotes."""

    path: str
    etag: str = ""
    type: str = "s3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What all records have. `version` counts its changes; with `id` it makes the ETag. `deleted` is the time of the deletion or 0."""

    id: str
    created: int
    version: int = 1
    state: State = "live"
    deleted: int = 0
    project: str = "default"
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey(Record):
    name: str
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Record):
    """`home` is the link from before a deletion, to which undeleting goes back (all states: `deletion/states.py`)."""

    name: str
    recipe_type: str
    linux_distribution: str
    link: Link | None = None
    home: Link | None = None
    template_dictionary: tuple[tuple[str, str], ...] = ()
    require_dkms: bool = True
    arch: Arch = "x86_64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Record):
    """`link` names the manifest, of a deleted one its deleted manifest; `home` is the link from before a deletion."""

    name: str
    link: Link | None = None
    home: Link | None = None
    arch: Arch = "x86_64"
    metadata: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class SshContainer:
    """`hosts` are the places of its `connection_info` in order: name, host, port."""

    name: str
    jail: bool = False
    status: str = "pending"
    hosts: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Record):
    """Sizes are in GiB. The names of Kubernetes objects are kept whatever runs the job: clients read them."""

    job_type: Literal["create", "customize"]
    artifact_id: str
    public_key_id: str
    image_root_archive_name: str
    enable_debug: bool = False
    build_env_size: int = 60
    job_mem_size: int = 8
    kernel_file_name: str = "vmlinuz"
    initrd_file_name: str = "initrd"
    kernel_parameters_file_name: str = "kernel-parameters"
    ssh_containers: tuple[SshContainer, ...] = ()
    require_dkms: bool = True
    arch: Arch = "x86_64"
    status: JobStatus = "creating"
    resultant_image_id: str | None = None
    kubernetes_job: str | None = None
    kubernetes_service: str | None = None
    kubernetes_configmap: str | None = None
    kubernetes_namespace: str | None = None
    kubernetes_pvc: str | None = None
    kubernetes_secret: str | None = None
    remote_build_node: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node(Record):
    """A remote build node; its id is its xname."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: `name` is the subject of the token (empty: nobody signed in), `roles` of viewer, builder, admin, by project (`*`: all)."""

    name: str = ""
    roles: frozenset[tuple[str, str]] = frozenset({("*", "admin")})


SYSTEM: Final = Actor()  # the service itself


@dataclass(frozen=True, slots=True)
class Event:
    """One change of one record, for the audit trail and for those who wait. `stamp` only grows; `change` is plain data."""

    stamp: int
    time: int
    actor: str
    action: str
    kind: Kind
    id: str
    project: str
    change: dict[str, object] = field(default_factory=dict, hash=False)
