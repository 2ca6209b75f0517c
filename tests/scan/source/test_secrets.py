"""Secrets: what is one, what only looks like one, and that nobody gets to see it."""

from __future__ import annotations

import base64
import json
import random
import string
import zlib
from pathlib import Path

import pytest

import slipway
from slipway.events import Reporter
from slipway.scan.source import sarif, secrets, words
from slipway.scan.source.api import scan
from slipway.scan.source.model import Asked
from tests.scan.advisories.kit import NOW, settings_in
from tests.scan.source.kit import content, look, write

RANDOM = random.Random(5)
ALL = string.ascii_letters + string.digits
PROJECT = Path(slipway.__file__).parents[2]


def some(count: int, letters: str = ALL) -> str:
    return "".join(RANDOM.choice(letters) for _ in range(count))


def checked(prefix: str) -> str:
    body = some(30)
    number, digits = zlib.crc32(body.encode()), ""
    while number:
        number, digit = divmod(number, 62)
        digits = (string.digits + string.ascii_uppercase + string.ascii_lowercase)[digit] + digits
    return f"{prefix}_{body}{digits.rjust(6, '0')}"


def jwt(head: dict[str, str]) -> str:
    parts = (json.dumps(part).encode() for part in (head, {"sub": "1234567890", "name": "x"}))
    first, second = (base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)
    return f"{first}.{second}.{some(43)}"


KEY = f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{some(64)}\n{some(64)}\n-----END RSA PRIVATE KEY-----\n"
SECRETS = {
    "secret-aws-access-key": "AKIA" + some(16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    "secret-github": checked("ghp"),
    "secret-github-pat": f"github_pat_{some(22)}_{some(59)}",
    "secret-gitlab": f"glpat-{some(20)}",
    "secret-slack": f"xoxb-{some(12, string.digits)}-{some(24)}",
    "secret-stripe": f"sk_live_{some(24)}",
    "secret-google-api-key": f"AIza{some(35)}",
    "secret-npm": checked("npm"),
    "secret-pypi": f"pypi-AgE{some(80)}",
    "secret-hugging-face": f"hf_{some(34)}",
    "secret-openai": f"sk-proj-{some(24)}T3BlbkFJ{some(24)}",
    "secret-anthropic": f"sk-ant-api03-{some(93)}",
    "secret-sendgrid": f"SG.{some(22)}.{some(43)}",
    "secret-docker-hub": f"dckr_pat_{some(27)}",
    "secret-digital-ocean": f"dop_v1_{some(64, '0123456789abcdef')}",
    "secret-vault": f"hvs.{some(90)}",
    "secret-age": f"AGE-SECRET-KEY-1{some(58, string.ascii_uppercase)}",
    "secret-jwt": jwt({"alg": "HS256", "typ": "JWT"}),
}


def found(name: str, text: str) -> list[str]:
    return [each.rule for each in secrets.check(content(name, text))]


@pytest.mark.parametrize("rule", SECRETS)
@pytest.mark.parametrize(
    "form", ["x = '{}'\n", "TOKEN={}\n", "curl -H 'Authorization: Bearer {}' https://x\n", "# {}"]
)
def test_tokens_by_their_issuers(rule: str, form: str) -> None:
    text = form.format(SECRETS[rule])
    (each,) = secrets.check(content("a.txt", text))
    assert each.rule == rule
    assert SECRETS[rule][5:] not in each.message + each.text


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("secret-private-key", KEY),
        ("secret-private-key", json.dumps({"private_key": KEY})),
        ("secret-private-key", "".join(f"    {line}\n" for line in KEY.splitlines())),
        (
            "secret-private-key",
            KEY.replace("KEY-----\n", "KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n", 1),
        ),
        ("secret-aws-secret-key", f"aws_secret_access_key = {some(40)}"),
        ("secret-aws-secret-key", f"AWS_SECRET_ACCESS_KEY: '{some(40)}'"),
        ("secret-slack-webhook", f"https://hooks.slack.com/services/T{some(9)}/B{some(9)}/{some(24)}"),
        ("secret-azure-storage", f"DefaultEndpointsProtocol=https;AccountKey={some(86)}=="),
        ("secret-url-password", "url: postgres://app:w0nderland@db.corp.net/x"),
        ("secret-url-password", "git+https://:w0nderland@git.corp.net/x"),
        ("secret-assigned", f'api_key = "{some(32)}"'),
        ("secret-assigned", f"DB_PASSWORD={some(24)}\n"),
        ("secret-assigned", f"clientSecret: '{some(30)}'"),
    ],
)
def test_others(rule: str, text: str) -> None:
    assert found("a.conf", text) == [rule]


