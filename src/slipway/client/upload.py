"""Images and recipes with their artifacts: records, keys, manifests and what is undone when something fails.

The layout is that of IMS (ims-python-helper 3.3.0): `boot-images/ID/rootfs` and so on, a manifest 1.0, `ims/recipes/ID/recipe.tar.gz`,
the MD5 in the metadata `md5sum`.
"""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from email.header import Header
from typing import TYPE_CHECKING, Final

from slipway.client.depot import IMAGES, RECIPES
from slipway.client.model import Sent, UploadedImage, UploadedRecipe
from slipway.client.transfer import Hashes, Parcel, hash_file, send, send_small, steady
from slipway.errors import FetchError, InputError, SlipwayError, UsageError
from slipway.service.artifacts import manifest
from slipway.service.artifacts.model import split
from slipway.service.model import Link as ArtifactLink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from slipway.client.depot import Depot
    from slipway.client.model import Image, Job, Recipe
    from slipway.client.records import Images, Jobs, Recipes
    from slipway.client.session import Session

# Keyword, last part of the key, type: in the order of manifests.
ARTIFACTS: Final = (
    ("rootfs", "rootfs", "application/vnd.cray.image.rootfs.squashfs"),
    ("kernel", "kernel", "application/vnd.cray.image.kernel"),
    ("initrd", "initrd", "application/vnd.cray.image.initrd"),
    ("debug", "debug_kernel", "application/vnd.cray.image.debug.kernel"),
    ("boot_parameters", "boot_parameters", "application/vnd.cray.image.parameters.boot"),
)
ARCHIVE: Final = "application/x-compressed-tar"
_MANIFEST_LIMIT: Final = 1 << 20
_FILES: Final = 2  # at once: one is hashed while another is sent


