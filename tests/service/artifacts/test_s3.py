"""What only S3 has: signed addresses of the server, keys, certificates, buckets, and copies in parts."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slipway.service.artifacts.model import ArtifactError, MissingError
from slipway.service.artifacts.s3 import S3Artifacts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.settings import ServiceSettings
    from tests.service.ceph import Ceph

B = "boot-images"
PART = 5 << 20
REFUSED = (400, 401, 403)  # servers differ


@pytest.fixture
def s3(s3_settings: ServiceSettings) -> Iterator[S3Artifacts]:
    storage = S3Artifacts.connect(s3_settings)
    yield storage
    storage.close()


def status(method: str, address: str, body: bytes | None = None) -> int:
    request = urllib.request.Request(address, body, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with closing(error):
            return int(error.code)


def test_signed_addresses(s3: S3Artifacts) -> None:
    s3.put(B, "a b/ü", [b"one"])
    address = s3.url(B, "a b/ü", 60)
    with urllib.request.urlopen(address, timeout=20) as answer:
        assert answer.read() == b"one"
    assert status("GET", address.partition("?")[0]) in REFUSED
    assert status("GET", address.replace("a%20b", "b")) in REFUSED
    assert status("PUT", address, b"x") in REFUSED
    assert status("PUT", s3.url(B, "new", 60, "PUT"), b"two") == 200
    assert s3.read(B, "new", 10) == b"two"
    short = s3.url(B, "new", 1)
    time.sleep(2.1)
    assert status("GET", short) in REFUSED


def test_wrong_keys(s3_settings: ServiceSettings) -> None:
    for wrong in (
        replace(s3_settings, s3_secret_key="never-shown"),
        replace(s3_settings, s3_access_key="AKnobody", s3_secret_key="never-shown"),
    ):
        with closing(S3Artifacts.connect(wrong)) as storage:
            for ask in (
                storage.check,
                lambda storage=storage: storage.head(B, "k"),
                lambda storage=storage: storage.put(B, "k", [b"x"]),
            ):
                with pytest.raises(ArtifactError, match="does not let us") as caught:
                    ask()
                assert "access key" in caught.value.hint
                assert not caught.value.again
                assert "never-shown" not in repr(caught.value)


def test_no_bucket(s3: S3Artifacts, s3_settings: ServiceSettings) -> None:
    with pytest.raises(MissingError, match="no bucket not-there") as caught:
        s3.put("not-there", "k", [b"x"])
    assert "settings" in caught.value.hint
    assert s3.head("not-there", "k") is None
    storage = S3Artifacts.connect(replace(s3_settings, images_bucket="not-there"))
    with closing(storage), pytest.raises(MissingError, match="no bucket not-there"):
        storage.check()


@pytest.mark.slow
def test_copies_in_parts_keep_all(rgw: S3Artifacts) -> None:
    content = os.urandom(2 * PART + 7)
    metadata = {"md5sum": "7" * 32, "x-shasta-ims-image-id": "i"}
    rgw.put(B, "k", [content], content_type="x/y", metadata=metadata)
    rgw.copies(PART, PART)
    copied = rgw.copy((B, "k"), ("ims-other", "deleted/k"))
    assert copied.etag.endswith("-3")  # it was in parts indeed
    found = rgw.head("ims-other", "deleted/k")
    assert found
    assert (found.metadata, found.content_type, found.size, found.md5) == (
        metadata,
        "x/y",
        len(content),
        "7" * 32,
    )
    assert rgw.read("ims-other", "deleted/k", len(content)) == content
    with pytest.raises(MissingError, match=f"no artifact s3://{B}/nothing"):
        rgw.copy((B, "nothing"), (B, "x"))


def test_a_server_that_cannot_copy_in_parts(rclone: S3Artifacts) -> None:
    content, metadata = os.urandom(2 * PART + 7), {"md5sum": "7" * 32}
    rclone.put(B, "k", [content], content_type="x/y", metadata=metadata)
    rclone.copies(PART, PART)
    copied = rclone.copy((B, "k"), ("ims-other", "deleted/k"))
    assert (copied.size, copied.metadata["md5sum"], copied.content_type) == (
        len(content),
        metadata["md5sum"],
        "x/y",
    )
    assert rclone.read("ims-other", "deleted/k", len(content)) == content
    assert not list(rclone.uploads("ims-other"))


@pytest.mark.slow
def test_more_than_a_page_of_objects(rgw: S3Artifacts) -> None:
    for number in range(1005):
        rgw._client.put_object(Bucket=B, Key=f"p/{number:05}", Body=b"x")
    assert [stat.key for stat in rgw.walk(B, "p/")] == [f"p/{number:05}" for number in range(1005)]


@pytest.mark.slow
def test_certificates(ceph: Ceph, ceph_settings: ServiceSettings) -> None:
    secure = replace(ceph_settings, s3_endpoint=ceph.secure)
    content = os.urandom(20 << 20)
    with closing(S3Artifacts.connect(secure)) as storage:
        storage.check()
        storage.put(B, "k", [content])
        assert storage.read(B, "k", len(content)) == content
    with closing(S3Artifacts.connect(replace(secure, s3_ca=""))) as storage:
        with pytest.raises(ArtifactError, match="SSLError") as caught:
            storage.check()
        assert "certificate" in caught.value.hint
        assert not caught.value.again
