"""RECORD: which files a distribution consists of, and their hashes.

PyPA specifications: binary distribution format, "The .dist-info directory"; recording installed projects, "The
RECORD file".
"""

from __future__ import annotations

import base64
import csv
import io
from typing import TYPE_CHECKING

from slipway.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

STRONG = frozenset(("sha256", "sha384", "sha512"))  # what the specification allows, of what is in use


def parse(data: bytes, what: str) -> dict[str, str]:
    """Path → `algorithm=value` (empty when the row has none). `InputError` for anything but such a table."""
    rows: dict[str, str] = {}
    try:
        for row in csv.reader(io.StringIO(data.decode("utf-8"), newline="")):
            if not row:
                continue
            path, digest = row[0], row[1] if len(row) > 1 else ""
            if rows.setdefault(path, digest) != digest:
                raise InputError(f"{what}: RECORD gives {path!r} two hashes")
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{what}: RECORD cannot be read: {error}") from error
    return rows


def encode(digest: bytes) -> str:
    """URL-safe base64 without padding."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def spell(sha256: str) -> str:
    """A hex digest as RECORD writes it."""
    return "sha256=" + encode(bytes.fromhex(sha256))


def render(rows: Iterable[tuple[str, str, int]], own: str) -> bytes:
    """The text for rows of (path, hash, size), sorted by path, with the RECORD's `own` row, which has neither."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    table = {own: ("", ""), **{path: (digest, str(size)) for path, digest, size in rows}}
    writer.writerows((path, *table[path]) for path in sorted(table))
    return out.getvalue().encode()
