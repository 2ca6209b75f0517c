from __future__ import annotations

import pytest

from slipway.registry.challenge import Challenge, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Basic", [Challenge("basic")]),
        ('Basic realm="a b"', [Challenge("basic", {"realm": "a b"})]),
        (
            'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"',
            [
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.example/token",
                        "service": "registry",
                        "scope": "repository:a/b:pull,push",
                    },
                )
            ],
        ),
        # several challenges in one field, as when a proxy joins the lines (RFC 9110, section 11.6.1)
        (
            'Negotiate, Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"',
            [
                Challenge("negotiate"),
                Challenge("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
                Challenge("basic", {"realm": "simple"}),
            ],
        ),
        ("BEARER REALM = x , Service=y", [Challenge("bearer", {"realm": "x", "service": "y"})]),
        (
            "Negotiate oRQwEqADCgEB==, Basic realm=x",
            [Challenge("negotiate"), Challenge("basic", {"realm": "x"})],
        ),
        ('Bearer realm="a", realm="b"', [Challenge("bearer", {"realm": "a"})]),
        ('Bearer realm="never ends', [Challenge("bearer")]),
        ('realm="x"', []),
        (",,, Basic ,,", [Challenge("basic")]),
    ],
)
def test_parse(text: str, expected: list[Challenge]) -> None:
    assert parse(text) == expected


def test_a_long_field_is_no_trouble() -> None:
    assert parse("Basic " + 'a="' * 1_000_000)[0].scheme == "basic"
