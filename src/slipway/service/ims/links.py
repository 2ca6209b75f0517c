"""Whether what a link names is there, and whether it is a manifest. Everything here asks the storage: it runs in threads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slipway.errors import InputError
from slipway.service.artifacts import manifest
from slipway.service.artifacts.model import ArtifactError, MissingError, split
from slipway.service.ims.answers import REPEAT, refused
from slipway.service.ims.rights import may_link

if TYPE_CHECKING:
    from slipway.service.artifacts.model import Artifacts, Stat
    from slipway.service.auth.roles import Verb
    from slipway.service.ims.answers import RefusedError
    from slipway.service.model import Actor
    from slipway.service.records.store import Records


@dataclass(frozen=True, slots=True)
class Links:
    """Links that `actor` sets (`verb` is `write`) or uses (`read`). `limit` is the size that a manifest has to be below, in bytes.

    `RefusedError` from all.
    """

    artifacts: Artifacts
    records: Records
    actor: Actor
    limit: int
    verb: Verb

    def check(self, link: dict[str, Any]) -> Stat:
        """A wrong etag is no error: it never was, and clients rely on that."""
        try:
            bucket, key = split(link["path"])
            if not may_link(self.actor, self.records, key, self.verb):
                raise _invalid(link)
            stat = self.artifacts.head(bucket, key)
        except ArtifactError as error:
            if error.again:
                raise unavailable(error) from None
            raise _invalid(link) from None
        except (InputError, ValueError):
            raise _invalid(link) from None
        if stat is None:
            raise _invalid(link)
        return stat

    def check_image(self, link: dict[str, Any]) -> None:
        """The manifest, and all that it lists."""
        document = self._document(link, self.check(link))
        try:
            document = manifest.supported(document)
            for each in manifest.links(document):
                self.check(each)
            roots = manifest.roots(document)
        except manifest.ManifestError as error:
            raise refused(422, error.brief) from None
        if not roots:
            raise refused(
                400,
                f"Error reading the manifest.json for IMS {link}. The manifest does not include any rootfs artifacts."
                f" D{REPEAT}",
            )
        if len(roots) > 1:
            raise refused(
                400,
                f"Error reading the manifest.json for {link}. The manifest includes multiple rootfs artifacts. D{REPEAT}",
            )

    def rootfs(self, link: dict[str, Any], image: str) -> dict[str, Any]:
        """The link to the root file system of an image, which is there."""
        document = self._document(link, self.check(link))
        try:
            document = manifest.supported(document)
        except manifest.ManifestError:
            raise refused(
                400,
                f"The manifest.json file is corrupt or invalid for IMS image_id={image}. Could not determine the manifest"
                f" version or manifest version is unsupported. D{REPEAT}",
            ) from None
        try:
            for _ in manifest.links(document):
                pass
            roots = manifest.roots(document)
        except manifest.ManifestError as error:
            raise refused(400, error.brief) from None
        if len(roots) != 1:
            what = "includes multiple" if roots else "does not include any"
            raise refused(
                400,
                f"Error reading the manifest.json for IMS image_id={image}. The manifest {what} rootfs artifacts."
                f" D{REPEAT}",
            )
        found: dict[str, Any] = roots[0]["link"]
        self.check(found)
        return found

    def url(self, link: dict[str, Any], seconds: int) -> str:
        """Where it can be fetched; a secret."""
        try:
            return self.artifacts.url(*split(link["path"]), seconds)
        except (ArtifactError, InputError):
            raise refused(
                400, f"Unable to generate a download url for the s3 artifact {link}. Please d{REPEAT}"
            ) from None

    def _document(self, link: dict[str, Any], stat: Stat) -> Any:
        try:
            if stat.size >= self.limit:
                raise _too_large(link)
            return manifest.decode(self.artifacts.read(stat.bucket, stat.key, self.limit - 1))
        except manifest.NotJsonError as error:
            if error.text:
                what = f"Manifest file is not valid Json for the s3 artifact {link}."
                raise refused(422, f"{what} Please d{REPEAT}") from None
            raise _unreadable(link) from None
        except InputError:
            raise _too_large(link) from None
        except MissingError:
            raise _invalid(link) from None
        except ArtifactError as error:
            raise (unavailable(error) if error.again else _unreadable(link)) from None


def unavailable(error: ArtifactError) -> RefusedError:
    """Not the client's fault, and not for ever."""
    return refused(503, f"The storage of artifacts does not answer: {error.brief}")


def _invalid(link: dict[str, Any]) -> RefusedError:
    return refused(422, f"The s3 artifact {link} cannot be validated. Please d{REPEAT}")


def _unreadable(link: dict[str, Any]) -> RefusedError:
    return refused(422, f"Unable to read manifest file for the s3 artifact {link}. Please d{REPEAT}")


def _too_large(link: dict[str, Any]) -> RefusedError:
    return refused(
        400,
        f"Image manifest file is larger than the expected maximum size for the s3 artifact {link}. Please d{REPEAT}",
    )