def test_files_that_are_for_logins() -> None:
    auth = base64.b64encode(b"me:w0nderland").decode()
    docker = json.dumps(
        {"auths": {"r.corp.net": {"auth": auth}, "s": {"identitytoken": "x1y2z3a4"}, "t": {}}}
    )
    assert found("x/.docker/config.json", docker) == ["secret-docker-auth"] * 2
    assert found(".netrc", "machine a login b\n  password w0nderland\nmachine c login d password $X") == [
        "secret-netrc"
    ]
    assert found(".pypirc", "[pypi]\nusername = me\npassword = w0nderland\n") == ["secret-pypirc"]
    assert found(".npmrc", "//r.corp.net/:_authToken=w0nderland1\n") == ["secret-npmrc"]
    assert found(".npmrc", "//r.corp.net/:_authToken=${TOKEN}\n") == []
    assert found("config.json", '{"auths": [1], "x": 2}') + found("config.json", "[" * 9999) == []


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "ghp_" + "a1" * 18,  # its checksum is wrong
        "-----BEGIN PRIVATE KEY-----",
        "if b'-----BEGIN RSA PRIVATE KEY-----' in data:  # something follows, but no key",
        "https://user:password@corp.net/ https://${USER}:${PASS}@corp.net http://a:$B@corp.net https://u:<pw>@corp.net",
        "see http://localhost:8080/@scope/x and https://example.org:443/a@b",
        "ssh://git@corp.net:22/x https://corp.net:8443@evil.net",
        "token = os.environ['TOKEN_FOR_THE_SERVICE']",
        'password = "correct horse battery staple"',
        "secret_name: my-application-database-credentials-name",
        'token_url = "https://login.corp.net/oauth2/v2.0/token"',
        "TOKEN=${{ secrets.DEPLOY_TOKEN_FOR_PRODUCTION_1 }}",
        "tokens = tokenizer.encode_plus_with_special_chars",
        'hash = "sha256:' + "0123456789abcdef" * 4 + '"',
        "eyJhbGciOiJub3QganNvbg.eyJzdWIiOiIxMjM0NTY3ODkwIn0.aaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "api_key = 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx'",
        "postgres://user:w0nderland@localhost/x http://u:w0nderland@127.0.0.1:1 https://u:w0nderland@index.example.org/",
    ],
)
def test_what_only_looks_like_one(text: str) -> None:
    assert found("a.py", text) == []


def test_hashes_of_lock_files_are_none() -> None:
    line = f'"token-types": {{"integrity": "sha512-{some(86)}==", "token": "{some(40)}"}}'
    assert found("package-lock.json", line) == []
    assert found("big.min.js", "x" * 5000 + f' token="{some(40)}"') == []


def test_nobody_gets_to_see_one(tmp_path: Path) -> None:
    root = tmp_path / "x"
    text = "".join(f"{rule}: {secret} {secret}\n" for rule, secret in SECRETS.items())
    write(
        root,
        {
            "a.txt": text,
            "b.yml": f"url: https://u:w0nderland@corp.net\nkey: |\n  {KEY}",
            ".netrc": "machine x password w0nderland",
        },
    )
    result = look(root, "secrets", "syntax")
    assert len(result.results) >= len(SECRETS) + 2
    said = [
        sarif.render(result),
        words.document(result, "note"),
        words.markdown(result, "note"),
        repr(result),
    ]
    for secret in (*SECRETS.values(), "w0nderland", KEY.splitlines()[1]):
        assert not any(secret in each or secret[6:] in each for each in said)


def test_another_secret_in_the_same_place_is_new() -> None:
    texts = {next(iter(secrets.check(content("a", f"x = '{checked('ghp')}'")))).text for _ in range(8)}
    assert len(texts) > 6


def test_hostile_texts_are_cheap() -> None:
    import time

    start = time.monotonic()
    for text in (
        "://" + "a" * 200_000,
        "a" * 300_000,
        "password" * 40_000,
        "-----BEGIN " + "A " * 100_000,
        "eyJ" * 90_000,
        "token=" + "a" * 300_000,
        "://a:" * 60_000,
        "-----BEGIN PRIVATE KEY-----" + "\n" * 100_000,
    ):
        found("a.txt", text)
    assert time.monotonic() - start < 6


@pytest.mark.slow
@pytest.mark.skipif(not (PROJECT / ".git").exists(), reason="not in a checkout")
def test_this_project_has_none(tmp_path: Path) -> None:
    """What its tests hold to be found by other tests is all that looks like one."""
    result, _ = scan([PROJECT], settings_in(tmp_path), Reporter(), Asked(only=("syntax", "secrets")), now=NOW)
    outside = [
        (each.path, each.line, each.rule) for each in result.results if not each.path.startswith("tests/")
    ]
    assert outside == []
    assert len(result.results) <= 12
    assert result.files > 500
