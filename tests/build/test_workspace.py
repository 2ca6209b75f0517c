"""pip's configuration as it goes into an image."""

from __future__ import annotations

import pytest

from slipway.build.workspace import without_logins


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("index-url = https://me:c4n4ry@h/simple", "index-url = https://h/simple"),
        ("index-url = https://c4n4ry@h:8080/simple", "index-url = https://h:8080/simple"),
        ("index-url = https://me:c4n@4ry@h/simple", "index-url = https://h/simple"),
        ("index-url = https://me:c4n/4ry@h/simple", "index-url = https://h/simple"),
        (
            "extra-index-url =\n    https://a/\n    https://me:c4n4ry@b/",
            "extra-index-url =\n    https://a/\n    https://b/",
        ),
        ("proxy = http://me:c4n4ry@proxy:3128", "proxy = http://proxy:3128"),
        ("  Proxy: me:c4n4ry@proxy:3128", "  Proxy: proxy:3128"),
        ("proxy = proxy:3128\ncert = a@b:c", "proxy = proxy:3128\ncert = a@b:c"),
        ("index-url = https://h:8080/a@b:c", "index-url = https://h:8080/a@b:c"),
    ],
)
def test_logins_are_cut_out(text: str, public: str) -> None:
    assert without_logins(f"[global]\n{text}\ntimeout = 3\n") == f"[global]\n{public}\ntimeout = 3\n"
