"""How long `slipway --help` takes, against an interpreter that does nothing."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

ROUNDS = 20
MAIN = "from slipway.cli.main import main; main()"


def median(*arguments: str) -> float:
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def main() -> None:
    bare = median("-c", "pass")
    for name, arguments in {
        "slipway --help": ["--help"],
        "slipway --version": ["--version"],
        "slipway build --help": ["build", "--help"],
    }.items():
        took = median("-c", MAIN, *arguments)
        print(f"{name:24} {took:6.1f} ms  {took / bare:4.1f} x a bare interpreter ({bare:.1f} ms)")


if __name__ == "__main__":
    main()
