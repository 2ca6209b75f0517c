"""The kinds of records: where they are, what is written, looked for and sorted by."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import create_model

from slipway.service.model import Image, Job, Node, PublicKey, Recipe
from slipway.service.v4 import models

if TYPE_CHECKING:
    from slipway.service.model import Kind, Record

Type = Literal["text", "word", "flag"]


def _partial(name: str, model: type[models.Model]) -> type[models.Model]:
    """The same fields, each only if it is there: what a merge patch may have."""
    fields: dict[str, Any] = {}
    for each, info in model.model_fields.items():
        optional = copy(info)
        optional.default, optional.default_factory = None, None
        fields[each] = (info.annotation, optional)
    made: type[models.Model] = create_model(name, __base__=models.Model, **fields)
    return made


@dataclass(frozen=True, slots=True)
class Resource:
    """`edit` is what a record is as far as clients write it; `patch` the same with nothing required.

    `filters` are columns by parameter, `soft` whether deleting can be undone.
    """

    kind: Kind
    path: str
    cls: type[Record]
    create: type[models.Model]
    edit: type[models.Model]
    patch: type[models.Model]
    filters: dict[str, tuple[str, Type]]
    sort: tuple[str, ...]
    soft: bool = True

    @property
    def name(self) -> str:
        return self.kind.replace("-", " ")

    @property
    def label(self) -> str:
        """In names of operations."""
        return self.kind.replace("-", "_")


_COMMON: Final[dict[str, tuple[str, Type]]] = {
    "id": ("id", "word"),
    "project": ("project", "word"),
    "owner": ("owner", "word"),
    "state": ("state", "word"),
}
_SORT: Final = ("created", "deleted", "version", "id", "project", "owner")
_NAME: Final[dict[str, tuple[str, Type]]] = {"name": ("name", "text")}
_ARCH: Final[dict[str, tuple[str, Type]]] = {"arch": ("arch", "word")}
_LINK: Final[dict[str, tuple[str, Type]]] = {"link": ("link_path", "text")}


def _words(*names: str) -> dict[str, tuple[str, Type]]:
    return {name: (name, "word") for name in names}


RESOURCES: Final[tuple[Resource, ...]] = (
    Resource(
        "recipe",
        "recipes",
        Recipe,
        models.RecipeIn,
        models.RecipeIn,
        _partial("RecipePatch", models.RecipeIn),
        {**_COMMON, **_NAME, **_ARCH, **_LINK, **_words("recipe_type", "linux_distribution")}
        | {"require_dkms": ("require_dkms", "flag")},
        (*_SORT, "name", "arch", "recipe_type", "linux_distribution"),
    ),
    Resource(
        "image",
        "images",
        Image,
        models.ImageIn,
        models.ImageEdit,
        _partial("ImagePatch", models.ImageEdit),
        {**_COMMON, **_NAME, **_ARCH, **_LINK},
        (*_SORT, "name", "arch"),
    ),
    Resource(
        "public-key",
        "public-keys",
        PublicKey,
        models.PublicKeyIn,
        models.PublicKeyIn,
        _partial("PublicKeyPatch", models.PublicKeyIn),
        {**_COMMON, **_NAME},
        (*_SORT, "name"),
    ),
    Resource(
        "job",
        "jobs",
        Job,
        models.JobIn,
        models.JobEdit,
        _partial("JobPatch", models.JobEdit),
        {
            **_COMMON,
            **_ARCH,
            **_words("status", "job_type", "artifact_id", "public_key_id", "resultant_image_id"),
            "image_root_archive_name": ("image_root_archive_name", "text"),
        },
        (*_SORT, "status", "job_type", "arch", "image_root_archive_name"),
        soft=False,
    ),
    Resource(
        "node",
        "nodes",
        Node,
        models.NodeIn,
        models.NodeEdit,
        _partial("NodePatch", models.NodeEdit),
        {**_COMMON, "xname": ("id", "word")},
        _SORT,
        soft=False,
    ),
)
BY_KIND: Final[dict[str, Resource]] = {each.kind: each for each in RESOURCES}
BY_CLASS: Final[dict[type[Record], Resource]] = {each.cls: each for each in RESOURCES}
