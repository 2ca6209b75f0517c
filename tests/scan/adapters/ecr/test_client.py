"""Asking ECR: moto in this process, botocore's own stubs for what moto cannot do, and a server that answers as AWS does."""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import pytest

from slipway.errors import FetchError, ToolError, UsageError
from slipway.events import Reporter, StepBegan
from slipway.scan.adapters import ecr, ecrclient
from slipway.scan.adapters.ecrtarget import Target, target
from tests.scan.adapters.ecr.kit import ACCOUNT, DIGEST, MANIFEST, Heard, finding, page, put, state
from tests.scan.advisories.kit import settings_in

boto3 = pytest.importorskip("boto3")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway.settings import Settings

ENDS = (
    "COMPLETE",
    "ACTIVE",
    "FAILED",
    "UNSUPPORTED_IMAGE",
    "SCAN_ELIGIBILITY_EXPIRED",
    "FINDINGS_UNAVAILABLE",
    "LIMIT_EXCEEDED",
    "IMAGE_ARCHIVED",
    "IMAGE_SIZE_EXCEEDED",
)
ROLE = f"arn:aws:iam::{ACCOUNT}:role/admin"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keys of nobody, and none of the person who runs the tests."""
    for name in (
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "AWS_REGION",
        "AWS_SESSION_TOKEN",
        "HTTPS_PROXY",
        "HTTP_PROXY",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(ecrclient, "PAUSE", 0.01)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture(scope="module")
def client() -> Any:
    """One for all stubs, as making it takes long."""
    return boto3.client(
        "ecr", "us-east-1", aws_access_key_id="AKIAEXAMPLE", aws_secret_access_key="very-secret"
    )


class Stubbed:
    """ECR by botocore's Stubber: what is asked, word by word, and what is answered."""

    def __init__(self, client: Any, settings: Settings) -> None:
        from botocore.stub import Stubber

        self.heard = Heard()
        self.ecr = ecrclient.Ecr(settings, self.heard.reporter, region="us-east-1")
        self.ecr._clients["us-east-1"] = client
        self.stub = Stubber(client)

    def expect(self, answer: dict[str, Any], *, by: dict[str, str] | None = None, **more: str) -> None:
        asked = {"repositoryName": "tike", "imageId": by or {"imageTag": "latest"}, "maxResults": 1000}
        self.stub.add_response("describe_image_scan_findings", answer, asked | more)

    def refuse(self, code: str) -> None:
        self.stub.add_client_error("describe_image_scan_findings", code, "the very-secret message")

    def ask(self, text: str = "tike:latest", wait: float = 5.0) -> list[ecr.Page]:
        found = self.ecr.findings(target(text), wait=wait)
        self.stub.assert_no_pending_responses()
        return found


@pytest.fixture
def stubbed(client: Any, settings: Settings) -> Iterator[Stubbed]:
    found = Stubbed(client, settings)
    with found.stub:
        yield found


PINNED = {"imageDigest": DIGEST}


# -- moto --------------------------------------------------------------------------------------------------------


@pytest.fixture
def moto() -> Iterator[Any]:
    from moto import mock_aws

    with mock_aws():
        yield boto3.client("ecr", region_name="us-east-1")


def test_the_registry_itself(moto: Any, settings: Settings) -> None:
    digest = put(moto, "latest")
    asker = ecrclient.Ecr(settings, Reporter(), region="us-east-1")
    (by_tag,) = ecr.answers(asker.findings(target("tike"), wait=1))
    (by_digest,) = ecr.answers(asker.findings(target(f"tike@{digest}"), wait=1))
    assert by_tag.digest == by_digest.digest == digest
    (found,) = by_tag.findings
    assert (found.id, found.component.name, found.component.version) == (
        "CVE-9999-9999",
        "moto_fake",
        "9.9.9",
    )
    assert by_tag.problems == ()
    assert asker.region(target("tike")) == "us-east-1"


def test_an_image_that_was_approved_meanwhile(moto: Any, settings: Settings) -> None:
    put(moto, "latest-test")
    heard = Heard()
    asker = ecrclient.Ecr(settings, heard.reporter, region="us-east-1")
    (answer,) = ecr.answers(asker.findings(target("tike:unscanned-latest-test"), wait=1))
    assert answer.tag == "latest-test"
    assert heard.notes == [
        "there is no tike:unscanned-latest-test any more: taking tike:latest-test, as which it was approved"
    ]
    with pytest.raises(FetchError, match="there is no tike:gone in ECR"):
        asker.findings(target("tike:unscanned-gone"), wait=1)
    with pytest.raises(FetchError, match="there is no tike:gone in ECR"):
        asker.findings(target("tike:gone"), wait=1)


