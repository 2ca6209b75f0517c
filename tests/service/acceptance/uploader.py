"""What the original's helper sends when it uploads, call for call, and what it makes of the answers.

An image: POST of the record, the artifacts one after the other, HEAD of each for its ETag, the manifest, PATCH of the link, PATCH of the
job. A recipe: GET of all, POST, the archive, PATCH.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from tests.service.acceptance.site import IMAGES, RECIPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.service.acceptance.site import Site

TYPES: Final = {
    "rootfs": "application/vnd.cray.image.rootfs.squashfs",
    "kernel": "application/vnd.cray.image.kernel",
    "initrd": "application/vnd.cray.image.initrd",
    "debug_kernel": "application/vnd.cray.image.debug.kernel",
    "boot_parameters": "application/vnd.cray.image.parameters.boot",
}


class Uploader:
    """`base` is what the client was given as the address of the service."""

    def __init__(self, site: Site, base: str = "/apis/ims") -> None:
        self.site = site
        self.base = base

    def image(
        self, name: str, files: Mapping[str, bytes], job: str = "", *, skip_existing: bool = False
    ) -> dict[str, Any]:
        """Artifacts, record and job as the helper's command prints them."""
        done: dict[str, Any] = {"ims_image_artifacts": [], "result": "success"}
        record = self._existing(name, files) if skip_existing else None
        if record is not None and record["link"]:
            return {**done, "ims_image_record": record}
        record = record or self.site.good(
            "POST", f"{self.base}/images", {"name": name, "arch": "x86_64"}, 201
        )
        own = {"x-shasta-ims-image-name": name, "x-shasta-ims-image-id": record["id"]}
        own |= {"x-shasta-ims-job-id": job} if job else {}
        listed = [
            self._put(IMAGES, f"{record['id']}/{part}", content, TYPES[part], own)
            for part, content in files.items()
        ]
        manifest = {"version": "1.0", "created": "2026-01-02 03:04:05.678901", "artifacts": listed}
        text = json.dumps(manifest, sort_keys=True, indent=4).encode()
        entry = self._put(IMAGES, f"{record['id']}/manifest.json", text, "application/json", {})
        done["ims_image_record"] = self.site.good(
            "PATCH", f"{self.base}/images/{record['id']}", {"link": entry["link"]}
        )
        if job:
            change = {"resultant_image_id": record["id"]}
            done["ims_job_record"] = self.site.good("PATCH", f"{self.base}/jobs/{job}", change)
        return {**done, "ims_image_artifacts": [*listed, entry]}

    def recipe(self, name: str, archive: bytes, values: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The record: an existing one when archive and values are the same."""
        unlinked = None
        for found in self.site.good("GET", f"{self.base}/recipes"):
            if found["name"] != name:
                continue
            if found["link"] is None:
                unlinked = found
                continue
            pairs = {pair["key"]: pair["value"] for pair in found["template_dictionary"]}
            stored = self.site.metadata(RECIPES, f"recipes/{found['id']}/recipe.tar.gz")
            if stored["md5sum"] == _md5(archive) and pairs == values:
                return dict(found)
        record = unlinked or self._new_recipe(name, values)
        entry = self._put(RECIPES, f"recipes/{record['id']}/recipe.tar.gz", archive, "", {})
        changed = self.site.good("PATCH", f"{self.base}/recipes/{record['id']}", {"link": entry["link"]})
        return dict(changed)

    def status(self, job: str, status: str) -> dict[str, Any]:
        record = self.site.good("PATCH", f"{self.base}/jobs/{job}", {"status": status})
        return {"ims_job_record": record, "result": "success"}

    def _new_recipe(self, name: str, values: Mapping[str, str] | None) -> dict[str, Any]:
        new: dict[str, Any] = {"recipe_type": "kiwi-ng", "linux_distribution": "sles15", "name": name}
        if values:
            new["template_dictionary"] = [{"key": key, "value": value} for key, value in values.items()]
        return dict(self.site.good("POST", f"{self.base}/recipes", new, 201))

    def _existing(self, name: str, files: Mapping[str, bytes]) -> dict[str, Any] | None:
        """One of that name with just these files, or one that has none yet."""
        named = [each for each in self.site.good("GET", f"{self.base}/images") if each["name"] == name]
        linked = [each for each in named if each["link"]]
        for each in linked:
            bucket, key = each["link"]["path"].removeprefix("s3://").split("/", 1)
            with self.site.s3.get_object(Bucket=bucket, Key=key)["Body"] as body:
                manifest = json.loads(body.read())
            if {a["type"]: a["md5"] for a in manifest["artifacts"]} == {
                TYPES[part]: _md5(content) for part, content in files.items()
            }:
                return dict(each)
        return None if linked or not named else dict(named[-1])

    def _put(
        self, bucket: str, key: str, content: bytes, kind: str, metadata: Mapping[str, str]
    ) -> dict[str, Any]:
        md5 = _md5(content)
        self.site.s3.put_object(Bucket=bucket, Key=key, Body=content, Metadata={"md5sum": md5, **metadata})
        etag = self.site.s3.head_object(Bucket=bucket, Key=key)["ETag"].replace('"', "")
        link = {"path": f"s3://{bucket}/{key}", "etag": etag, "type": "s3"}
        return {"link": link, "type": kind, "md5": md5}


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
