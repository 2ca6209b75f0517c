"""The Dockerfile that an expert would write: pinned base, uv with a cache mount, what changes often last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.model import replace_text

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.peers.base import Base
    from benchmarks.peers.model import Content

_TEXT = """\
FROM {base}
ENV WORKSPACE=/pyats VIRTUAL_ENV=/pyats PATH=/pyats/bin:$PATH
WORKDIR /pyats
{copied}RUN --mount=type=cache,target=/root/.cache/uv \\
    --mount=type=bind,from={uv},source=/uv,target=/usr/local/bin/uv \\
{mounted}    uv venv --quiet --allow-existing /pyats \\
    && uv pip install --quiet --link-mode=copy -r /tmp/requirements.txt \\
    && ln -s /pyats /workspace
{fetched}COPY {link}note.txt /pyats/
"""
_COPY = "COPY requirements.txt /tmp/\n"
_MOUNT = "    --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \\\n"


def write(directory: Path, content: Content, base: Base, *, buildkit: bool) -> None:
    """`Dockerfile`, `requirements.txt` and `note.txt`.

    Without `buildkit`, for an engine that does not know `--link` and does not see that a mounted file has changed.
    """
    link = "--link " if buildkit else ""
    text = _TEXT.format(
        base=base.image,
        uv=base.uv,
        copied="" if buildkit else _COPY,
        mounted=_MOUNT if buildkit else "",
        fetched="".join(f"ADD {link}{url} /pyats/\n" for url in content.urls),
        link=link,
    )
    replace_text(directory / "Dockerfile", text)
    replace_text(directory / "requirements.txt", "".join(f"{package}\n" for package in content.packages))
    replace_text(directory / "note.txt", content.note)
