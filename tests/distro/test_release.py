"""Release files: only signed text counts, and only for the suite and the time it is for."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from slipway.distro.keyring import find_keyring, signed_text
from slipway.distro.release import check_release, read_release
from slipway.errors import ToolError, UsageError, VerifyError
from slipway.events import Note, Reporter
from slipway.settings import Settings
from tests.distro.repository import NOW, key, release_text

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.events import Event

pytestmark = pytest.mark.skipif(
    shutil.which("gpg") is None or shutil.which("gpgv") is None, reason="needs gpg to sign and gpgv to check"
)

FILES = {"main/binary-amd64/Packages.xz": b"index"}


def test_the_signed_text_comes_back():
    text = release_text("trixie", FILES)
    assert signed_text(key().clear_sign(text), key().keyring, "InRelease").decode() == text


def test_a_changed_text_is_refused():
    message = (
        key().clear_sign(release_text("trixie", FILES)).replace(b"Codename: trixie", b"Codename: trixid")
    )
    with pytest.raises(VerifyError, match="cannot be trusted") as caught:
        signed_text(message, key().keyring, "InRelease")
    assert "BAD signature" in caught.value.details


def test_an_unknown_signer_is_refused():
    message = key("stranger").clear_sign(release_text("trixie", FILES))
    with pytest.raises(VerifyError, match="cannot be trusted") as caught:
        signed_text(message, key().keyring, "InRelease")
    assert "keyring" in caught.value.hint


def test_a_weak_digest_is_refused():
    message = key().clear_sign(release_text("trixie", FILES), digest="SHA1")
    with pytest.raises(VerifyError, match="cannot be trusted"):
        signed_text(message, key().keyring, "InRelease")


@pytest.mark.parametrize("where", ["before", "after", "twice", "unsigned", "cut", "empty"])
def test_anything_but_one_signed_message_is_refused(where: str):
    message = key().clear_sign(release_text("trixie", FILES))
    other = b"Codename: evil\nSHA256:\n"
    hostile = {
        "before": other + message,
        "after": message + other,
        "twice": message + message,
        "unsigned": release_text("trixie", FILES).encode(),
        "cut": message[:-60],
        "empty": b"",
    }[where]
    with pytest.raises(VerifyError, match="not one signed message"):
        signed_text(hostile, key().keyring, "InRelease")


def test_no_verifier(monkeypatch: pytest.MonkeyPatch):
    message = key().clear_sign("Codename: x\n")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ToolError) as caught:
        signed_text(message, key().keyring, "InRelease")
    assert "gpgv" in caught.value.hint


@pytest.mark.parametrize("good", [True, False])
def test_sqv_is_used_when_it_is_the_only_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, good: bool):
    # stands in for sqv 1.3: same options, the output is written even when the signature is bad
    sqv = tmp_path / "sqv"
    sqv.write_text(
        "#!/bin/sh\n"
        '[ "$1" = --keyring ] && [ "$3" = --output ] && [ "$5" = --cleartext ] && [ ! -e "$4" ] || exit 2\n'
        f'echo checked > "$4"\n{"exit 0" if good else "echo manipulated >&2; exit 1"}\n'
    )
    sqv.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(sqv) if name == "sqv" else None)
    message = key().clear_sign("Codename: x\n")
    if good:
        assert signed_text(message, key().keyring, "InRelease") == b"checked\n"
    else:
        with pytest.raises(VerifyError) as caught:
            signed_text(message, key().keyring, "InRelease")
        assert caught.value.details == "manipulated"


def test_a_missing_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    settings = Settings(store=tmp_path, cache=tmp_path)
    with pytest.raises(UsageError, match=r"nothing\.gpg"):
        find_keyring(settings.with_(keyring=str(tmp_path / "nothing.gpg")))
    monkeypatch.setattr("slipway.distro.keyring.KEYRINGS", (tmp_path / "a", tmp_path / "b"))
    with pytest.raises(ToolError) as caught:
        find_keyring(settings)
    assert "debian-archive-keyring" in caught.value.hint
    (tmp_path / "b").touch()
    assert find_keyring(settings) == tmp_path / "b"


def test_fields():
    release = read_release(release_text("trixie", FILES, suite="stable", valid_until=NOW), "x")
    assert (release.codename, release.suite, release.version) == ("trixie", "stable", "13.2")
    assert (release.date, release.valid_until, release.by_hash) == (int(NOW) - 1000, int(NOW), True)
    assert release.architectures == ("all", "amd64", "arm64")
    listed = release.files["main/binary-amd64/Packages.xz"]
    assert (listed.size, len(listed.sha256)) == (5, 64)


def test_weak_hashes_alone_are_refused():
    text, _, _ = release_text("trixie", FILES).partition("SHA256:")
    with pytest.raises(VerifyError, match="no SHA-256"):
        read_release(text, "x")


@pytest.mark.parametrize("line", ["Codename: ../../x", "Codename:", "Date: yesterday"])
def test_unusable_fields(line: str):
    name = line.split(":", maxsplit=1)[0]
    lines = [
        line if old.startswith(name + ":") else old for old in release_text("trixie", FILES).splitlines()
    ]
    with pytest.raises(VerifyError):
        read_release("\n".join(lines), "x")


def _warnings(codename: str, asked: str, valid_until: float | None, suite: str = "") -> list[str]:
    events: list[Event] = []
    release = read_release(release_text(codename, FILES, suite=suite, valid_until=valid_until), "x")
    check_release(release, asked, NOW, Reporter(events.append), "x")
    return [e.text for e in events if isinstance(e, Note) and e.level == "warning"]


def test_the_suite_that_was_asked_for():
    assert _warnings("trixie", "trixie", None) == []
    assert _warnings("trixie", "stable", NOW + 1, suite="stable") == []
    with pytest.raises(VerifyError, match="not for bookworm"):
        _warnings("trixie", "bookworm", None)


def test_expired():
    with pytest.raises(VerifyError, match=r"expired 2\.0 days ago") as caught:
        _warnings("trixie", "trixie", NOW - 2 * 86400)
    assert "clock" in caught.value.hint
    assert "2.0 days" in _warnings("sid", "sid", NOW - 2 * 86400, suite="unstable")[0]
