"""How large downloads will be, asked without downloading them (some package indexes do not say)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from slipway.inputs.crew import run_all
from slipway.inputs.fileurl import file_path, is_file
from slipway.net import Client
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.settings import Settings

_WHOLE = pattern(r"bytes 0-0/(\d{1,19})\Z")  # Content-Range, RFC 9110, section 14.4


def sizes(urls: Sequence[str], settings: Settings) -> list[int]:
    """Bytes behind each URL, 0 where the server does not say. `FetchError` as for downloads."""
    with Client(settings) as client:
        return run_all([functools.partial(_size, client, url) for url in urls], client, settings.threads)


def _size(client: Client, url: str) -> int:
    if is_file(url):
        path = file_path(url)
        return path.stat().st_size if path.is_file() else 0

    def ask() -> int:
        # one byte of the file: unlike HEAD, every server of files answers this, and the connection stays open
        with client.get(url, {"Range": "bytes=0-0"}, ok=(200, 206)) as answer:
            if answer.status == 206:
                found = _WHOLE.match(answer.headers.get("content-range", ""))
                for _ in answer.chunks():
                    pass
                return int(found[1]) if found else 0
            length = answer.headers.get("content-length", "")
            return int(length) if length.isdigit() else 0

    return client.retry(ask)
