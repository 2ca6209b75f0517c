from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from slipway.errors import UsageError
from slipway.inputs.gitkey import private_key

if TYPE_CHECKING:
    from pathlib import Path

FORMS = [
    ("ed25519", ()),
    ("rsa", ("-b", "2048")),
    ("rsa", ("-b", "2048", "-m", "PEM")),
    ("rsa", ("-b", "2048", "-m", "PKCS8")),
    ("ecdsa", ("-m", "PEM")),
    ("ecdsa", ()),
]


def made(tmp_path: Path, kind: str, *words: str, passphrase: str = "") -> str:
    path = tmp_path / "key"
    command = ["ssh-keygen", "-q", "-t", kind, *words, "-N", passphrase, "-C", "a comment", "-f", str(path)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return path.read_text()


def public(tmp_path: Path, key: bytes) -> str:
    """What ssh itself reads from it."""
    path = tmp_path / "written"
    path.touch(0o600)
    path.write_bytes(key)
    done = subprocess.run(["ssh-keygen", "-y", "-P", "", "-f", str(path)], capture_output=True, check=True)
    return " ".join(done.stdout.decode().split()[:2])


@pytest.mark.parametrize(("kind", "words"), FORMS)
def test_every_way_to_paste_a_key(tmp_path: Path, kind: str, words: tuple[str, ...]) -> None:
    key = made(tmp_path, kind, *words)
    expected = " ".join((tmp_path / "key.pub").read_text().split()[:2])
    lines = key.splitlines()
    body = "".join(lines[1:-1])
    for form in (
        key,
        key.rstrip("\n"),
        key.replace("\n", "\r\n"),
        "\n\n  " + key.replace("\n", "\n   "),
        key.replace("\n", "\\n"),
        key.replace("\n", "\\r\\n"),
        key.replace("\n", " "),
        f'"{key}"',
        lines[0] + body + lines[-1],
        f"{lines[0]} {body} {lines[-1]}",
    ):
        assert public(tmp_path, private_key(form)) == expected


def test_without_begin_and_end(tmp_path: Path) -> None:
    key = made(tmp_path, "ed25519")
    body = "\n".join(key.splitlines()[1:-1])
    expected = " ".join((tmp_path / "key.pub").read_text().split()[:2])
    assert public(tmp_path, private_key(body)) == expected


@pytest.mark.parametrize("form", ["RFC4716", "PEM", "PKCS8"])
def test_locked(tmp_path: Path, form: str) -> None:
    key = made(tmp_path, "rsa", "-b", "2048", "-m", form, passphrase="canary")
    with pytest.raises(UsageError, match="passphrase") as caught:
        private_key(key)
    assert "ssh-agent" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "canary",
        "~/.ssh/id_rsa",
        "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nY2FuYXJ5\n-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nY2FuYXJ5\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN CERTIFICATE-----\nY2FuYXJ5\n-----END CERTIFICATE-----",
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\ncanary",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIcanary",
    ],
)
def test_what_is_no_key(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        private_key(text)
    assert "canary" not in str(caught.value) + caught.value.hint + caught.value.details
    assert caught.value.hint


def test_half_a_key(tmp_path: Path) -> None:
    key = made(tmp_path, "ed25519")
    lines = key.splitlines()
    with pytest.raises(UsageError):
        private_key("\n".join([lines[0], lines[1], lines[-1]]))
