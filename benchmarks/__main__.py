"""All benchmarks, one after the other (`make bench`); options are those of `benchmarks.bench_peers`.

With `--quick` only start-up, and the comparison with other builders for the small recipe.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks import (
    bench_build,
    bench_bytecode,
    bench_download,
    bench_inventory,
    bench_peers,
    bench_scan,
    bench_service,
    bench_startup,
    bench_upload,
)

if TYPE_CHECKING:
    from collections.abc import Callable

QUICK = ("Start-up", "Builders")


def main(argv: list[str]) -> None:
    bench_peers.check(argv)
    parts: dict[str, Callable[[], object]] = {
        "Start-up": bench_startup.main,
        "Downloads": bench_download.main,
        "Builds": bench_build.main,
        "Inventory": bench_inventory.main,
        "Scans": bench_scan.main,
        "Service": bench_service.main,
        "Uploads": lambda: bench_upload.main(2000),
        "Compiled modules": bench_bytecode.main,
        "Builders": lambda: bench_peers.main(argv),
    }
    for title, run in parts.items():
        if title in QUICK or "--quick" not in argv:
            print(f"\n== {title}", flush=True)
            run()


main(sys.argv[1:])
