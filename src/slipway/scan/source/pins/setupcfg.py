"""What setuptools is told in `setup.cfg` (setuptools' documentation: Configuring setuptools using setup.cfg files).

What is needed only to build the project is left out: it is installed nowhere.
"""

from __future__ import annotations

import configparser
from typing import TYPE_CHECKING, Final

from slipway.errors import InputError
from slipway.scan.source.pins.lines import Lines
from slipway.scan.source.pins.model import Include, Loose, Pin
from slipway.scan.source.pins.wanted import told

if TYPE_CHECKING:
    from collections.abc import Iterator

_FILE: Final = "file:"
_NEEDED: Final = ("install_requires", "install-requires", "tests_require", "tests-require")


def read(text: str) -> Iterator[Pin | Loose | Include]:
    """`install_requires`, `tests_require` and all extras, or the files that they name. `InputError` if it cannot be read."""
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise InputError(f"it is no configuration file: {error.message.splitlines()[0][:100]}") from error
    lines = Lines(text)
    wanted: list[tuple[str, int]] = []
    for value in _values(parser):
        if value.startswith(_FILE):
            for name in value.removeprefix(_FILE).replace("\n", ",").split(","):
                if name.strip():
                    yield Include(name.strip(), lines.of(name.strip()))
            continue
        # one line holds several, parted by what parts a requirement from its marker in several lines
        rows = value.splitlines() if "\n" in value else value.split(";")
        rows = [row.strip() for row in rows]
        wanted += [(row, lines.of(row)) for row in rows if row and not row.startswith("#")]
    yield from told(wanted)


def _values(parser: configparser.RawConfigParser) -> Iterator[str]:
    for name in _NEEDED:
        yield parser.get("options", name, fallback="").strip()
    if parser.has_section("options.extras_require"):
        for _, value in parser.items("options.extras_require"):
            yield value.strip()