class Uploads:
    """For one client; `depot` is opened when it is needed. `bucket` is for all artifacts, empty: one for each kind."""

    def __init__(
        self,
        session: Session,
        images: Images,
        recipes: Recipes,
        jobs: Jobs,
        depot: Callable[[], Depot],
        *,
        bucket: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._session, self._images, self._recipes, self._jobs = session, images, recipes, jobs
        self._depot = depot
        self._image_bucket = bucket or IMAGES
        self._recipe_bucket = bucket or RECIPES
        self._now = now

    def image(
        self,
        name: str,
        files: Mapping[str, Path],
        *,
        arch: str | None = None,
        job_id: str | None = None,
        skip_existing: bool = False,
        resume: bool = False,
        metadata: Mapping[str, str] | None = None,
    ) -> UploadedImage:
        """`files` by the keywords of `ARTIFACTS`. See `Client.upload_image`."""
        _readable(name, files)
        if not files and not skip_existing:
            return UploadedImage(self._images.create(name, arch=arch, metadata=metadata))
        hashes: dict[str, Hashes] = {}
        record: Image | None = None
        if skip_existing:
            hashes = {word: self._hash(path) for word, path in files.items()}
            same = [each for each in self._images.list() if each["name"] == name]
            for each in same:
                if each["link"] and self.matches(each, {word: found.md5 for word, found in hashes.items()}):
                    return UploadedImage(each, skipped=True)
            if not any(each["link"] for each in same):
                record = last_empty(same, arch)
        elif resume:
            record = self._interrupted(name, arch)
        adopted = record is not None
        if record is None:
            record = self._images.create(name, arch=arch, metadata=metadata)
        identity = record["id"]
        if not files:
            return UploadedImage(record)
        with self._undone(self._images, identity, (self._image_bucket, f"{identity}/"), adopted=adopted):
            sent = self._send_all(name, identity, files, hashes, job_id, resume=resume)
            sent.append(self._send_manifest(identity, sent))
            record = self._images.patch(identity, link=sent[-1].link)
        if adopted and metadata:
            record = self._images.patch(identity, set_metadata=metadata)
        job: Job | None = self._jobs.patch(job_id, resultant_image_id=identity) if job_id else None
        return UploadedImage(record, tuple(sent), job)

    def recipe(
        self,
        name: str,
        path: Path,
        *,
        linux_distribution: str,
        recipe_type: str = "kiwi-ng",
        arch: str | None = None,
        require_dkms: bool | None = None,
        template_dictionary: Mapping[str, str] | None = None,
        skip_existing: bool = True,
    ) -> UploadedRecipe:
        """See `Client.upload_recipe`."""
        _readable(name, {"recipe": path})
        wanted = dict(template_dictionary or {})
        hashes: Hashes | None = None
        record: Recipe | None = None
        if skip_existing:
            hashes = self._hash(path)
            same = [each for each in self._recipes.list() if each["name"] == name and _fits(each, arch)]
            for each in same:
                if each["link"] and dictionary(each) == wanted and self._md5(each) == hashes.md5:
                    return UploadedRecipe(each, skipped=True)
            record = next((each for each in reversed(same) if not each["link"]), None)
        adopted = record is not None
        if record is None:
            record = self._recipes.create(
                name,
                linux_distribution=linux_distribution,
                recipe_type=recipe_type,
                arch=arch,
                require_dkms=require_dkms,
                template_dictionary=wanted or None,
            )
        identity = record["id"]
        key = f"recipes/{identity}/recipe.tar.gz"
        parcel = Parcel(path, self._recipe_bucket, key, ARCHIVE, {}, hashes)
        place = (self._recipe_bucket, f"recipes/{identity}/")
        with self._undone(self._recipes, identity, place, adopted=adopted):
            sent = self._send(parcel, threading.Event(), resume=adopted)
            record = self._recipes.patch(
                identity,
                link=sent.link,
                require_dkms=require_dkms if adopted else None,
                template_dictionary=wanted if adopted else None,
            )
        return UploadedRecipe(record, sent)

    def read_manifest(self, record: Mapping[str, object]) -> object:
        """The manifest that an image's link names, as JSON; None where there is none that can be read."""
        link = record.get("link")
        path = link.get("path") if isinstance(link, dict) else None
        if not isinstance(path, str):
            return None
        try:
            bucket, key = split(path)
            found = self._session.patiently(lambda: self._depot().read(bucket, key, _MANIFEST_LIMIT))
            document: object = json.loads(found)
        except (FetchError, InputError, ValueError, RecursionError) as error:
            self._session.reporter.warn(f"the manifest {path} cannot be read, the image is left out: {error}")
            return None
        return document

    def matches(self, record: Mapping[str, object], md5s: Mapping[str, str]) -> bool:
        """Whether the image's manifest lists exactly these artifacts; `md5s` are by the keywords of `ARTIFACTS`."""
        types = {word: kind for word, _, kind in ARTIFACTS}
        listed = manifest.artifacts(self.read_manifest(record))
        found = {each.type: each.md5 for each in listed if each.type in types.values()}
        return bool(listed) and found == {types[word]: md5 for word, md5 in md5s.items()}

    def _send_all(
        self,
        name: str,
        identity: str,
        files: Mapping[str, Path],
        hashes: Mapping[str, Hashes],
        job_id: str | None,
        *,
        resume: bool,
    ) -> list[Sent]:
        metadata = {"x-shasta-ims-image-name": _ascii(name), "x-shasta-ims-image-id": identity}
        if job_id:
            metadata["x-shasta-ims-job-id"] = job_id
        parcels = [
            Parcel(files[word], self._image_bucket, f"{identity}/{last}", kind, metadata, hashes.get(word))
            for word, last, kind in ARTIFACTS
            if word in files
        ]
        halt = threading.Event()
        with ThreadPoolExecutor(_FILES, "artifacts") as pool:
            running = [pool.submit(self._send, each, halt, resume=resume) for each in parcels]
            try:
                return [each.result() for each in running]
            except BaseException:
                halt.set()
                for each in running:
                    each.cancel()
                raise

    def _send(self, parcel: Parcel, halt: threading.Event, *, resume: bool) -> Sent:
        return send(
            self._depot(), parcel, self._session.reporter, self._session.patiently, halt, resume=resume
        )

    def _send_manifest(self, identity: str, sent: Sequence[Sent]) -> Sent:
        listed = [manifest.Artifact(ArtifactLink(each.path, each.etag), each.type, each.md5) for each in sent]
        created = str(self._now().astimezone(UTC).replace(tzinfo=None))
        content = manifest.encode(listed, created)
        place = (self._image_bucket, f"{identity}/manifest.json")
        return send_small(self._depot(), place, content, "application/json", self._session.patiently)

    def _interrupted(self, name: str, arch: str | None) -> Image | None:
        """The last image of this name that has no artifacts yet, rather one of which something was begun."""
        empty = [
            each
            for each in reversed(self._images.list())
            if each["name"] == name and not each["link"] and _fits(each, arch)
        ]
        found = next((each for each in empty if self._begun(each["id"])), empty[0] if empty else None)
        what = f"going on with the image {found['id']}" if found else f"no upload of {name} was interrupted"
        self._session.reporter.note(what)
        return found

    def _begun(self, identity: str) -> bool:
        places = [(self._image_bucket, f"{identity}/{last}") for _, last, _ in ARTIFACTS]
        return any(self._depot().head(*place) or self._depot().begun(*place) for place in places)

    def _hash(self, path: Path) -> Hashes:
        return hash_file(path, self._session.reporter, threading.Event())

    def _md5(self, record: Recipe) -> str:
        link = record["link"]
        if link is None:
            return ""
        bucket, key = split(link["path"])
        found = self._session.patiently(lambda: self._depot().head(bucket, key))
        return found.md5 if found else ""

    @contextmanager
    def _undone(
        self, records: Images | Recipes, identity: str, place: tuple[str, str], *, adopted: bool
    ) -> Iterator[None]:
        """When the block fails: its objects are deleted, and the record if it was made for it. An interruption leaves all."""
        try:
            yield
        except Exception:
            left = []
            try:
                self._depot().delete_below(*place)
            except SlipwayError as error:
                left.append(f"s3://{'/'.join(place)} ({error.brief})")
            try:
                if not adopted:
                    records.forget(identity)
            except SlipwayError as error:
                left.append(f"the record {identity} ({error.brief})")
            if left:
                self._session.reporter.warn(f"what was begun could not be removed: {', '.join(left)}")
            raise


def dictionary(record: Mapping[str, object]) -> dict[str, str]:
    """A recipe's template dictionary as a mapping."""
    pairs = record.get("template_dictionary")
    return {str(each["key"]): str(each["value"]) for each in pairs} if isinstance(pairs, list) else {}


def _fits(record: Mapping[str, object], arch: str | None) -> bool:
    return arch is None or record.get("arch", arch) == arch


def last_empty(same: Sequence[Image], arch: str | None) -> Image | None:
    """The last of these images that has no artifacts, of that architecture."""
    return next((each for each in reversed(same) if not each["link"] and _fits(each, arch)), None)


def _readable(name: str, files: Mapping[str, Path]) -> None:
    """`UsageError` before anything is begun."""
    if not name:
        raise UsageError("an image or recipe has a name")
    for path in files.values():
        if not path.is_file():
            raise UsageError(f"{path} is not a file")
        with steady(path):
            pass


def _ascii(text: str) -> str:
    """Metadata of S3 is ASCII; what is not is written as S3 itself shows it (RFC 2047)."""
    plain = text.isascii() and text.isprintable()
    return text if plain else Header(text, "utf-8", maxlinelen=1 << 16).encode()
