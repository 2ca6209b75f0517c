from __future__ import annotations

from typing import Any

import pytest

from slipway.service.auth.roles import allowed, granted, verb_of
from slipway.service.model import Actor


@pytest.mark.parametrize(
    ("role", "verbs"),
    [("viewer", "read"), ("builder", "read write"), ("admin", "read write purge"), ("boss", "")],
)
def test_each_role_may_what_those_before_it_may(role: str, verbs: str) -> None:
    one = Actor("a", frozenset({("p", role)}))
    everywhere = Actor("a", frozenset({("*", role)}))
    for verb in ("read", "write", "purge"):
        assert allowed(one, verb, "p") is (verb in verbs.split())
        assert allowed(everywhere, verb, "q") is (verb in verbs.split())
        assert not allowed(one, verb, "q")


@pytest.mark.parametrize(
    ("claims", "path", "roles"),
    [
        (
            {"roles": ["viewer", "p:admin", "other", 3, "x:boss", ""]},
            "roles",
            {("*", "viewer"), ("p", "admin")},
        ),
        ({"roles": "viewer p:builder"}, "roles", {("*", "viewer"), ("p", "builder")}),
        ({"realm_access": {"roles": ["admin"]}}, "realm_access.roles", {("*", "admin")}),
        ({"https://x.org/roles": ["admin"]}, "https://x.org/roles", {("*", "admin")}),
        ({"roles": ["a:b:viewer"]}, "roles", {("a:b", "viewer")}),
        ({"roles": {"admin": True}}, "roles", set()),
        ({"realm_access": ["admin"]}, "realm_access.roles", set()),
        ({}, "roles", set()),
    ],
)
def test_roles_of_claims(claims: dict[str, Any], path: str, roles: set[tuple[str, str]]) -> None:
    assert granted(claims, path) == roles


def test_verbs_of_methods() -> None:
    assert [verb_of(method) for method in ("GET", "HEAD", "POST", "PATCH", "DELETE")] == ["read"] * 2 + [
        "write"
    ] * 3