def test_a_role_is_taken_on(moto: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    put(moto, "latest")
    asker = ecrclient.Ecr(settings, Reporter(), region="us-east-1", role=ROLE)
    assert asker.findings(target("tike"), wait=1)
    keys = asker._session.get_credentials().get_frozen_credentials()
    assert keys.access_key != "AKIAEXAMPLE"
    assert keys.token


def test_what_is_not_there(moto: Any, settings: Settings) -> None:
    asker = ecrclient.Ecr(settings, Reporter(), region="us-east-1")
    with pytest.raises(FetchError, match="there is no such repository"):
        asker.findings(target("tike"), wait=1)
    moto.create_repository(repositoryName="tike")
    moto.put_image(repositoryName="tike", imageManifest=json.dumps(MANIFEST), imageTag="latest")
    with pytest.raises(FetchError, match="it has not been scanned") as caught:
        asker.findings(target("tike"), wait=1)
    assert "start-image-scan" in caught.value.hint


# -- stubs -------------------------------------------------------------------------------------------------------


def test_every_page_is_asked_for_and_of_the_same_image(stubbed: Stubbed) -> None:
    rows = [finding(f"CVE-2023-{n}", "HIGH", "a", "1") for n in range(3)]
    counts = {"HIGH": 3}
    stubbed.expect(page(rows[0], counts=counts, nextToken="one"))
    stubbed.expect(page(rows[1], counts=counts, nextToken="two", imageId=PINNED), by=PINNED, nextToken="one")
    stubbed.expect(page(rows[2], counts=counts, imageId=PINNED), by=PINNED, nextToken="two")
    (answer,) = ecr.answers(stubbed.ask())
    assert len(answer.findings) == 3
    assert (answer.tag, answer.problems) == ("latest", ())


def test_pages_that_never_end(stubbed: Stubbed) -> None:
    stubbed.expect(page(nextToken="one"))
    stubbed.expect(page(nextToken="one"), by=PINNED, nextToken="one")
    with pytest.raises(FetchError, match="does not come to an end"):
        stubbed.ask()


@pytest.mark.parametrize("status", ENDS)
def test_every_end_is_one(stubbed: Stubbed, status: str) -> None:
    stubbed.expect(page(status=status))
    (found,) = stubbed.ask()
    assert found["imageScanStatus"]["status"] == status


@pytest.mark.parametrize("status", ["PENDING", "IN_PROGRESS"])
def test_a_scan_under_way_is_waited_for(stubbed: Stubbed, status: str) -> None:
    stubbed.expect(state(status))
    stubbed.expect(state("IN_PROGRESS"), by=PINNED)
    stubbed.expect(page(finding("CVE-2023-1", "LOW", "a", "1")), by=PINNED)
    (answer,) = ecr.answers(stubbed.ask(wait=600))
    assert len(answer.findings) == 1
    assert stubbed.heard.notes == ["ECR is still scanning tike:latest: waiting for 600 seconds at most"]
    assert [e.name for e in stubbed.heard.events if isinstance(e, StepBegan)] == ["wait for ECR"]


def test_waiting_has_an_end(stubbed: Stubbed) -> None:
    stubbed.expect(state("IN_PROGRESS"))
    (answer,) = ecr.answers(stubbed.ask(wait=0))
    assert answer.problems == ("ECR has not finished its scan",)


def test_an_image_that_goes_while_it_is_scanned(stubbed: Stubbed) -> None:
    stubbed.expect(state("PENDING"))
    stubbed.refuse("ImageNotFoundException")
    with pytest.raises(FetchError, match="was removed from ECR"):
        stubbed.ask()


def test_another_account(stubbed: Stubbed) -> None:
    stubbed.expect(page(), registryId=ACCOUNT)
    stubbed.ask(f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/tike:latest")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("AccessDeniedException", "AWS does not permit it"),
        ("UnrecognizedClientException", "AWS does not permit it"),
        ("ExpiredTokenException", "AWS does not permit it"),
        ("ThrottlingException", "AWS asks for patience"),
        ("ServerException", "AWS answers ServerException"),
    ],
)
def test_refusals(stubbed: Stubbed, code: str, said: str) -> None:
    stubbed.refuse(code)
    with pytest.raises(FetchError, match=said) as caught:
        stubbed.ask("tike:unscanned-x")
    assert "very-secret" not in repr(caught.value.as_dict())


