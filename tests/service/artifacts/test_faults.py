"""S3 that answers no, nothing, too late, or half: what is told then, how soon, and what is left behind."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from slipway.service.artifacts.model import ArtifactError, MissingError
from slipway.service.artifacts.s3 import S3Artifacts
from tests.service.artifacts.faulty import Fault, Proxy, cut, hang, lose_answer, proxy, refuse, reset

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.service.settings import ServiceSettings

pytestmark = pytest.mark.parametrize(
    "s3_settings",
    [
        pytest.param("rclone_settings", marks=pytest.mark.thorough),
        pytest.param("ceph_settings", marks=pytest.mark.slow),
    ],
    indirect=True,
)
SMALL = os.urandom(300_000)
LARGE = os.urandom(40 << 20)
B = "boot-images"


@pytest.fixture
def way(s3_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    really = time.sleep
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: really(min(seconds, 0.01)))
    with proxy(s3_settings.s3_endpoint) as server:
        yield server


@pytest.fixture
def storage(way: Proxy, s3_settings: ServiceSettings) -> Iterator[S3Artifacts]:
    found = S3Artifacts.connect(
        replace(s3_settings, s3_endpoint=way.url, s3_connect_timeout=2, s3_read_timeout=1)
    )
    yield found
    found.close()


def pieces(content: bytes, size: int = 1 << 20) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


def uploads(storage: S3Artifacts) -> list[object]:
    answer = storage._client.list_multipart_uploads(Bucket=B)
    return list(answer.get("Uploads", ()))


def test_without_faults(way: Proxy, storage: S3Artifacts) -> None:
    storage.put(B, "k", pieces(LARGE))
    assert storage.read(B, "k", len(LARGE)) == LARGE
    assert len({path for _, path in way.state.requests if "partNumber" in path}) == 3


@pytest.mark.parametrize("code", ["AccessDenied", "SignatureDoesNotMatch", "InvalidAccessKeyId"])
def test_refused(way: Proxy, storage: S3Artifacts, code: str) -> None:
    way.state.faults.append(Fault(refuse(403, code)))
    with pytest.raises(ArtifactError) as caught:
        storage.read(B, "k", 10)
    assert not caught.value.again
    assert code in caught.value.brief
    assert "access key" in caught.value.hint
    assert len(way.state.requests) == 1


def test_refused_without_a_reason(way: Proxy, storage: S3Artifacts) -> None:
    way.state.faults.append(Fault(refuse(403, ""), "HEAD"))
    with pytest.raises(ArtifactError, match="does not let us") as caught:
        storage.head(B, "k")
    assert not isinstance(caught.value, MissingError)


def test_busy(way: Proxy, storage: S3Artifacts) -> None:
    storage.put(B, "k", [SMALL])
    way.state.faults.append(Fault(refuse(503, "SlowDown"), times=3))
    assert storage.read(B, "k", len(SMALL)) == SMALL
    way.state.faults.append(Fault(refuse(503, "SlowDown")))
    way.state.requests.clear()
    with pytest.raises(ArtifactError, match="SlowDown") as caught:
        storage.read(B, "k", len(SMALL))
    assert caught.value.again
    assert len(way.state.requests) == 5


def test_reset(way: Proxy, storage: S3Artifacts) -> None:
    storage.put(B, "k", [SMALL])
    way.state.faults.append(Fault(reset, times=2))
    assert storage.read(B, "k", len(SMALL)) == SMALL
    way.state.faults.append(Fault(reset))
    with pytest.raises(ArtifactError, match="cannot be asked") as caught:
        storage.read(B, "k", len(SMALL))
    assert caught.value.again
    assert "Signature" not in str(caught.value)
    assert way.url not in str(caught.value)


def test_half_an_object(way: Proxy, storage: S3Artifacts) -> None:
    storage.put(B, "k", [SMALL])
    way.state.faults.append(Fault(cut(100_000), times=1))
    assert storage.read(B, "k", len(SMALL)) == SMALL
    way.state.faults.append(Fault(cut(0)))
    with pytest.raises(ArtifactError) as caught:
        storage.read(B, "k", len(SMALL))
    assert caught.value.again


def test_reading_goes_on_where_it_broke_off(way: Proxy, storage: S3Artifacts) -> None:
    content = LARGE[: 5 << 20]
    storage.put(B, "k", [content])
    way.state.faults.append(Fault(cut(2_500_000), times=2))
    assert b"".join(storage.chunks(B, "k")) == content
    way.state.faults.append(Fault(cut(1000), times=1))
    assert b"".join(storage.chunks(B, "k", 7, 2_000_000)) == content[7:2_000_000]
    way.state.faults.append(Fault(cut(0)))
    with pytest.raises(ArtifactError) as caught:
        list(storage.chunks(B, "k"))
    assert caught.value.again


def test_another_object_is_not_read_on(
    way: Proxy, storage: S3Artifacts, s3_settings: ServiceSettings
) -> None:
    direct = S3Artifacts.connect(s3_settings)
    storage.put(B, "k", [LARGE[: 5 << 20]])
    way.state.faults.append(Fault(cut(2_500_000), times=1))
    reading = storage.chunks(B, "k")
    next(reading)
    direct.put(B, "k", [LARGE[5 << 20 : 10 << 20]])
    with pytest.raises(ArtifactError):
        for _ in reading:
            pass
    direct.close()


def test_lost_between_two_questions(way: Proxy, storage: S3Artifacts, s3_settings: ServiceSettings) -> None:
    direct = S3Artifacts.connect(s3_settings)
    for read in (lambda: storage.read(B, "k", 10), lambda: list(storage.chunks(B, "k"))):
        storage.put(B, "k", [b"one"])
        assert storage.head(B, "k")
        direct.delete(B, "k")
        with pytest.raises(MissingError, match=f"no artifact s3://{B}/k"):
            read()
    direct.close()


def test_waiting_ends(way: Proxy, storage: S3Artifacts) -> None:
    way.state.faults.append(Fault(hang, "HEAD"))
    way.state.faults.append(Fault(hang, "GET"))
    start = time.monotonic()
    with pytest.raises(ArtifactError, match="ReadTimeout"):
        storage.head(B, "k")
    assert time.monotonic() - start < 5 + 20
    start = time.monotonic()
    with pytest.raises(ArtifactError, match="ReadTimeout"):
        storage.check()
    assert time.monotonic() - start < 1 + 20


def test_nobody_listens(s3_settings: ServiceSettings) -> None:
    storage = S3Artifacts.connect(replace(s3_settings, s3_endpoint="http://127.0.0.1:9"))
    with pytest.raises(ArtifactError, match="EndpointConnectionError") as caught:
        storage.check()
    assert caught.value.again
    assert "whether it runs" in caught.value.hint
    storage.close()


@pytest.mark.parametrize(
    "fault",
    [
        refuse(500, "InternalError"),
        refuse(403, "AccessDenied"),
        reset,
        pytest.param(hang, marks=pytest.mark.thorough),
    ],
)
def test_a_part_that_fails_leaves_nothing(
    way: Proxy, storage: S3Artifacts, request: pytest.FixtureRequest, fault: object
) -> None:
    storage.put(B, "k", [b"before"])
    way.state.faults.append(Fault(fault, "PUT", "partNumber=2"))  # type: ignore[arg-type]
    with pytest.raises(ArtifactError):
        storage.put(B, "k", pieces(LARGE))
    assert storage.read(B, "k", 10) == b"before"
    assert [method for method, path in way.state.requests if "uploadId" in path].count("DELETE") == 1
    if (
        "ceph_settings" in request.fixturenames
        or request.node.callspec.params["s3_settings"] == "ceph_settings"
    ):
        assert not uploads(storage)


def test_a_source_that_fails_leaves_nothing(way: Proxy, storage: S3Artifacts) -> None:
    def source() -> Iterator[bytes]:
        yield from pieces(LARGE)
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        storage.put(B, "k", source())
    assert storage.head(B, "k") is None
    assert [method for method, path in way.state.requests if "uploadId" in path].count("DELETE") == 1


def test_parts_that_fail_for_a_while(way: Proxy, storage: S3Artifacts) -> None:
    for fault in (refuse(503, "SlowDown"), reset):
        way.state.faults.append(Fault(fault, "PUT", "partNumber=2", times=1))
    storage.put(B, "k", pieces(LARGE))
    assert storage.read(B, "k", len(LARGE)) == LARGE


def test_an_answer_to_complete_that_is_lost(
    way: Proxy, storage: S3Artifacts, request: pytest.FixtureRequest
) -> None:
    if request.node.callspec.params["s3_settings"] == "rclone_settings":
        pytest.skip("rclone's server has another ETag than that of the parts")
    five = LARGE[: 5 << 20]
    upload = storage.begin(B, "k")
    tags = [(1, storage.part(B, "k", upload, 1, [five])), (2, storage.part(B, "k", upload, 2, [b"end"]))]
    way.state.faults.append(Fault(lose_answer, "POST", "uploadId", times=1))
    assert storage.complete(B, "k", upload, tags).size == len(five) + 3
    with pytest.raises(ArtifactError):
        storage.complete(B, "k", upload, tags[:1])
