"""What programs use of the package ims-python-helper (3.3.0), by its names, over this client.

    from slipway.client.shim import ImsHelper

Constructor, methods, arguments and results are those of its `ImsHelper`; errors are subclasses of `SlipwayError`. What was
wrong there and is not here: an empty or missing template dictionary no longer makes a new recipe each time, `require_dkms=False`
is sent, a recipe that is filled gets its dictionary in the right form, a recipe whose archive cannot be sent raises instead of
giving None, nothing is tried for ever, and S3 certificates are checked unless it is told not to.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from slipway import __version__
from slipway.client.borrowed import BorrowedSession
from slipway.client.client import Client
from slipway.client.depot import S3Access, verification
from slipway.client.upload import ARTIFACTS, last_empty
from slipway.errors import FetchError, SlipwayError
from slipway.events import Reporter
from slipway.settings import load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.client.model import Sent
    from slipway.client.signin import SignIn
    from slipway.settings import Settings

DEFAULT_IMS_API_URL: Final = "https://api-gw-service-nmn.local/apis/ims"
ROOTFS, KERNEL, INITRD, DEBUG, PARAMETERS = (kind for _, _, kind in ARTIFACTS)
INITRD_ARTIFACT_TYPE, KERNEL_ARTIFACT_TYPE, SQUASHFS_ARTIFACT_TYPE = INITRD, KERNEL, ROOTFS
DEBUG_KERNEL_ARTIFACT_TYPE, BOOT_PARAMS_ARTIFACT_TYPE = DEBUG, PARAMETERS
_BLOCK: Final = 1 << 20

Record = dict[str, Any]
Files = str | Path | Sequence[str | Path] | None


class ImsImagesExistWithName(SlipwayError):  # noqa: N818 - the name that programs catch
    """There are images of this name that have artifacts."""

    code = "exists"

    def __init__(self, name: str, image_records: Sequence[Mapping[str, Any]]) -> None:
        ids = ", ".join(str(each.get("id")) for each in image_records)
        super().__init__(f'images with name "{name}" already exist in IMS (ID(s): {ids})')
        self.name = name
        self.image_records = image_records


class ImsHelper:
    """`session` is a `requests.Session` or the like that makes the requests; without one, this client's own does.

    Without an S3 server and keys, artifacts go through the service (which an IMS cannot do).
    """

    def __init__(
        self,
        ims_url: str = DEFAULT_IMS_API_URL,
        session: Any = None,
        s3_access_key: str | None = None,
        s3_secret_key: str | None = None,
        s3_endpoint: str | None = None,
        s3_bucket: str | None = None,
        s3_ssl_verify: str | bool | None = None,
        *,
        sign_in: SignIn | None = None,
        ca: str = "",
        settings: Settings | None = None,
        reporter: Reporter | None = None,
        **_kwargs: object,
    ) -> None:
        self.ims_url = ims_url.lstrip("/")
        self.session = session
        self.s3_bucket = s3_bucket
        settings, reporter = settings or load(), reporter or Reporter()
        s3 = None
        if s3_endpoint or s3_access_key:
            verify = verification(s3_ssl_verify) if isinstance(s3_ssl_verify, str) else s3_ssl_verify
            s3 = S3Access(
                s3_endpoint or "",
                s3_access_key or "",
                s3_secret_key or "",
                (ca or True) if verify is None else verify,
                s3_bucket or "",
            )
        agent = f"ims-python-helper/3.3.0 slipway/{__version__}"
        borrowed = None
        if session is not None:
            borrowed = BorrowedSession(self.ims_url, settings, reporter, session, agent=agent)
        self._client = Client(
            self.ims_url,
            sign_in=sign_in,
            s3=s3,
            ca=ca,
            settings=settings,
            reporter=reporter,
            session=borrowed,
            api="",
            agent=agent,
        )
        self._reporter = reporter
        # programs that know the original never close it
        self.close = weakref.finalize(self, self._client.close)

    def image_upload_artifacts(
        self,
        image_name: str,
        ims_job_id: str | None = None,
        rootfs: Files = None,
        kernel: Files = None,
        initrd: Files = None,
        debug: Files = None,
        boot_parameters: Files = None,
        skip_existing: bool = False,
        arch: str | None = None,
    ) -> Record:
        """Make an image of files; the first of each list counts, as ever, and further ones are warned of."""
        done = self._client.upload_image(
            image_name,
            rootfs=self._first(rootfs),
            kernel=self._first(kernel),
            initrd=self._first(initrd),
            debug=self._first(debug),
            boot_parameters=self._first(boot_parameters),
            arch=arch,
            job_id=ims_job_id or None,
            skip_existing=skip_existing,
        )
        result: Record = {
            "result": "success",
            "ims_image_artifacts": [_entry(each) for each in done.artifacts],
            "ims_image_record": dict(done.image),
        }
        if done.job is not None:
            result["ims_job_record"] = dict(done.job)
        return result

    def image_set_job_status(self, ims_job_id: str, job_status: str) -> Record:
        return {
            "result": "success",
            "ims_job_record": self._ims_job_patch_job_status(ims_job_id, job_status),
        }

    def recipe_upload(
        self,
        name: str,
        filepath: str | Path,
        distro: str,
        template_dictionary: Mapping[str, str] | None = None,
        arch: str | None = None,
        require_dkms: bool | None = None,
    ) -> Record:
        """The record of the recipe: made, filled, or one that has this name, archive and dictionary already."""
        done = self._client.upload_recipe(
            name,
            filepath,
            linux_distribution=distro,
            template_dictionary=dict(template_dictionary or {}),
            arch=arch,
            require_dkms=require_dkms,
        )
        return dict(done.recipe)

    def get_image_manifest(self, record: Mapping[str, Any]) -> Record | None:
        found = self._client.read_manifest(record)
        return found if isinstance(found, dict) else None

    def artifacts_match_image_record(
        self,
        record: Mapping[str, Any],
        name: str,  # noqa: ARG002 - part of the call, and compared by nobody
        rootfs_path: str | None = None,
        kernel_path: str | None = None,
        initrd_path: str | None = None,
        debug_kernel: str | None = None,
        boot_params: str | None = None,
    ) -> bool:
        """Whether the record's manifest lists exactly these files, by their MD5."""
        given = (rootfs_path, kernel_path, initrd_path, debug_kernel, boot_params)
        words = (word for word, _, _ in ARTIFACTS)
        found = {word: self._md5(path) for word, path in zip(words, given, strict=True) if path}
        return self._client.matches(record, found)

    def get_empty_image_record_for_name(
        self, image_name: str, skip_existing: bool, arch: str | None = None
    ) -> Record:
        """A record without artifacts: with `skip_existing` one that is there, else a new one."""
        if skip_existing:
            try:
                same = [each for each in self._client.images.list() if each["name"] == image_name]
            except FetchError as error:
                self._reporter.warn(f"could not retrieve existing images: {error.brief}")
                same = []
            if linked := [each for each in same if each["link"]]:
                raise ImsImagesExistWithName(image_name, linked)
            if empty := last_empty(same, arch):
                return dict(empty)
        return self._ims_image_create(image_name, arch)

    @staticmethod
    def _md5(filename: str | Path) -> str:
        found = hashlib.md5(usedforsecurity=False)
        with Path(filename).open("rb") as file:
            while piece := file.read(_BLOCK):
                found.update(piece)
        return found.hexdigest()

    def _ims_images_get(self) -> list[Record]:
        return [dict(each) for each in self._client.images.list()]

    def _ims_image_get(self, image_id: str) -> Record:
        return dict(self._client.images.get(image_id))

    def _ims_image_create(self, name: str, arch: str | None = None) -> Record:
        return dict(self._client.images.create(name, arch=arch))

    def _ims_image_patch(self, image_id: str, data: Mapping[str, Any]) -> Record:
        return dict(self._client.images.change(image_id, data))

    def _ims_image_delete(self, image_id: str) -> None:
        self._client.images.delete(image_id)

    def _ims_job_patch_resultant_image_id(self, ims_job_id: str, result_id: str) -> Record:
        return dict(self._client.jobs.change(ims_job_id, {"resultant_image_id": result_id}))

    def _ims_job_patch_job_status(self, ims_job_id: str, ims_job_status: str) -> Record:
        return dict(self._client.jobs.change(ims_job_id, {"status": ims_job_status}))

    def _ims_recipes_get(self) -> list[Record]:
        return [dict(each) for each in self._client.recipes.list()]

    def _ims_recipe_create(
        self,
        name: str,
        linux_distribution: str = "",
        template_dictionary: Mapping[str, str] | None = None,
        arch: str | None = None,
        require_dkms: bool | None = None,
    ) -> Record:
        return dict(
            self._client.recipes.create(
                name,
                linux_distribution=linux_distribution,
                template_dictionary=template_dictionary or None,
                arch=arch,
                require_dkms=require_dkms,
            )
        )

    def _ims_recipe_patch(self, recipe_id: str, data: Mapping[str, Any]) -> Record:
        return dict(self._client.recipes.change(recipe_id, data))

    def _ims_recipe_delete(self, ident: str) -> None:
        self._client.recipes.delete(ident)

    def _first(self, files: Files) -> str | Path | None:
        if not files:
            return None
        if isinstance(files, str | Path):
            return files
        if len(files) > 1:
            self._reporter.warn(f"only the first of these files is taken: {', '.join(map(str, files))}")
        return files[0]


def _entry(sent: Sent) -> Record:
    return {"link": dict(sent.link), "md5": sent.md5, "type": sent.type}
