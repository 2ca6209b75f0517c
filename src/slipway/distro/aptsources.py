"""What APT on this machine is configured to read: from its files (sources.list(5)), or by asking APT itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.distro.deb822 import read_fields
from slipway.patterns import pattern
from slipway.values import value

if TYPE_CHECKING:
    from collections.abc import Iterator

ETC = Path("/etc/apt")

_FORMAT = "$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ORIGIN)\t$(LABEL)\t$(SIGNED_BY)"
_ONE_LINE = pattern(
    r"\Adeb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)\Z"
)
_COMMENT = pattern(r"^#.*\n?", re.MULTILINE)


@value
class Source:
    """One suite and component of one archive. `origin` and `label` are empty until `apt-get update` has run."""

    uri: str
    suite: str
    component: str
    origin: str = ""
    label: str = ""
    signed_by: str = ""


def read_sources(etc: Path = ETC) -> Iterator[Source]:
    """What the files below `etc` name, in APT's order; nothing when this is no Debian machine."""
    for path in source_files(etc):
        text = _COMMENT.sub("", path.read_text(errors="replace"))
        yield from _deb822(text) if path.suffix == ".sources" else _one_line(text)


def ask_apt() -> Iterator[Source]:
    """What APT says it reads: slow (it loads its lists), but it knows whose an archive is once it has read it."""
    import shutil

    from slipway.proc import run

    program = shutil.which("apt-get")
    if program is None:
        return
    done = run([program, "indextargets", "--format", _FORMAT, "Created-By: Packages"], timeout=60)
    for line in done.stdout.decode(errors="replace").splitlines():
        # what APT does not know it leaves as $(NAME)
        fields = ["" if f.startswith("$(") else f for f in line.split("\t")]
        if len(fields) == 6:
            yield Source(*fields)


def source_files(etc: Path = ETC) -> list[Path]:
    """The files that say what APT reads, sorted."""
    parts = etc / "sources.list.d"
    files = [etc / "sources.list", *parts.glob("*.list"), *parts.glob("*.sources")]
    return sorted(f for f in files if f.is_file())


def _one_line(text: str) -> Iterator[Source]:
    for line in text.splitlines():
        if match := _ONE_LINE.match(line.partition("#")[0].strip()):
            options = dict(o.split("=", 1) for o in (match["options"] or "").split() if "=" in o)
            for component in match["components"].split():
                yield Source(match["uri"], match["suite"], component, signed_by=options.get("signed-by", ""))


def _deb822(text: str) -> Iterator[Source]:
    for stanza in re.split(r"\n\s*\n", text):
        fields = read_fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in (
            "no",
            "false",
        ):
            continue
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                for component in fields.get("components", "").split():
                    yield Source(uri, suite, component, signed_by=fields.get("signed-by", ""))
