"""Names of images as scans know them: one image has one name, however it was written (distribution project: package `reference`).

`docker.io/library/python` is `python` to every engine, and without a tag `latest` is meant.
"""

from __future__ import annotations

from typing import Final

# What stands before the colon of a place on this machine (`inventory.take`).
ON_DISK: Final = ("dir", "docker-archive", "oci", "sbom", "squashfs")
_AS_IS: Final = (*ON_DISK, "sha256")  # what stands before the colon of what has neither registry nor tag
_DAEMON: Final = "docker"  # and what stands before an image of a daemon
_HUB: Final = "docker.io"
_HUBS: Final = (_HUB, f"index.{_HUB}")
_OFFICIAL: Final = "library"


def untagged(image: str) -> str:
    """The name without tag and digest, as it was written: `registry:5000/team/hello:1@sha256:…` gives `registry:5000/team/hello`.

    Places on this machine (`dir:root`, `docker-archive:x.tar`) and digests have no tag: they stay as they are.
    """
    if image.partition(":")[0] in _AS_IS:
        return image
    name = image.partition("@")[0]
    head, colon, tail = name.rpartition(":")
    return head if colon and "/" not in tail else name


def repository(image: str) -> str:
    """The shortest name without tag and digest that means the same: `docker.io/library/python:3.12` gives `python`."""
    name = untagged(image)
    kind, _, place = name.partition(":")
    if kind == _DAEMON and "/" in place:
        return f"{kind}:{repository(place)}"
    head, slash, rest = name.partition("/")
    if image.partition(":")[0] in _AS_IS or (_is_registry(name) and head not in _HUBS):
        return name
    path = rest if slash and head in _HUBS else name
    short = path.removeprefix(f"{_OFFICIAL}/")
    path = path if "/" in short else short
    return f"{_HUB}/{path}" if _is_registry(path) else path


def full(image: str) -> str:
    """`repository` with tag and digest; `:latest` where there is neither."""
    plain = untagged(image)
    if image.partition(":")[0] in _AS_IS:
        return image
    return repository(image) + (image[len(plain) :] or ":latest")


def means(name: str, image: str) -> bool:
    """Whether `name` means that image; without tag and digest it does whatever those of the image are."""
    if untagged(name) == name:
        return repository(name) == repository(image)
    return full(name) == full(image)


def spellings(repository: str) -> tuple[str, ...]:
    """All names that mean the same as one that `repository` has given, which is the first."""
    kind, colon, rest = repository.partition(":")
    if colon and kind == _DAEMON:
        return tuple(f"{kind}:{each}" for each in spellings(rest))
    if colon or _is_registry(repository):
        return (repository,)
    paths = (repository,) if "/" in repository else (repository, f"{_OFFICIAL}/{repository}")
    return (*paths, *(f"{hub}/{path}" for hub in _HUBS for path in paths))


def _is_registry(name: str) -> bool:
    """Whether it begins with the name of a registry."""
    head, slash, _ = name.partition("/")
    return bool(slash) and (head == "localhost" or any(c in head for c in ".:"))
