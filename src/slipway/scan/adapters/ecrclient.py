"""Asking ECR for what it found (Amazon ECR API reference: DescribeImageScanFindings), through boto3.

Who we are comes from where boto3 looks: variables, ~/.aws, the machine's role; a role can be taken on top. Nothing of it is
ever shown.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from slipway.errors import FetchError, ToolError
from slipway.net_errors import offline
from slipway.scan.adapters.ecr import WAITING, Page
from slipway.scan.adapters.ecrerrors import explained

if TYPE_CHECKING:
    from slipway.events import Reporter
    from slipway.scan.adapters.ecrtarget import Target
    from slipway.settings import Settings

UNSCANNED: Final = "unscanned-"  # how a tag begins until the image is approved
PAUSE: Final = 5.0  # seconds between two questions about a scan that is under way
_PER_PAGE: Final = 1000  # the most that ECR gives at once
_MOST_PAGES: Final = 2000
_ATTEMPTS: Final = 6  # when a server is busy or asks for patience, with pauses that grow


class Ecr:
    """One session for all questions. `region` and `role` (an ARN) may be empty: then what boto3 is set up with.

    `ToolError` when there is no boto3.
    """

    def __init__(self, settings: Settings, reporter: Reporter, *, region: str = "", role: str = "") -> None:
        self._boto3 = _boto3()
        self._settings = settings
        self._reporter = reporter
        self._region = region
        self._role = role
        self._session: Any = None
        self._clients: dict[str, Any] = {}

    def region(self, asked: Target) -> str:
        """Where questions about this image go to."""
        return str(self._client(asked).meta.region_name)

    def findings(self, asked: Target, *, wait: float) -> list[Page]:
        """All pages of ECR's answer. A scan that is under way is waited for, `wait` seconds at most; then it is as it is.

        A tag `unscanned-X` that is gone is looked for as `X`: the image has been approved meanwhile. `FetchError` when there is
        no such image or no scan of it, and when ECR cannot be reached or does not permit it.
        """
        if self._settings.offline:
            raise offline("ask", f"ECR for {asked}")
        found = self._page(asked)
        if found is None and asked.tag.startswith(UNSCANNED):
            approved = replace(asked, tag=asked.tag.removeprefix(UNSCANNED))
            self._reporter.note(f"there is no {asked} any more: taking {approved}, as which it was approved")
            asked, found = approved, self._page(approved)
        if found is None:
            raise FetchError(
                f"there is no {asked} in ECR", hint="look at the tag, the registry's id and the region"
            )
        pages, seen = [self._awaited(asked, found, wait)], set[str]()
        while token := pages[-1].get("nextToken"):
            if token in seen or len(pages) == _MOST_PAGES:
                raise FetchError(f"ECR's answer about {asked} does not come to an end")
            seen.add(token)
            pages.append(self._again(asked, pages[0], nextToken=token))
        return pages

    def _awaited(self, asked: Target, found: Page, wait: float) -> Page:
        if _status(found) not in WAITING:
            return found
        self._reporter.note(f"ECR is still scanning {asked}: waiting for {wait:g} seconds at most")
        end = time.monotonic() + wait
        with self._reporter.step("wait for ECR", str(asked)):
            while _status(found) in WAITING and (left := end - time.monotonic()) > 0:
                time.sleep(min(PAUSE, left))
                found = self._again(asked, found)
        return found

    def _again(self, asked: Target, found: Page, **more: str) -> Page:
        """About the very image that was seen: meanwhile its tag may have gone to another one."""
        image = found.get("imageId") or {}
        digest = image.get("imageDigest", "")
        page = self._page(replace(asked, tag="", digest=digest) if digest else asked, **more)
        if page is None:
            raise FetchError(f"{asked} was removed from ECR while it was looked at")
        return {**page, "imageId": image}

    def _page(self, asked: Target, **more: str) -> Page | None:
        """None when there is no such image."""
        image = {"imageDigest": asked.digest} if asked.digest else {"imageTag": asked.tag}
        account = {"registryId": asked.registry} if asked.registry else {}
        with explained(f"ask ECR for {asked}"):
            client = self._client(asked)
            try:
                page: Page = client.describe_image_scan_findings(
                    **account, repositoryName=asked.repository, imageId=image, maxResults=_PER_PAGE, **more
                )
            except client.exceptions.ImageNotFoundException:
                return None
        return page

    def _client(self, asked: Target) -> Any:
        region = asked.region or self._region
        if region not in self._clients:
            with explained("log in to AWS"):
                session = self._session = self._session or self._logged_in(region)
                self._clients[region] = session.client(
                    "ecr", region_name=region or None, config=self._config()
                )
        return self._clients[region]

    def _logged_in(self, region: str) -> Any:
        session = self._boto3.session.Session()
        if not self._role:
            return session
        client = session.client("sts", region_name=region or None, config=self._config())
        given = client.assume_role(RoleArn=self._role, RoleSessionName="slipway")["Credentials"]
        return self._boto3.session.Session(
            given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"], session.region_name
        )

    def _config(self) -> Any:
        from botocore.config import Config

        return Config(
            connect_timeout=min(self._settings.timeout, 10.0),
            read_timeout=self._settings.timeout,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        )


def _boto3() -> Any:
    try:
        import boto3
    except ImportError as error:
        raise ToolError(
            "asking ECR needs boto3, which is not installed",
            hint='install it beside slipway (pip install "slipway[aws]"), or read a saved answer with --from-file',
        ) from error
    return boto3


def _status(page: Page) -> str:
    return str((page.get("imageScanStatus") or {}).get("status", ""))
