"""A process that handles files as root of a user namespace: `python -m slipway.sandbox.worker JOB`.

JOB is an object in JSON: `do` what, with `range` (`slipway.sandbox.model.Range`, or null for a namespace with one user), and the
rest as the functions here have it. A layer comes over standard input, an archive goes over standard output. What goes wrong is told
on standard error, as an object in JSON with the `code` of the error and its `brief`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from slipway.errors import SlipwayError
from slipway.oci.unpack import Unpacker, WhiteoutFound, remove_tree
from slipway.sandbox.model import Range
from slipway.sandbox.upper import archive
from slipway.sandbox.usernamespace import NamespaceRefused, enter_one, enter_range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHITEOUT: Final = "whiteout"
_PIECE: Final = 1 << 20


def main() -> NoReturn:
    job: dict[str, Any] = json.loads(sys.argv[1])
    users = job.pop("range")
    do = DO[job.pop("do")]
    try:
        if users:
            enter_range(Range.from_json(users))
        else:
            enter_one(0, 0)
        do(**job)
    except SlipwayError as error:
        problem = {"code": error.code, "brief": error.brief, "hint": error.hint}
    except WhiteoutFound:
        problem = {"code": WHITEOUT, "brief": ""}
    except NamespaceRefused as error:
        problem = {"code": "tool", "brief": f"this machine refuses a user namespace: {error}"}
    except OSError as error:
        problem = {"code": "store", "brief": f"{error.filename or 'a file'}: {error.strerror}"}
    else:
        os._exit(0)
    os.write(2, json.dumps(problem).encode())
    os._exit(1)


def nothing() -> None:
    """Only try whether there can be such a namespace."""


def unpack(target: str, whiteouts: bool, what: str) -> None:
    """A layer, uncompressed, into a directory; `whiteouts` as for `Unpacker`."""
    unpacker = Unpacker(Path(target), whiteouts=whiteouts, as_root=True)
    unpacker.layer(_input(), what)
    unpacker.finish()


def pack(upper: str) -> None:
    """What `slipway.sandbox.upper.archive` makes of a directory."""
    for piece in archive(upper):
        view = memoryview(piece)
        while view:
            view = view[os.write(1, view) :]


def remove(target: str) -> None:
    remove_tree(Path(target))


def _input() -> Iterator[bytes]:
    while piece := os.read(0, _PIECE):
        yield piece


DO: Final[dict[str, Callable[..., None]]] = {
    "nothing": nothing,
    "unpack": unpack,
    "pack": pack,
    "remove": remove,
}


if __name__ == "__main__":
    main()
