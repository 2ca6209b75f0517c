"""Relationships between packages as control files write them (Debian policy, section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from slipway.distro.version import satisfies
from slipway.errors import InputError
from slipway.patterns import pattern

if TYPE_CHECKING:
    from slipway.distro.candidate import Candidate

_RELATION = pattern(
    r"\s*(?P<name>[A-Za-z0-9][A-Za-z0-9+.-]*)(?::(?P<qualifier>[a-z0-9-]+))?"
    r"\s*(?:\(\s*(?P<operator><<|<=|=|>=|>>|<|>)\s*(?P<version>[A-Za-z0-9.+:~-]+)\s*\))?\s*\Z"
)


@dataclass(frozen=True, slots=True)
class Relation:
    """One alternative: `name[:qualifier] [(operator version)]`; the empty operator means any version."""

    name: str
    operator: str = ""
    version: str = ""
    qualifier: str = ""

    def __str__(self) -> str:
        name = f"{self.name}:{self.qualifier}" if self.qualifier else self.name
        return f"{name} ({self.operator} {self.version})" if self.operator else name

    def accepts(self, candidate: Candidate, arch: str) -> bool:
        """Whether `candidate`, in an image of architecture `arch`, is what the relation names.

        A virtual package has the version its provider gives it, and without one matches no versioned relation
        (policy 7.5). `:any` asks for a package that allows it (multi-arch specification).
        """
        if self.qualifier == "any" and candidate.deb.multi_arch != "allowed":
            return False
        if self.qualifier not in ("", "any", "native", arch):
            return False
        if candidate.name == self.name and satisfies(candidate.version, self.operator, self.version):
            return True
        return any(
            p.name == self.name
            and (not self.operator or (p.version and satisfies(p.version, self.operator, self.version)))
            for p in candidate.provides
        )


Group = tuple[Relation, ...]  # alternatives, the preferred one first


def parse_groups(text: str) -> tuple[Group, ...]:
    """`a (>= 1) | b, c` as ((a, b), (c,)); `InputError` when it is not such a list."""
    return tuple(
        tuple(_parse_one(one) for one in group.split("|")) for group in text.split(",") if group.strip()
    )


def parse_list(text: str) -> tuple[Relation, ...]:
    """A field without alternatives (Provides, Conflicts, Breaks)."""
    return tuple(relation for group in parse_groups(text) for relation in group)


def show(group: Group) -> str:
    return " | ".join(map(str, group))


def _parse_one(text: str) -> Relation:
    match = _RELATION.match(text)
    if match is None:
        raise InputError(f"not a package relationship: {text.strip()!r}")
    return Relation(match["name"], match["operator"] or "", match["version"] or "", match["qualifier"] or "")
