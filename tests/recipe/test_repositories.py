"""`repositories` and `proxy`: what a recipe says of git, and that its secrets stay inside."""

from __future__ import annotations

import json

import pytest

from slipway.errors import RecipeError, Where
from slipway.recipe import load, render_problems
from slipway.recipe.model import Repository
from tests.recipe.helpers import FILE, problems, read
from tests.recipe.test_load import MORE


def test_all_keys():
    first, second = read(MORE).repositories
    assert first == Repository(
        "tests",
        "ssh://git@example.org/team/tests.git",
        Where(str(FILE), 5, 3),
        commit="1e5",
        requirements=True,
        ssh_key="-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n",
    )
    assert second == Repository(
        "libs/common",
        "https://example.org/common",
        Where(str(FILE), 12, 3),
        username="ci",
        password="0123",
        verify_tls=False,
        submodules=True,
        lfs=True,
    )


@pytest.mark.parametrize(
    "commit",
    [
        "1234567",
        "1e5",
        "0777",
        "0x1F",
        "1.10",
        "true",
        "v1.2",
        "feature/a-b",
        "origin/main",
        "a" * 40,
        "'0123456'",
    ],
)
def test_commit_ids_are_kept_as_written(commit: str):
    """Defect of the pyATS Image Builder: a `commit_id` that YAML reads as a number was refused."""
    (found,) = read(f"repositories: {{a: {{url: x, commit_id: {commit}}}}}").repositories
    assert found.commit == commit.strip("'")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/x.git",
        "https://user:pw@example.org/x",
        "http://[::1]:8080/x",
        "ssh://git@example.org:2222/x",
        "git@example.org:team/x.git",
        "git://example.org/x",
        "file:///srv/x.git",
        "/srv/x.git",
        "../x",
        "~/x",
    ],
)
def test_addresses(url: str):
    assert read(f"repositories: {{a: {{url: '{url}'}}}}").repositories[0].url == url


def test_credentials_go_before_the_key():
    (found,) = read(
        "repositories: {a: {url: x, ssh_key: k, credentials: {username: u, password: p}}}"
    ).repositories
    assert (found.ssh_key, found.username, found.password) == ("", "u", "p")


def test_representations_hold_no_secret():
    text = MORE.replace("0123", "canary").replace("proxy:3128", "u:canary@proxy:3128")
    assert "canary" not in repr(read(text))


@pytest.mark.parametrize(
    "text",
    [
        "repositories:\n  a:\n    url: x\n    credentials: {username: u, password: canary, extra: 1}\n",
        'repositories: {"a": {"credentials": {"username": "u", "password":"canary"}}}\n',
        "repositories:\n  a:\n    credentials:\n    - password:\n        canary: 1\n",
        "repositories:\n  a:\n    ssh_key: |\n      canary\n     canary\n",
        "repositories:\n  a:\n    ssh_key: canary canary: x\n",
        "repositories: {a: {url: 'ssh://u:canary@'}}",
        "repositories: {a: {url: x, ssh_key: [canary]}}",
        "repositories: {a: {url: x, credentials: {username: u, password: [canary]}}}",
        "proxy: {HTTP_PROXY: 'http://u:canary@h p'}",
        "files: ['https://u:canary@h:x/']",
    ],
)
def test_errors_hold_no_secret(text: str):
    with pytest.raises(RecipeError) as caught:
        load(FILE, text, {})
    assert "canary" not in render_problems(caught.value)
    assert "canary" not in json.dumps(caught.value.as_dict())


def test_secrets_from_the_environment_are_not_in_errors():
    text = 'repositories: {a: {url: "%ENV{X}", ssh_key: "%ENV{K}", credentials: {password: "%ENV{K}"}}}'
    found = problems(text, X="https://u:canary@", K="/canary")
    assert len(found) == 3
    assert not any("canary" in f"{p.message}{p.line_text}{p.hint}" for p in found)


@pytest.mark.parametrize(
    "name", ["HTTP_PROXY", "https_proxy", "FTP_PROXY", "no_proxy", "SOCKS_PROXY", "socks_proxy"]
)
def test_proxies_have_names_in_capitals(name: str):
    assert read(f"proxy: {{{name}: 'h:1'}}").proxy == ((name.upper(), "h:1"),)


def test_both_names_of_a_proxy_may_say_the_same():
    assert read("proxy: {HTTP_PROXY: x, http_proxy: x, no_proxy: ''}").proxy == (
        ("HTTP_PROXY", "x"), ("NO_PROXY", ""),
    )  # fmt: skip
