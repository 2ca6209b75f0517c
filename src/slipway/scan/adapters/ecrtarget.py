"""Names of images in ECR."""

from __future__ import annotations

from dataclasses import dataclass

from slipway.errors import UsageError
from slipway.patterns import pattern

# `dkr-ecr`, `on.aws`: the same registry by IPv6 (Amazon ECR user guide, "Making requests over IPv6")
_HOST = pattern(r"([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)")
_WORD = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
_REPOSITORY = pattern(rf"{_WORD}(?:/{_WORD})*")
_TAG = pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = pattern(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Target:
    """An image in ECR by its tag or its digest. Empty `registry` (an account's id) and `region`: one's own."""

    repository: str
    tag: str = ""
    digest: str = ""
    registry: str = ""
    region: str = ""

    def __str__(self) -> str:
        """As people call it, without the registry."""
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"

    @property
    def name(self) -> str:
        """As `docker pull` takes it, where the registry is known."""
        if not (self.registry and self.region):
            return str(self)
        suffix = ".cn" if self.region.startswith("cn-") else ""
        return f"{self.registry}.dkr.ecr.{self.region}.amazonaws.com{suffix}/{self}"


def target(text: str) -> Target:
    """`REPOSITORY[:TAG|@DIGEST]`, with or without the registry's name; `UsageError` for anything else.

    With neither tag nor digest the tag `latest` is meant.
    """
    host, slash, rest = text.partition("/")
    known = _HOST.fullmatch(host) if slash else None
    name, at, digest = (rest if known else text).partition("@")
    repository, colon, tag = name.partition(":")
    wrong = (at and not _DIGEST.fullmatch(digest)) or (colon and not _TAG.fullmatch(tag))
    if wrong or not _REPOSITORY.fullmatch(repository):
        raise UsageError(
            f"{text[:200]!r} is no image in ECR",
            hint="write REPOSITORY[:TAG], REPOSITORY@sha256:…, or the whole name that `docker pull` takes",
        )
    registry, region = (known[1], known[2]) if known else ("", "")
    return Target(repository, "" if digest else tag or "latest", digest, registry, region)
