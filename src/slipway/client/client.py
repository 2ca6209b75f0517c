"""The image service for Python programs."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from slipway.client.artifacts import Artifacts
from slipway.client.records import Images, Jobs, Keys, Nodes, Recipes
from slipway.client.session import Session
from slipway.client.signin import sign_in as found_sign_in
from slipway.client.upload import Uploads
from slipway.events import Reporter
from slipway.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from slipway.client.depot import Depot, S3Access
    from slipway.client.model import UploadedImage, UploadedRecipe
    from slipway.client.signin import SignIn
    from slipway.settings import Settings


class Client:
    """A service: its `images`, `recipes`, `keys`, `jobs`, `nodes` and `artifacts`, and uploads. For any number of threads.

        with Client("http://127.0.0.1:9000") as service:
            done = service.upload_image("compute", rootfs="image.squashfs", kernel="vmlinuz", initrd="initrd")
            print(done.image["id"])

    It speaks the API that IMS has (`/v3`), so the service may be an IMS too. All methods raise subclasses of `SlipwayError`:
    `ServiceError` (with `status`, `title`, `detail`, `errors`) when the service refuses.
    """

    def __init__(
        self,
        url: str = "",
        *,
        sign_in: SignIn | None = None,
        s3: S3Access | None = None,
        ca: str | os.PathLike[str] = "",
        settings: Settings | None = None,
        reporter: Reporter | None = None,
        session: Session | None = None,
        api: str = "/v3",
        agent: str = "",
        pause: Callable[[float], object] | None = None,
    ) -> None:
        """`url` is where paths begin (`https://HOST/apis/ims`); default: the setting `server`.

        Without `sign_in`: the setting `token_file`, SLIPWAY_TOKEN, or client credentials in OAUTH_CONFIG_DIR or
        /etc/admin-client-auth. `ca` (default: CA_CERT) is a file of authorities to trust beside the usual. With `s3`, uploads go
        to that server directly; else through the service. `api` is the version: without one (empty), what is deleted is gone. `pause` waits seconds: tests pass
        their own. A `session` that is given takes the place of all that makes one.
        """
        settings = settings or load()
        authorities = os.fspath(ca) or os.environ.get("CA_CERT", "")
        self.session = session or Session(
            url or settings.server,
            settings,
            reporter or Reporter(),
            sign_in=sign_in or found_sign_in(os.environ, settings.token_file),
            ca=Path(authorities) if authorities else None,
            agent=agent,
            pause=pause,
        )
        self.keys = Keys(self.session, "public-keys", api)
        self.recipes = Recipes(self.session, "recipes", api)
        self.images = Images(self.session, "images", api)
        self.jobs = Jobs(self.session, "jobs", api)
        self.nodes = Nodes(self.session, "remote-build-nodes")
        self.artifacts = Artifacts(self.session)
        self._s3 = s3
        self._state = settings.cache / "uploads"
        self._opened: Depot | None = None
        self._lock = threading.Lock()
        self._uploads = Uploads(
            self.session, self.images, self.recipes, self.jobs, self.depot, bucket=s3.bucket if s3 else ""
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self.session.close()
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    def upload_image(
        self,
        name: str,
        *,
        rootfs: str | os.PathLike[str] | None = None,
        kernel: str | os.PathLike[str] | None = None,
        initrd: str | os.PathLike[str] | None = None,
        debug: str | os.PathLike[str] | None = None,
        boot_parameters: str | os.PathLike[str] | None = None,
        arch: str | None = None,
        job_id: str | None = None,
        skip_existing: bool = False,
        resume: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> UploadedImage:
        """Make an image of files: record, artifacts, manifest, link; `job_id` gets it as its result.

        `skip_existing` looks for an image of this name with the same artifacts first, and fills one that has none. `resume`
        goes on with one that was interrupted. What was begun is removed when it fails; an interruption leaves it.
        """
        given = {
            "rootfs": rootfs,
            "kernel": kernel,
            "initrd": initrd,
            "debug": debug,
            "boot_parameters": boot_parameters,
        }
        return self._uploads.image(
            name,
            {word: Path(path) for word, path in given.items() if path is not None},
            arch=arch,
            job_id=job_id,
            skip_existing=skip_existing,
            resume=resume,
            metadata=metadata,
        )

    def upload_recipe(
        self,
        name: str,
        path: str | os.PathLike[str],
        *,
        linux_distribution: str,
        recipe_type: str = "kiwi-ng",
        arch: str | None = None,
        require_dkms: bool | None = None,
        template_dictionary: Mapping[str, str] | None = None,
        skip_existing: bool = True,
    ) -> UploadedRecipe:
        """Make a recipe of an archive (tar, gzip).

        With `skip_existing`, one of the same name, architecture, archive and dictionary is taken instead; one without an
        archive is filled.
        """
        return self._uploads.recipe(
            name,
            Path(path),
            linux_distribution=linux_distribution,
            recipe_type=recipe_type,
            arch=arch,
            require_dkms=require_dkms,
            template_dictionary=template_dictionary,
            skip_existing=skip_existing,
        )

    def read_manifest(self, image: Mapping[str, object]) -> object:
        """The manifest of an image's record; None where there is none that can be read."""
        return self._uploads.read_manifest(image)

    def matches(self, image: Mapping[str, object], md5s: Mapping[str, str]) -> bool:
        """Whether the image's manifest lists exactly these artifacts: MD5s by the keywords of `upload_image`."""
        return self._uploads.matches(image, md5s)

    def depot(self) -> Depot:
        """Where artifacts are brought."""
        with self._lock:
            if self._opened is None:
                if self._s3 is not None:
                    from slipway.client.s3depot import S3Depot

                    self._opened = S3Depot(self._s3)
                else:
                    from slipway.client.servicedepot import ServiceDepot

                    self._opened = ServiceDepot(self.session, self._state)
            return self._opened
