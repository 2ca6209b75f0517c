"""Private keys for ssh as people paste them into recipes and variables, in the form that every OpenSSH reads."""

from __future__ import annotations

import re
import warnings
from base64 import b64decode
from binascii import Error
from typing import Any

from slipway.errors import UsageError
from slipway.patterns import pattern

_ARMOUR = pattern(r"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY)-----(.*?)-----END \1-----", re.DOTALL)
_OPENSSH = "OPENSSH PRIVATE KEY"
_MAGIC = b"openssh-key-v1\0"  # OpenSSH's PROTOCOL.key
_HINT = "paste the whole file that ssh-keygen wrote, from BEGIN to END, or give it by %ENV{NAME}"


def private_key(text: str) -> bytes:
    r"""`text` as a file for `ssh -i`.

    It may be in OpenSSH's or in PEM form (PKCS #1, SEC 1, PKCS #8); its lines may end in CRLF, stand on one line with
    blanks or written-out `\n` between, and lack BEGIN and END. `UsageError` when it is no key, or one that is locked with a passphrase.
    """
    label, body = _parts(text)
    return _checked(label, body)


def _parts(text: str) -> tuple[str, str]:
    """The kind of key, and its base64 without blanks."""
    plain = text.replace("\\r", "\n").replace("\\n", "\n").strip().strip("'\"")
    if found := _ARMOUR.search(plain):
        label, body = found[1], found[2]
        if "ENCRYPTED" in label or "Proc-Type:" in body:
            raise _locked()
    else:
        if "BEGIN" in plain or "PuTTY" in plain:
            raise UsageError(
                "`ssh_key` is not a private key that OpenSSH knows",
                hint="`puttygen KEY -O private-openssh` converts keys of PuTTY"
                if "PuTTY" in plain
                else _HINT,
            )
        label, body = "", plain
    body = re.sub(r"\s+", "", body)
    try:
        data = b64decode(body, validate=True)
    except Error as error:
        raise UsageError("`ssh_key` is not a private key", hint=_HINT) from error
    if not label:
        label = _OPENSSH if data.startswith(_MAGIC) else "PRIVATE KEY"
    return label, body


def _checked(label: str, body: str) -> bytes:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as keys

    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    written = f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()
    load: Any = keys.load_ssh_private_key if label == _OPENSSH else keys.load_pem_private_key
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of kinds of keys that are no longer made
            key = load(written, password=None)
            # older releases of OpenSSH do not read every kind of key in PEM form
            return bytes(
                key.private_bytes(keys.Encoding.PEM, keys.PrivateFormat.OpenSSH, keys.NoEncryption())
            )
    except UnsupportedAlgorithm:  # ssh may know more kinds, such as those on security tokens
        return written
    except TypeError as error:
        raise _locked() from error
    except ValueError as error:
        if "ncrypt" in str(error) or "assword" in str(error):
            raise _locked() from error
        raise UsageError("`ssh_key` is not a whole private key", hint=_HINT) from error


def _locked() -> UsageError:
    return UsageError(
        "`ssh_key` is locked with a passphrase",
        hint="use a key without one, or leave `ssh_key` out and add the key to your ssh-agent",
    )
