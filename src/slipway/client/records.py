"""The collections of a service. What they give is the JSON of the records; ids are texts.

`delete` of public keys, recipes and images can be taken back with `undelete` until `purge`; of jobs and nodes it cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from slipway.client.errors import ServiceError
from slipway.client.model import Image, Job, Key, Node, NodeStatus, Recipe
from slipway.client.session import segment

if TYPE_CHECKING:
    from slipway.client.model import Arch, Distribution, JobType, Link, RecipeType
    from slipway.client.session import Session

R = TypeVar("R", bound=Mapping[str, Any])


class Collection(Generic[R]):
    """`name` is its part of the path, `api` what is before it: `/v3`, or nothing for the one without a version."""

    key = "id"

    def __init__(self, session: Session, name: str, api: str = "/v3") -> None:
        self.name = name
        self._session = session
        self._api = api
        self._path = f"{api}/{name}"

    def list(self) -> Sequence[R]:
        """All that are not deleted, in the order of the service."""
        return self._many(self._path)

    def pages(self, **filters: str) -> Iterator[Mapping[str, Any]]:
        """All records that pass the filters, asked for page by page from `/v4`, which an IMS has not.

        `filters` are its query parameters: `name`, `sort`, `fields`, `limit` (records of a page) and so on. The records are as
        `/v4` shows them, with `version`, `project` and `owner`.
        """
        # its nodes have a shorter name
        path = "/v4/nodes" if self.key == "xname" else f"/v4/{self.name}"
        return pages(self._session, path, filters)

    def get(self, identity: str) -> R:
        return self._one(self._session.get(self._at(identity)))

    def delete(self, identity: str) -> None:
        self._session.call("DELETE", self._at(identity))

    def change(self, identity: str, fields: Mapping[str, object]) -> R:
        """Patch with fields as they are given."""
        return self._one(self._session.call("PATCH", self._at(identity), dict(fields)))

    def _at(self, identity: str) -> str:
        return f"{self._path}/{segment(identity)}"

    def _create(self, **fields: object) -> R:
        return self._one(self._session.call("POST", self._path, _given(fields)))

    def _patch(self, identity: str, **fields: object) -> R:
        return self.change(identity, _given(fields))

    def _many(self, path: str) -> Sequence[R]:
        found = self._session.get(path)
        if not isinstance(found, list):
            raise _odd(path)
        return [self._one(each) for each in found]

    def _one(self, found: object) -> R:
        if not isinstance(found, dict) or not isinstance(found.get(self.key), str):
            raise _odd(self._path)
        return cast("R", found)


class Restorable(Collection[R]):
    """A collection whose deleted records are kept."""

    def deleted(self) -> Sequence[R]:
        return self._many(f"{self._api}/deleted/{self.name}")

    def get_deleted(self, identity: str) -> R:
        return self._one(self._session.get(self._gone(identity)))

    def undelete(self, identity: str) -> None:
        self._session.call("PATCH", self._gone(identity), {"operation": "undelete"})

    def purge(self, identity: str) -> None:
        """Remove a deleted record for ever, with its artifacts."""
        self._session.call("DELETE", self._gone(identity))

    def forget(self, identity: str) -> None:
        """Delete for ever at once. The API without a version knows nothing else."""
        self.delete(identity)
        if self._api:
            self.purge(identity)

    def _gone(self, identity: str) -> str:
        return f"{self._api}/deleted/{self.name}/{segment(identity)}"


class Keys(Restorable[Key]):
    def create(self, name: str, public_key: str) -> Key:
        return self._create(name=name, public_key=public_key)


class Recipes(Restorable[Recipe]):
    def create(
        self,
        name: str,
        *,
        linux_distribution: Distribution | str,
        recipe_type: RecipeType | str = "kiwi-ng",
        arch: Arch | str | None = None,
        require_dkms: bool | None = None,
        template_dictionary: Mapping[str, str] | None = None,
        link: Link | None = None,
    ) -> Recipe:
        return self._create(
            name=name,
            recipe_type=recipe_type,
            linux_distribution=linux_distribution,
            arch=arch,
            require_dkms=require_dkms,
            template_dictionary=_pairs(template_dictionary),
            link=link,
        )

    def patch(
        self,
        identity: str,
        *,
        link: Link | None = None,
        arch: Arch | str | None = None,
        require_dkms: bool | None = None,
        template_dictionary: Mapping[str, str] | None = None,
    ) -> Recipe:
        """What is None stays as it is; a dictionary takes the place of the one that is there."""
        return self._patch(
            identity,
            link=link,
            arch=arch,
            require_dkms=require_dkms,
            template_dictionary=_pairs(template_dictionary),
        )


class Images(Restorable[Image]):
    def create(
        self,
        name: str,
        *,
        arch: Arch | str | None = None,
        metadata: Mapping[str, str] | None = None,
        link: Link | None = None,
    ) -> Image:
        # The service takes metadata with a member `key` for a pair of key and value: such a map is set afterwards.
        later = dict(metadata or {}) if "key" in (metadata or {}) else {}
        made = self._create(name=name, arch=arch, link=link, metadata=None if later else metadata or None)
        return self.patch(made["id"], set_metadata=later) if later else made

    def patch(
        self,
        identity: str,
        *,
        link: Link | None = None,
        arch: Arch | str | None = None,
        set_metadata: Mapping[str, str] | None = None,
        remove_metadata: Sequence[str] = (),
    ) -> Image:
        """What is None stays as it is. Each piece of metadata is a request of its own: the service takes one at once."""
        changes: list[dict[str, object]] = [{"link": link, "arch": arch}] if link or arch else []
        changes += [
            {"metadata": {"operation": "set", "key": key, "value": value}}
            for key, value in (set_metadata or {}).items()
        ]
        changes += [{"metadata": {"operation": "remove", "key": key}} for key in remove_metadata]
        patched: Image | None = None
        for change in changes:
            patched = self._patch(identity, **change)
        return self.get(identity) if patched is None else patched


class Jobs(Collection[Job]):
    def create(
        self,
        job_type: JobType | str,
        *,
        artifact_id: str,
        public_key_id: str,
        image_root_archive_name: str,
        enable_debug: bool | None = None,
        build_env_size: int | None = None,
        job_mem_size: int | None = None,
        kernel_file_name: str | None = None,
        initrd_file_name: str | None = None,
        kernel_parameters_file_name: str | None = None,
        ssh_containers: Sequence[Mapping[str, object]] | None = None,
        require_dkms: bool | None = None,
    ) -> Job:
        """`artifact_id` is a recipe's (create) or an image's (customize); sizes are in GiB."""
        return self._create(
            job_type=job_type,
            artifact_id=artifact_id,
            public_key_id=public_key_id,
            image_root_archive_name=image_root_archive_name,
            enable_debug=enable_debug,
            build_env_size=build_env_size,
            job_mem_size=job_mem_size,
            kernel_file_name=kernel_file_name,
            initrd_file_name=initrd_file_name,
            kernel_parameters_file_name=kernel_parameters_file_name,
            ssh_containers=ssh_containers,
            require_dkms=require_dkms,
        )

    def patch(
        self, identity: str, *, status: str | None = None, resultant_image_id: str | None = None
    ) -> Job:
        return self._patch(identity, status=status, resultant_image_id=resultant_image_id)


class Nodes(Collection[Node]):
    """Remote build nodes; their id is the xname."""

    key = "xname"

    def create(self, xname: str) -> Node:
        return self._create(xname=xname)

    def status(self, xname: str) -> NodeStatus:
        found = self._session.get(f"{self._path}/status/{segment(xname)}")
        # IMS says that it answers with a list, and answers with the record
        first = found[0] if isinstance(found, list) and found else found
        return cast("NodeStatus", self._one(first))


def pages(session: Session, path: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """What a list of `/v4` has on all its pages."""
    query = dict(query)
    while True:
        found = session.get(path, query)
        if not isinstance(found, dict) or not isinstance(found.get("items"), list):
            raise _odd(path)
        yield from found["items"]
        following = found.get("next")
        if not isinstance(following, str) or not following or query.get("cursor") == following:
            return
        query["cursor"] = following


def _given(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _pairs(dictionary: Mapping[str, str] | None) -> Sequence[Mapping[str, str]] | None:
    return None if dictionary is None else [{"key": key, "value": value} for key, value in dictionary.items()]


def _odd(path: str) -> ServiceError:
    return ServiceError(
        f"{path}: the answer has not the form of records",
        status=200,
        hint="is this the address of the service?",
    )
