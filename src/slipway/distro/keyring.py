"""OpenPGP signatures of Debian's Release files, checked by gpgv or sqv against a keyring of trusted keys.

Only the text that the verifier hands out as signed is ever returned (RFC 9580, section 7: cleartext signatures).
A file with anything around the signed message is refused, as APT does.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from slipway.errors import ToolError, UsageError, VerifyError
from slipway.proc import run

if TYPE_CHECKING:
    from slipway.settings import Settings

KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)

_MESSAGE = re.compile(
    rb"\A-----BEGIN PGP SIGNED MESSAGE-----\r?\n.*?"
    rb"\n-----BEGIN PGP SIGNATURE-----\r?\n[^-]*\n-----END PGP SIGNATURE-----\s*\Z",
    re.DOTALL,
)
_TIMEOUT = 60.0


def find_keyring(settings: Settings) -> Path:
    """The keyring to trust; `UsageError` when the set one is missing, `ToolError` when Debian's is not installed."""
    if settings.keyring:
        path = Path(settings.keyring).expanduser().absolute()
        if not path.is_file():
            raise UsageError(f"the keyring {path} does not exist", hint="correct SLIPWAY_KEYRING")
        return path
    for path in KEYRINGS:
        if path.is_file():
            return path
    raise ToolError(
        "the Debian archive keyring is not installed",
        details="It is needed to check that package indexes come from Debian.",
        hint="install debian-archive-keyring, or name a keyring in SLIPWAY_KEYRING",
    )


def signed_text(message: bytes, keyring: Path, name: str) -> bytes:
    """The text that a key of `keyring` has signed in the clear-signed `message`; `name` is for errors.

    `VerifyError` when the signature is bad, its key unknown, or there is anything but the one message.
    """
    if not _MESSAGE.match(message) or message.count(b"-----BEGIN PGP SIGNED MESSAGE-----") != 1:
        raise VerifyError(
            f"{name} is not one signed message",
            hint="the mirror, or something before it, sends something else",
        )
    with TemporaryDirectory(prefix="slipway-") as folder:
        signed, text = Path(folder, "signed"), Path(folder, "text")
        signed.write_bytes(message)
        if program := shutil.which("gpgv"):
            problem = _gpgv(program, keyring, signed, text)
        elif program := shutil.which("sqv"):
            problem = _sqv(program, keyring, signed, text)
        else:
            raise ToolError(
                "no program to check signatures is installed",
                details="gpgv or sqv is needed to check that package indexes come from Debian.",
                hint="install gpgv or sqv",
            )
        if problem or not text.is_file():
            raise VerifyError(
                f"the signature of {name} cannot be trusted",
                details=problem,
                hint=f"the keys in {keyring} are trusted; a newer debian-archive-keyring may have newer keys",
            )
        return text.read_bytes()


def _gpgv(program: str, keyring: Path, signed: Path, text: Path) -> str:
    """What is wrong with the signature, or empty. Keys we do not know may have signed as well (gpgv(1), --status-fd)."""
    weak = [word for digest in ("SHA1", "RIPEMD160") for word in ("--weak-digest", digest)]
    where: list[str | Path] = [
        "--homedir",
        signed.parent,
        "--keyring",
        keyring,
        "--status-fd",
        "1",
        "--output",
        text,
    ]
    done = run(
        [program, *weak, *where, signed],
        env=_environment(),
        timeout=_TIMEOUT,
        ok=range(256),
    )
    lines = done.stdout.decode(errors="replace").splitlines()
    words = [line.split()[1] for line in lines if line.startswith("[GNUPG:] ") and len(line.split()) > 1]
    if "GOODSIG" in words and "VALIDSIG" in words and "BADSIG" not in words and words.count("PLAINTEXT") == 1:
        return ""
    return done.stderr.decode(errors="replace").strip() or "gpgv found no good signature"


def _sqv(program: str, keyring: Path, signed: Path, text: Path) -> str:
    """The same with sqv(1), 1.3 or later; it fails unless one signature is good."""
    done = run(
        [program, "--keyring", keyring, "--output", text, "--cleartext", signed],
        env=_environment(),
        timeout=_TIMEOUT,
        ok=range(256),
    )
    if done.returncode == 0:
        return ""
    return done.stderr.decode(errors="replace").strip() or "sqv found no good signature"


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
