"""Uploads in parts that nobody goes on with, in each storage."""

from __future__ import annotations

import logging
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slipway.service.artifacts.model import MissingError
from slipway.service.artifacts.s3 import S3Artifacts
from tests.service.artifacts.faulty import Fault, Proxy, proxy, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.artifacts.local import LocalArtifacts
    from slipway.service.artifacts.model import Artifacts
    from slipway.service.settings import ServiceSettings

B = "boot-images"
PAUSE = 0.05  # longer than the finest difference of times that a storage tells
LATER = 3600


def has(storage: Artifacts, key: str, upload: str, bucket: str = B) -> bool:
    try:
        storage.parts(bucket, key, upload)
    except MissingError:
        return False
    return True


def test_those_that_stopped_are_given_up(storage: Artifacts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slipway.service.artifacts.s3uploads._PAGE", 2)
    assert storage.give_up(time.time() + LATER) == 0
    begun = [(f"a b/ü{number}", storage.begin(B, f"a b/ü{number}")) for number in range(5)]
    begun.append(("a b/ü0", storage.begin(B, "a b/ü0")))
    for key, upload in begun[2:]:
        storage.part(B, key, upload, 1, [b"one"])
    going = storage.begin(B, "going on")
    storage.part(B, "going on", going, 1, [b"old"])
    storage.put(B, "done", [b"kept"])
    time.sleep(PAUSE)
    before = time.time()
    time.sleep(PAUSE)
    storage.part(B, "going on", going, 2, [b"new"])
    new = storage.begin(B, "new")
    assert storage.give_up(before) == len(begun)
    assert [has(storage, *each) for each in begun] == [False] * len(begun)
    assert has(storage, "new", new)
    assert sorted(storage.parts(B, "going on", going)) == [1, 2]
    assert storage.give_up(before) == 0
    assert storage.read(B, "done", 10) == b"kept"
    assert storage.give_up(time.time() + LATER) == 2


def test_folders_that_no_upload_has(local: LocalArtifacts) -> None:
    upload = local.begin(B, "k")
    local.part(B, "k", upload, 1, [b"x"])
    (local.root / "incoming" / "half").mkdir()
    (local.root / "incoming" / "half" / ".part").write_bytes(b"x")
    assert local.give_up(time.time() - LATER) == 0
    assert local.give_up(time.time() + LATER) == 2
    assert not list((local.root / "incoming").iterdir())
    with pytest.raises(MissingError):
        local.part(B, "k", upload, 2, [b"x"])


@pytest.fixture
def way(rclone_settings: ServiceSettings) -> Iterator[Proxy]:
    with proxy(rclone_settings.s3_endpoint) as server:
        yield server


@pytest.fixture
def s3(way: Proxy, rclone_settings: ServiceSettings) -> Iterator[S3Artifacts]:
    with closing(S3Artifacts.connect(replace(rclone_settings, s3_endpoint=way.url))) as storage:
        yield storage


def test_other_buckets_are_left_alone(s3: S3Artifacts) -> None:
    theirs, ours = s3.begin("ims-other", "k"), s3.begin("ims", "k")
    assert s3.give_up(time.time() + LATER) == 1
    assert not has(s3, "k", ours, "ims")
    assert has(s3, "k", theirs, "ims-other")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault(refuse(403, "AccessDenied"), "GET", "/boot-images?uploads"), "does not let us"),
        (Fault(refuse(501, "NotImplemented"), "GET", "/boot-images?uploads"), "NotImplemented"),
        (Fault(refuse(403, "AccessDenied"), "DELETE", "/boot-images/"), "does not let us"),
        (Fault(refuse(403, "AccessDenied"), "GET", "/boot-images/k?"), "does not let us"),
    ],
)
def test_what_the_server_refuses_is_one_warning(
    way: Proxy, s3: S3Artifacts, fault: Fault, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept, other = s3.begin(B, "k"), s3.begin("ims", "k")
    way.state.faults.append(fault)
    for given_up in (1, 0):
        assert s3.give_up(time.time() + LATER) == given_up  # in the other bucket
    [warning] = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert f"bucket {B} " in warning
    assert said in warning
    way.state.faults.clear()
    assert has(s3, "k", kept)
    assert not has(s3, "k", other, "ims")
    assert s3.give_up(time.time() + LATER) == 1
    way.state.faults.append(fault)
    s3.begin(B, "k")
    s3.give_up(time.time() + LATER)
    assert len([each for each in caplog.records if each.levelno == logging.WARNING]) == 2


def test_one_that_is_over_meanwhile(way: Proxy, s3: S3Artifacts) -> None:
    gone, kept = s3.begin(B, "a"), s3.begin(B, "b")
    way.state.faults.append(Fault(refuse(404, "NoSuchUpload"), "DELETE", "/boot-images/a"))
    assert s3.give_up(time.time() + LATER) == 1
    assert [has(s3, "a", gone), has(s3, "b", kept)] == [True, False]
