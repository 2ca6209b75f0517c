"""Go's `go.mod` (Go Modules Reference: go.mod files; Minimal version selection).

Since Go 1.17 it names every module that the project is built of, those of its modules too; `go.sum` has hashes of more than that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.patterns import pattern
from slipway.scan.inventory.words import word
from slipway.scan.source.pins.model import Loose, Pin

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORD = pattern(r'"(?:[^"\\]|\\.)*"|`[^`]*`|[^\s"`]+')
_VERSION = pattern(r"v[0-9]+\.[0-9]+\.[0-9]+(?:-[\w.-]+)?(?:\+incompatible)?")
_GO = pattern(r"([0-9]+)\.([0-9]+)(?:[.a-z].*)?")
_COMPLETE: Final = (1, 17)  # from this on the modules of modules are in it
_VERBS: Final = ("require", "replace", "exclude", "go")


@dataclass
class _Module:
    required: list[tuple[str, str, int]] = field(default_factory=list)
    # by path and version (empty: any): path, and version where it is no directory
    replaced: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    excluded: set[tuple[str, str]] = field(default_factory=set)
    go: tuple[int, int] = (1, 0)

    def take(self, verb: str, words: list[str], line: int) -> None:
        old, arrow, new = words, "", []
        if verb == "replace" and "=>" in words:
            at = words.index("=>")
            old, arrow, new = words[:at], "=>", words[at + 1 :]
        found = _GO.fullmatch(words[0]) if verb == "go" else None
        if verb == "go" and found:
            self.go = int(found[1][:9]), int(found[2][:9])
        elif verb == "require" and len(words) == 2:
            self.required.append((words[0], words[1], line))
        elif verb == "exclude" and len(words) == 2:
            self.excluded.add((words[0], words[1]))
        elif arrow and len(old) in (1, 2) and len(new) in (1, 2):
            self.replaced[old[0], "".join(old[1:])] = new[0], "".join(new[1:])
        else:
            raise InputError(f"line {line} is not as Go writes it")


def read(text: str) -> Iterator[Pin | Loose]:
    """`InputError` if it is none."""
    module = _parsed(text)
    if module.required and module.go < _COMPLETE:
        why = "it is of a Go before 1.17: what its modules need in turn is not in it"
        yield Loose("unpinned", why, module.required[0][2])
    for path, version, line in module.required:
        new = module.replaced.get((path, version)) or module.replaced.get((path, ""))
        name, chosen = new or (path, version)
        if new and not chosen and name.startswith("./") and ".." not in name:
            continue  # a directory of the tree, which is looked at by itself
        if new and not chosen:
            yield Loose("unpinned", f"{word(path, 'name')} is replaced by a directory elsewhere", line)
        elif not _VERSION.fullmatch(chosen) or (path, version) in module.excluded:
            yield Loose("unpinned", f"{word(name, 'name')} has no exact version", line)
        else:
            yield Pin("golang", word(name, "name"), word(chosen, "version"), line)


def _parsed(text: str) -> _Module:
    module = _Module()
    block = ""
    for number, row in enumerate(text.splitlines(), 1):
        words = [each.strip('"`') for each in _WORD.findall(row.partition("//")[0])]
        if not words:
            continue
        if block:
            verb, block = block, "" if words == [")"] else block
            words = [] if words == [")"] else words
        elif words[-1] == "(" and len(words) == 2:
            block, words = words[0], []
            verb = block
        else:
            verb, words = words[0], words[1:]
        if words and verb in _VERBS:
            module.take(verb, words, number)
    if block:
        raise InputError(f"its block of {block[:20]!r} has no end")
    return module
