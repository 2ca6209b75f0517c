"""Names of images in registries, as Docker writes them (distribution project: package `reference`)."""

from __future__ import annotations

from dataclasses import replace

from slipway.errors import UsageError
from slipway.values import value

HUB = "docker.io"  # what a name without a registry means, by convention of every engine
_LATEST = "latest"


@value
class Reference:
    """`registry` is `host[:port]`, `repository` the whole path in it; at least one of `tag` and `digest` is set."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """`registry/repository`"""
        return f"{self.registry}/{self.repository}"

    @property
    def target(self) -> str:
        """What to ask the registry for: the digest, which wins over the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        return f"{self.name}{self.tag and ':'}{self.tag}{self.digest and '@'}{self.digest}"

    def at(self, digest: str) -> Reference:
        """The same image, pinned."""
        return replace(self, digest=digest)


def parse(text: str) -> Reference:
    """`python:3.12-slim` is `docker.io/library/python:3.12-slim`; `UsageError` for what is no reference."""
    from slipway.recipe.checks import reference
    from slipway.recipe.kinds import Refused

    try:
        reference(text)
    except Refused as refused:
        raise UsageError(refused.message, hint=refused.hint) from refused
    name, _, digest = text.partition("@")
    head, slash, rest = name.partition("/")
    if slash and (head == "localhost" or any(c in head for c in ".:")):
        registry, path = head, rest
    else:
        registry, path = HUB, name
    repository, _, tag = path.partition(":")
    if registry in (HUB, f"index.{HUB}"):
        registry = HUB
        repository = repository if "/" in repository else f"library/{repository}"
    return Reference(registry, repository, tag or ("" if digest else _LATEST), digest)


def parse_registry(text: str) -> str:
    """The name of a registry, `HOST[:PORT]`, as `Reference.registry` has it; `UsageError` for what is none."""
    if text in (HUB, f"index.{HUB}", f"registry-1.{HUB}"):
        return HUB
    problem = UsageError(
        f"{text!r} is not the name of a registry",
        hint=f"write HOST or HOST:PORT, such as registry.example.org:5000; Docker Hub is {HUB}",
    )
    try:
        found = parse(f"{text}/x")
    except UsageError:
        raise problem from None
    if found.registry != text:
        raise problem
    return text