# -- a server ----------------------------------------------------------------------------------------------------


class Server:
    """Answers each request with the next of `answers` (status, document), the last one again and again."""

    def __init__(self, *answers: tuple[int, dict[str, Any]]) -> None:
        self.asked = 0

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:  # noqa: N805
                handler.rfile.read(int(handler.headers["Content-Length"]))
                status, document = answers[min(self.asked, len(answers) - 1)]
                self.asked += 1
                data = json.dumps(document).encode()
                handler.send_response(status)
                handler.send_header("Content-Length", str(len(data)))
                handler.end_headers()
                handler.wfile.write(data)

            def log_message(handler, *_: object) -> None:  # noqa: N805
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def test_a_busy_server_is_asked_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
    busy = (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
    done = page()
    done["imageScanFindings"]["imageScanCompletedAt"] = 1_795_000_000.0
    done["imageScanFindings"]["vulnerabilitySourceUpdatedAt"] = 1_795_000_000.0
    with Server(busy, (503, {}), (200, done)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", server.address)
        (answer,) = ecr.answers(ecrclient.Ecr(settings, Reporter()).findings(target("tike"), wait=1))
        assert (answer.status, server.asked) == ("COMPLETE", 3)
    with Server(busy) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", server.address)
        with pytest.raises(FetchError, match="AWS asks for patience"):
            ecrclient.Ecr(settings, Reporter()).findings(target("tike"), wait=1)
        assert server.asked == 6


def test_a_server_that_forbids_it(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server((403, {"__type": "AccessDeniedException", "message": "not you"})) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", server.address)
        with pytest.raises(FetchError, match="AWS does not permit it"):
            ecrclient.Ecr(settings, Reporter()).findings(target("tike:unscanned-x"), wait=1)
        assert server.asked == 1


def test_no_server(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://127.0.0.1:9")
    with pytest.raises(FetchError, match="no connection"):
        ecrclient.Ecr(settings, Reporter()).findings(target("tike"), wait=1)


# -- without -----------------------------------------------------------------------------------------------------


def test_without_boto3(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(ToolError, match="needs boto3") as caught:
        ecrclient.Ecr(settings, Reporter())
    assert "slipway[aws]" in caught.value.hint


def test_without_keys(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(FetchError, match="no keys to log in with"):
        ecrclient.Ecr(settings, Reporter()).findings(target("tike"), wait=1)


def test_without_a_region(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(UsageError, match="the region is not known"):
        ecrclient.Ecr(settings, Reporter()).findings(target("tike"), wait=1)


def test_with_a_profile_that_is_none(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(FetchError, match=r"cannot log in to AWS.*nobody"):
        ecrclient.Ecr(settings, Reporter()).findings(target("tike"), wait=1)


def test_offline(settings: Settings) -> None:
    with pytest.raises(FetchError, match="no network is to be used"):
        ecrclient.Ecr(settings.with_(offline=True), Reporter()).findings(target("tike"), wait=1)


# -- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("tike", Target("tike", "latest")),
        ("team/tike:1.2", Target("team/tike", "1.2")),
        (f"tike@{DIGEST}", Target("tike", "", DIGEST)),
        (f"tike:1@{DIGEST}", Target("tike", "", DIGEST)),
        (
            f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/tike:1",
            Target("tike", "1", "", ACCOUNT, "eu-west-1"),
        ),
        (
            f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn/tike",
            Target("tike", "latest", "", ACCOUNT, "cn-north-1"),
        ),
        (f"{ACCOUNT}.dkr-ecr.us-east-1.on.aws/a/b:1", Target("a/b", "1", "", ACCOUNT, "us-east-1")),
    ],
)
def test_names(text: str, meant: Target) -> None:
    assert target(text) == meant


@pytest.mark.parametrize(
    "text", ["", ":", "Tike", "tike:", "tike@", "tike@sha256:12", "tike: x", "a//b", "-x", "tike:1:2"]
)
def test_names_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="is no image in ECR"):
        target(text)


def test_a_name_as_docker_takes_it() -> None:
    assert Target("tike", "1", registry=ACCOUNT, region="us-east-1").name == (
        f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/tike:1"
    )
    assert Target("tike", "1", registry=ACCOUNT, region="cn-north-1").name.startswith(
        f"{ACCOUNT}.dkr.ecr.cn-north-1.amazonaws.com.cn/"
    )
    assert Target("tike", digest=DIGEST).name == f"tike@{DIGEST}"
