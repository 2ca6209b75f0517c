"""Secrets leave, and nothing else does."""

from __future__ import annotations

import pytest
import yaml

from slipway.build.installation.masks import MASK, masked_text, masked_yaml
from slipway.errors import InputError

CANARY = "c4n4ry"


def test_all_but_the_secrets_stays_as_it_is_written() -> None:
    text = f"""\
# what we test with
tag:   registry.example.org/team/tests:1.0   # a tag
python: 3.10
repositories:
    'my/repo': {{url: https://example.org/r.git, credentials: {{username: {CANARY}, password: "{CANARY}: x"}}}}
    other:
        url: ssh://git@example.org/o.git
        ssh_key: |
            -----BEGIN OPENSSH PRIVATE KEY-----
            {CANARY}
            -----END OPENSSH PRIVATE KEY-----
        # and that is all
        commit_id: "0123"
    env: {{url: "%ENV{{URL}}", credentials: {{username: "%ENV{{USER}}", password: "%ENV{{PASSWORD}}"}}}}
packages:
- requests   >= 2
"""
    masked = masked_yaml(text)
    assert CANARY not in masked
    assert "PRIVATE KEY" not in masked
    key = text[text.index("        ssh_key") : text.index("        # and that")]
    wanted = (
        text.replace(key, f'        ssh_key: "{MASK}"\n')
        .replace(f"username: {CANARY}", f'username: "{MASK}"')
        .replace(f'"{CANARY}: x"', f'"{MASK}"')
        .replace('"%ENV{USER}"', f'"{MASK}"')
        .replace('"%ENV{PASSWORD}"', f'"{MASK}"')
    )
    assert masked == wanted


@pytest.mark.parametrize(
    "text",
    [
        "files: [https://me:c4n4ry@example.org/x]",
        "files: [https://c4n4ry@example.org/x]",
        "files:\n- a: 'https://me:c4n4ry@example.org/x'\n",
        'files: ["ftp://me:c4n4ry@example.org/x?y=z"]',
        "files: [s3://bucket/x?X-Amz-Signature=c4n4ry&a=b]",
        "packages: ['x @ git+https://c4n4ry@example.org/x@v1']",
        "packages: [git+ssh://git:c4n4ry@example.org/x]",
        "repositories: {a: {url: 'https://me:c4n/4ry:c4n4ry@example.org/x'}}",
        "proxy: {HTTP_PROXY: 'http://me:c4n4ry@proxy:3128'}",
        "proxy: {HTTP_PROXY: 'me:c4n4ry@proxy:3128'}",
        "pip-config: {global: {proxy: 'me:c4n4ry@proxy:3128'}}",
        "pip-config: |\n  [global]\n  proxy = me:c4n4ry@proxy:3128\n  timeout = 3\n",
        "pip-config: |\n  [global]\n  index-url = https://me:c4n4ry@example.org/simple\n",
        "pip-config: {global: {extra-index-url: [https://a/, https://me:c4n4ry@example.org/simple]}}",
        "a: 1 # see https://me:c4n4ry@example.org",
        "a: 1\n# password: c4n4ry\n",
        "a: 1\n# credentials: {username: c4n4ry, password: c4n4ry}\n",
        "# -----BEGIN RSA PRIVATE KEY-----\n# c4n4ry\n# -----END RSA PRIVATE KEY-----\na: 1",
        f"a: 1\n# ssh_key:\n#   {'c4n4ry' * 10}\n",
        "# not c4n4ry any more\nrepositories: {a: {url: x, ssh_key: c4n4ry}}",
        "credentials: [c4n4ry, {a: {b: c4n4ry}}]",
        "x: &pw c4n4ry\nrepositories: {a: {url: u, credentials: {username: *pw, password: *pw}}}",
        "x: &c {username: c4n4ry, password: c4n4ry}\na: {credentials: *c}",
        "x: &c\n  password: c4n4ry\na:\n  <<: *c\n",
        "a: {password: !!str c4n4ry}",
        "a:\n  password: >-\n    c4n4ry\n    c4n4ry\n\n# end\nb: 1",
        'a: "https://me:\\\n  c4n4ry@example.org/x"',
        "a: {Password: c4n4ry, API_TOKEN: c4n4ry}",
        "? {password: c4n4ry}\n: 1",
    ],
)
def test_no_secret_is_left(text: str) -> None:
    masked = masked_yaml(text)
    assert CANARY not in masked
    assert masked_yaml(masked) == masked
    assert shape(yaml.compose(masked, yaml.CSafeLoader)) == shape(yaml.compose(text, yaml.CSafeLoader))


def shape(node: yaml.Node | None) -> object:
    """What the document is but for the texts in it."""
    if isinstance(node, yaml.MappingNode):
        return [(shape(key), shape(value)) for key, value in node.value]
    return [shape(item) for item in node.value] if isinstance(node, yaml.SequenceNode) else "text"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "base: python:3.12@sha256:0123\n",
        "files: [{a@b: x}, 'user:pass', git@host:path]\n",
        "packages: ['x @ git+ssh://git@example.org:22/x.git@v1#egg=x', 'y==1']",
        "a: https://example.org:8080/x:y@z\n",
        "a: https://%ENV{ NAME }@example.org\n",
        "a: 'it''s'\nb: \"\\x41\"\n",
    ],
)
def test_what_holds_no_secret_is_left_alone(text: str) -> None:
    assert masked_yaml(text) == text


def test_a_secret_with_an_anchor_costs_the_comments() -> None:
    masked = masked_yaml("# why\na: {password: &x c4n4ry}\nb: 3.10\nc: [*x]\n")
    assert "why" not in masked
    assert yaml.safe_load(masked.replace("3.10", "'3.10'")) == {
        "a": {"password": MASK},
        "b": "3.10",
        "c": [MASK],
    }


def test_what_is_no_yaml_is_refused() -> None:
    for text in ("a: [", "a: *b", "[" * 5000):
        with pytest.raises(InputError):
            masked_yaml(text)


def test_plain_text() -> None:
    text = "--index-url https://me:c4n4ry@example.org/simple\nx\n"
    assert masked_text(text) == f"--index-url https://{MASK}@example.org/simple\nx\n"
    assert masked_text("a@b: c") == "a@b: c"
