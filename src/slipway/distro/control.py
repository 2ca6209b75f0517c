"""The control part of a .deb: its fields, conffiles, triggers and maintainer scripts (deb(5), deb-control(5))."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.oci.tarread import Limits, read_tar
from slipway.patterns import pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST: Final = 16 << 20  # bytes of an unpacked control member
_MOST_FILES: Final = 256
_FIELD: Final = pattern(r"([!-,./-9;-~][!-9;-~]*):[ \t]*(.*)\Z")
_FILE_NAME: Final = pattern(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")
SCRIPTS: Final = ("preinst", "postinst", "prerm", "postrm")
# dpkg makes these itself, so a package that brings them would falsify its database
_OWN_FILES: Final = ("list",)

Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ControlFile:
    content: bytes
    mode: int
    mtime: int


@dataclass(frozen=True, slots=True)
class Control:
    """`fields` in the order of the file, values with their continuation lines; `files` all but `control` itself."""

    fields: Fields
    files: dict[str, ControlFile]
    mtime: int

    def get(self, name: str) -> str:
        """The value of a field, names compared without case; empty when it is not there."""
        return next((v for k, v in self.fields if k.lower() == name.lower()), "")

    def text(self, name: str) -> str:
        """A control file as text; empty when it is not there."""
        found = self.files.get(name)
        return found.content.decode(errors="replace") if found else ""

    @property
    def conffiles(self) -> tuple[str, ...]:
        """Absolute paths. Those to be removed on upgrade (deb-conffiles(5)) are not part of a fresh install."""
        lines = (line.rstrip() for line in self.text("conffiles").splitlines())
        return tuple(line for line in lines if line.startswith("/"))

    @property
    def triggers(self) -> tuple[tuple[str, str], ...]:
        """(directive, trigger) pairs, as deb-triggers(5) has them."""
        words = (line.partition("#")[0].split() for line in self.text("triggers").splitlines())
        return tuple((w[0], w[1]) for w in words if len(w) == 2)

    @property
    def info_name(self) -> str:
        """The stem of the package's files in dpkg's database: with the architecture for Multi-Arch: same."""
        name = self.get("Package")
        return f"{name}:{self.get('Architecture')}" if self.get("Multi-Arch") == "same" else name


def read_control(chunks: Iterable[bytes], what: str) -> Control:
    """Read an unpacked control member; `InputError` when it is damaged, too large or not a plain set of files."""
    files: dict[str, ControlFile] = {}
    for entry, content in read_tar(chunks, limits=Limits(_MOST_FILES, MOST), what=f"{what} (control)"):
        if entry.kind == "dir" and not entry.path:
            continue
        if entry.kind != "file" or not _FILE_NAME.match(entry.path) or entry.path in files:
            raise InputError(f"{what}: its control member holds {entry.path!r}, which does not belong there")
        if entry.path in _OWN_FILES:
            raise InputError(f"{what}: its control member holds {entry.path!r}, which dpkg keeps for itself")
        data = content if isinstance(content, bytes) else b"".join(content)
        files[entry.path] = ControlFile(data, entry.mode, entry.mtime)
    own = files.pop("control", None)
    if own is None:
        raise InputError(f"{what} has no control file")
    try:
        fields = paragraph(own.content.decode(), what)
    except UnicodeDecodeError as error:
        raise InputError(f"{what}: its control file is not UTF-8") from error
    control = Control(fields, files, own.mtime)
    for name, form in _IDENTITY.items():
        if not form.match(control.get(name)):
            raise InputError(f"{what}: its control file has no proper {name}: {control.get(name)!r}")
    return control


def paragraph(text: str, what: str) -> Fields:
    """The fields of one deb822 stanza (deb822(5)); `InputError` when it is not one."""
    fields: list[tuple[str, list[str]]] = []
    names: set[str] = set()
    for line in text.strip("\n").split("\n"):
        if line.startswith("#"):
            continue
        if line[:1] in (" ", "\t") and fields and line.strip():
            fields[-1][1].append(line)
            continue
        match = _FIELD.match(line)
        if match is None or match[1].lower() in names:
            raise InputError(f"{what}: its control file is malformed at {line[:80]!r}")
        names.add(match[1].lower())
        fields.append((match[1], [match[2]]))
    # dpkg, too, trims only the end of a value
    return tuple((name, "\n".join(lines).rstrip()) for name, lines in fields)


# deb-control(5); these end up in paths and in dpkg's database
_IDENTITY: Final = {
    "Package": re.compile(r"[a-z0-9][a-z0-9+.-]+\Z"),
    "Version": re.compile(r"[0-9][A-Za-z0-9.+:~-]*\Z"),
    "Architecture": re.compile(r"[a-z0-9][a-z0-9-]*\Z"),
}
