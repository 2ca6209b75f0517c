from __future__ import annotations

import pytest

from slipway.errors import UsageError
from slipway.registry.reference import Reference, parse, parse_registry

SHA = "sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("python", Reference("docker.io", "library/python", "latest")),
        ("python:3.12-slim", Reference("docker.io", "library/python", "3.12-slim")),
        ("team/app", Reference("docker.io", "team/app", "latest")),
        ("index.docker.io/team/app:1", Reference("docker.io", "team/app", "1")),
        ("localhost/app", Reference("localhost", "app", "latest")),
        ("localhost:5000/a/b:1", Reference("localhost:5000", "a/b", "1")),
        (f"r.example/a@{SHA}", Reference("r.example", "a", "", SHA)),
        (f"r.example/a:1@{SHA}", Reference("r.example", "a", "1", SHA)),
        ("[::1]:5000/a", Reference("[::1]:5000", "a", "latest")),
    ],
)
def test_parse(text: str, expected: Reference) -> None:
    assert parse(text) == expected
    assert parse(str(expected)) == expected


def test_target() -> None:
    assert parse("a:1").target == "1"
    assert parse("a:1").at(SHA).target == SHA


@pytest.mark.parametrize(
    "text", ["", "A", "a b", "r.example/", "a@sha256:1", "a:", "../a", "r.example/a/../b"]
)
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("docker.io", "docker.io"),
        ("index.docker.io", "docker.io"),
        ("registry.example.org", "registry.example.org"),
        ("localhost", "localhost"),
        ("host:5000", "host:5000"),
    ],
)
def test_registries(text: str, expected: str) -> None:
    assert parse_registry(text) == expected


@pytest.mark.parametrize(
    "text", ["", "host", "https://r.example", "r.example/team", "me@r.example", "r.example:x"]
)
def test_what_is_no_registry(text: str) -> None:
    with pytest.raises(UsageError, match="not the name of a registry"):
        parse_registry(text)
