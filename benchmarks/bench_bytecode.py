"""What compiling Python modules while an image is built would cost, and what every start would gain.

Compiled is by the image's own Python, in the image: nothing, the standard library, the modules of the wheels, or
both. Costs are build time and size of the layer; gains are measured as starts of typical programs in fresh
containers with a read-only root (and a /tmp), where Python can keep nothing for the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tarfile
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.peers.machine import describe
from slipway.build.api import build
from slipway.build.model import Options
from slipway.events import Reporter
from slipway.oci import compress
from slipway.oci.reader import read_image, select
from slipway.oci.rootfs import Trees
from slipway.oci.store import Store
from slipway.recipe import load as load_recipe
from slipway.sandbox.model import Mount, Spec
from slipway.sandbox.start import start
from slipway.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RECIPE = (
    "tag: bytecode\nbase: {debian: bookworm, packages: [python3, ca-certificates]}\npackages: [PACKAGES]\n"
)
SETS = {"medium": ("pandas", "numpy", "flask", "sqlalchemy"), "large": ("pyats[full]",)}
PROGRAMS: Mapping[str, Mapping[str, Sequence[str]]] = {
    "medium": {
        "python -c pass": ("python", "-c", "pass"),
        "import flask": ("python", "-c", "import flask"),
        "import pandas, flask, sqlalchemy": ("python", "-c", "import pandas, flask, sqlalchemy"),
    },
    "large": {
        "python -c pass": ("python", "-c", "pass"),
        "from genie.testbed import load": ("python", "-c", "from genie.testbed import load"),
        "pyats version check": ("pyats", "version", "check"),
        "pyats run job --help": ("pyats", "run", "job", "--help"),
    },
}
NOTHING = "nothing"
COMPILED = {
    "standard library": ("/usr/lib/python3.11",),
    "wheels": ("/pyats/lib",),
    "both": ("/usr/lib/python3.11", "/pyats/lib"),
}
_PATH = "/pyats/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Price:
    """Of compiling: seconds to compile, processor seconds of it, seconds to make the layer; files, bytes, compressed bytes."""

    compiling: float
    processor: float
    packing: float
    files: int
    size: int
    compressed: int


@dataclass(frozen=True, slots=True)
class Start:
    """Medians over fresh containers: seconds and processor seconds."""

    wall: float
    processor: float


def main(argv: Sequence[str] = ()) -> None:
    options = _options(argv)
    now = datetime.now().astimezone()
    machine = describe()
    print(f"{now:%d %B %Y, %H:%M}: " + ", ".join(f"{k} {v}" for k, v in machine.items()))
    if os.geteuid() != 0:
        print("as root only: overlays with directories on disk")
        return
    results = {}
    for name in options.recipes:
        with tempfile.TemporaryDirectory(prefix="slipway-bench-", dir="/var/tmp") as place:
            results[name] = _measure(name, Path(place), options.rounds)
        _show(name, results[name])
    value = {"date": now.isoformat(timespec="seconds"), "machine": machine, "recipes": results}
    if options.json:
        options.json.write_text(json.dumps(value, indent=1) + "\n")


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bench_bytecode")
    parser.add_argument("--recipes", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--rounds", type=int, default=9, help="starts of each program in each form")
    parser.add_argument("--json", type=Path, help="where to write the results too")
    return parser.parse_args(argv)


def _measure(name: str, work: Path, rounds: int) -> dict[str, object]:
    recipe = work / "image.yaml"
    recipe.write_text(RECIPE.replace("PACKAGES", ", ".join(f'"{p}"' for p in SETS[name])))
    settings = load().with_(store=work / "store", cache=work / "cache")
    store, trees = Store(settings.store), Trees(settings.cache / "trees")
    built = build(load_recipe(recipe), settings, Reporter(), Options())
    layers = read_image(store, select(store, built.image)).layers
    lowers = [str(tree) for tree in reversed(trees.provide(store, layers, Reporter()))]
    sandbox = Spec(
        argv=(),
        env={"PATH": _PATH, "HOME": "/tmp", "LC_ALL": "C.UTF-8"},
        cwd="/pyats",
        uid=0,
        gid=0,
        groups=(),
        rootless=False,
        stage=str(trees.stage()),
        hostname="bench",
        lowers=tuple(lowers),
    )
    prices, forms = {}, {NOTHING: sandbox.lowers}
    for form, directories in COMPILED.items():
        upper = work / form.replace(" ", "-")
        upper.mkdir()
        prices[form] = _compile(sandbox, directories, upper)
        forms[form] = (str(upper / "upper"), *sandbox.lowers)
    return {
        "cold build": built.seconds,
        "image compressed": sum(layer.size for layer in built.layers),
        "image": sum(layer.raw_size for layer in built.layers),
        "prices": {form: asdict(price) for form, price in prices.items()},
        "starts": {
            program: {f: asdict(s) for f, s in _starts(sandbox, command, forms, rounds).items()}
            for program, command in PROGRAMS[name].items()
        },
    }


def _compile(sandbox: Spec, directories: Sequence[str], upper: Path) -> Price:
    """Compile into the directory `upper`, and make a layer of what came."""
    tool = ("python", "-W", "ignore", "-m", "compileall", "-q", "-j", "2")
    command = (*tool, "--invalidation-mode", "unchecked-hash", *directories)
    began, used = time.perf_counter(), _processor()
    with _quiet():
        # status 1: some module of a wheel is not for this Python; pip compiles the others all the same
        _run(sandbox, command, lowers=sandbox.lowers, upper=str(upper), ok=(0, 1))
    compiling, used = time.perf_counter() - began, _processor() - used
    began = time.perf_counter()
    found = sorted(path for path in (upper / "upper").rglob("*.pyc"))
    compressor = compress.get("gzip").compressor()
    packed = sum(len(compressor.compress(piece)) for piece in _tar(found, upper)) + len(compressor.flush())
    packing = time.perf_counter() - began
    size = sum(path.stat().st_size for path in found)
    return Price(compiling, used, packing, len(found), size, packed)


def _tar(paths: Sequence[Path], root: Path) -> Iterator[bytes]:
    for path in paths:
        entry = tarfile.TarInfo(str(path.relative_to(root)))
        entry.size = path.stat().st_size
        yield entry.tobuf(tarfile.PAX_FORMAT)
        yield path.read_bytes() + b"\0" * (-entry.size % tarfile.BLOCKSIZE)


def _starts(
    sandbox: Spec, command: Sequence[str], forms: Mapping[str, tuple[str, ...]], rounds: int
) -> dict[str, Start]:
    """One start in each form to have files in memory, then all forms in turn."""
    samples: dict[str, list[Start]] = {form: [] for form in forms}
    for number in range(rounds + 1):
        for form, lowers in forms.items():
            with tempfile.TemporaryDirectory() as scratch, _quiet():
                mounted = replace(sandbox, mounts=(Mount(scratch, "/tmp"),))
                used, began = _processor(), time.perf_counter()
                _run(mounted, command, lowers=lowers, upper="")
                took = Start(time.perf_counter() - began, _processor() - used)
            if number:
                samples[form].append(took)
    return {
        form: Start(median(s.wall for s in found), median(s.processor for s in found))
        for form, found in samples.items()
    }


def _run(
    sandbox: Spec, argv: Sequence[str], *, lowers: tuple[str, ...], upper: str, ok: Sequence[int] = (0,)
) -> None:
    status = start(replace(sandbox, argv=tuple(argv), lowers=lowers, upper=upper, read_only=not upper))
    if status not in ok:
        raise RuntimeError(f"{argv} ended with status {status}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Programs in sandboxes have our standard output: it goes away meanwhile."""
    sys.stdout.flush()
    kept = os.dup(1)
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _show(name: str, result: Mapping[str, object]) -> None:
    prices, starts = result["prices"], result["starts"]
    assert isinstance(prices, dict)
    assert isinstance(starts, dict)
    print(
        f"\n{name}: {', '.join(SETS[name])}; built in {result['cold build']:.1f} s with nothing cached,",
        end=" ",
    )
    image = result["image compressed"]
    assert isinstance(image, int)
    print(f"{image / 1e6:.0f} MB compressed")
    for form, p in prices.items():
        extra = p["compiling"] + p["packing"]
        print(
            f"  compiling {form:<18} + {extra:5.1f} s of build ({p['processor']:.1f} s of processor), {p['files']} files,"
            f" + {p['size'] / 1e6:.0f} MB, + {p['compressed'] / 1e6:.1f} MB compressed"
            f" ({p['compressed'] / image:.0%})"
        )
    print(
        f"  {'seconds to start with … compiled':<36}" + "".join(f"{form:>22}" for form in (NOTHING, *prices))
    )
    for program, found in starts.items():
        cells = "".join(f"{_cell(s, found[NOTHING]):>22}" for s in found.values())
        print(f"    {program:<34}{cells}")
    for form, p in prices.items():
        slowest = max(starts.values(), key=lambda found: found[NOTHING]["wall"])
        gain = slowest[NOTHING]["wall"] - slowest[form]["wall"]
        if gain > 0:
            even = (p["compiling"] + p["packing"]) / gain
            print(f"  {form}: the build is slower by what {even:.1f} starts of the slowest program gain")


def _cell(taken: Mapping[str, float], plain: Mapping[str, float]) -> str:
    gain = plain["wall"] - taken["wall"]
    return f"{taken['wall']:.2f}" + (f" (gains {gain:.2f})" if taken is not plain else "")


if __name__ == "__main__":
    main(sys.argv[1:])
