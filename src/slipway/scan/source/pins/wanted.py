"""Requirements of which some may be open: what is exact is a pin each, and the rest one remark."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from slipway.patterns import pattern
from slipway.scan.source.pins import requirements
from slipway.scan.source.pins.model import Loose, Pin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NO_LOCK: Final = "no exact version, and no lock file that has one"
_NAME = pattern(r"[\w.-]{1,60}|@[\w.-]{1,60}/[\w.-]{1,60}")
_NAMED: Final = 5  # in a message


def told(wanted: Iterable[tuple[str, int]], why: str = NO_LOCK) -> Iterator[Pin | Loose]:
    """`wanted` are requirements (PyPA: dependency specifiers), each with its line; all that have no exact version are one `Loose`."""
    loose: list[tuple[str, int]] = []
    for text, line in wanted:
        entry = next(iter(requirements.read(text)), None)
        if isinstance(entry, Pin):
            yield replace(entry, line=line)
        else:
            loose.append((text, line))
    yield from remark(loose, why)


def remark(loose: Sequence[tuple[str, int]], why: str = NO_LOCK) -> Iterator[Loose]:
    """One `Loose` for all of these, which begin with their names; none where there are none."""
    if loose:
        found = [
            _NAME.match(text) for text, _ in loose[:_NAMED]
        ]  # not the rest: an address may hold a secret
        names = ", ".join(each[0] if each else "?" for each in found)
        more = f" and {len(loose) - _NAMED} more" if len(loose) > _NAMED else ""
        yield Loose("unpinned", f"{why}: {names}{more}", loose[0][1])
