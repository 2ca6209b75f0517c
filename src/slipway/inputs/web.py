"""http(s) sources: with a known hash fetched as that, else what a server said is remembered, and asked about when it is old."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.inputs.address import identity
from slipway.inputs.download import Download, fetch
from slipway.inputs.kept import part_of, path_of
from slipway.inputs.memory import Brought
from slipway.inputs.part import hold
from slipway.inputs.transfer import Progress, Transfer
from slipway.net_errors import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.events import Reporter
    from slipway.inputs.memory import Memories
    from slipway.net import Client

_HEADERS = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}


def fetch_web(
    url: str, client: Client, reporter: Reporter, memories: Memories, *, sha256: str = ""
) -> Brought:
    """The resource at `url`; only an answer of status 200 counts.

    What is known of it is asked about, which costs no transfer when nothing changed. With `sha256`, `VerifyError` when
    the content is something else.
    """
    settings = memories.settings
    with reporter.step("fetch", redact(url), unit="bytes") as step:
        progress = Progress(step)
        if sha256:
            path = fetch(Download(url, sha256), client, settings, progress)
            return Brought("file", sha256, path.stat().st_size)
        with hold(part_of(identity(url), settings), client.pause) as part:
            if fresh := memories.fresh(url):  # another process was faster
                return fresh
            known = memories.recall(url)
            transfer = Transfer(url, part, progress, headers=_condition(known[0].marks) if known else {})
            answer = transfer.ask(client, ok=(304,) if known else ())
            transfer.forget()
            if answer.status == 304 and known:
                part.restart()
                step.detail = "unchanged"
                memories.keep(url, known[1], known[0].marks)
                return known[1]
            brought = Brought("file", part.sha256, part.size)
            part.finish(path_of(part.sha256, settings))
            marks = {name: answer.headers[name] for name in _HEADERS if answer.headers.get(name)}
            memories.keep(url, brought, marks)
            return brought


def _condition(marks: Mapping[str, str]) -> dict[str, str]:
    """The headers that make the server answer 304 when nothing changed (RFC 9110, section 13.1)."""
    return {_HEADERS[name]: value for name, value in marks.items() if name in _HEADERS}
