"""How fast layers are read for an inventory, and in how much memory, beside a plain walk with the standard library's tarfile.

One layer of a gigabyte (a fifth with `--quick`): files of the sizes that Debian and wheels have, a database of dpkg with
its lists, distributions and packages of npm; plain, gzip and zstd. Each reading is a process of its own, and gives the same
number of files of interest. Then an image of it in a store: the first time, and again.
"""

from __future__ import annotations

import hashlib
import json
import random
import resource
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from slipway.events import Reporter
from slipway.oci import compress
from slipway.oci.digest import Digest
from slipway.oci.entry import END_OF_ARCHIVE, Entry, padding
from slipway.oci.reader import Slice
from slipway.oci.store import LAYER_TYPE, Descriptor, Store
from slipway.scan.inventory import take
from slipway.scan.inventory.interest import format_of
from slipway.scan.inventory.layerfacts import read_layer
from slipway.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FORMS = ("plain", "gzip", "zstd")
PACKAGES, DISTS, NODES = 400, 200, 800


def files(size: int) -> Iterator[tuple[str, bytes]]:
    """Paths and contents, about `size` bytes together; always the same."""
    chance = random.Random(1)
    text = b"".join(b"def function_%d(argument):\n    return %d\n" % (n, n * n) for n in range(40_000))
    stanzas = [
        f"Package: package-{n}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.{n}-1\n"
        f"Description: a package\n {'word ' * 100}\n"
        for n in range(PACKAGES)
    ]
    yield "etc/os-release", b'ID=debian\nVERSION_ID="12"\n'
    yield "var/lib/dpkg/status", "\n".join(stanzas).encode()
    for n in range(PACKAGES):
        listing = "".join(f"/usr/share/package-{n}/directory/file-{k}\n" for k in range(200))
        yield f"var/lib/dpkg/info/package-{n}.list", listing.encode()
    for n in range(DISTS):
        head = f"Metadata-Version: 2.1\nName: dist-{n}\nVersion: 1.{n}\n\n{'text ' * 2000}\n"
        yield f"venv/lib/python3.11/site-packages/dist_{n}-1.{n}.dist-info/METADATA", head.encode()
    for n in range(NODES):
        told = {"name": f"node-{n}", "version": f"1.0.{n}", "license": "MIT"}
        yield f"app/node_modules/node-{n}/package.json", json.dumps(told).encode()
    written = number = 0
    while written < size:
        length = min(int(chance.lognormvariate(8.5, 1.8)), 30_000_000)
        start = chance.randrange(len(text))
        # a half of it can be compressed well, as in programs and libraries
        content = (text[start:] + text * (length // len(text) + 1))[: length // 2] + chance.randbytes(
            length // 2
        )
        yield f"usr/lib/directory-{number % 997}/file-{number}.so", content
        written += length
        number += 1


def make(root: Path, size: int) -> dict[str, Path]:
    """The layer in every form; the path by form."""
    kinds = [compress.get(form) for form in FORMS[1:]]
    paths = {form: root / form for form in FORMS}
    compressors = [kind.compressor() for kind in kinds]
    with (
        (root / "plain").open("wb") as plain,
        (root / "gzip").open("wb") as gz,
        (root / "zstd").open("wb") as zs,
    ):

        def put(piece: bytes) -> None:
            plain.write(piece)
            gz.write(compressors[0].compress(piece))
            zs.write(compressors[1].compress(piece))

        for path, content in files(size):
            put(Entry(path, size=len(content)).header() + content + padding(len(content)))
        put(END_OF_ARCHIVE)
        gz.write(compressors[0].flush())
        zs.write(compressors[1].flush())
    return paths


def chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(compress.CHUNK):
            yield chunk


def ours(path: Path) -> int:
    return len(read_layer(chunks(path), "layer").files)


def walk(path: Path) -> int:
    """No digest is checked, no file parsed, no limit kept: only read what has a path of interest."""
    found = 0
    with tarfile.open(path, "r|gz" if path.name == "gzip" else "r|") as archive:
        for member in archive:
            if member.isfile() and format_of(member.name):
                file = archive.extractfile(member)
                found += bool(file and file.read())
    return found


READERS: dict[str, Callable[[Path], int]] = {"slipway": ours, "tarfile": walk}


def measured(reader: str, path: Path) -> tuple[float, float, int]:
    """Seconds, peak memory (MB) and number of files of one reading, in a process of its own."""
    argv = [sys.executable, "-m", "benchmarks.bench_inventory", "--one", reader, str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    seconds, memory, found = done.stdout.split()
    return float(seconds), float(memory), int(found)


def one(reader: str, path: Path) -> None:
    start = time.perf_counter()
    found = READERS[reader](path)
    seconds = time.perf_counter() - start
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, found)


def image(root: Path, layer: Path) -> None:
    """The layer as an image of a store, scanned twice."""
    settings = Settings(store=root / "store", cache=root / "cache")
    store = Store(settings.store)
    data = layer.read_bytes()
    plain = hashlib.sha256()
    for piece in compress.decompress(chunks(layer)):
        plain.update(piece)
    blob = store.put(data, f"{LAYER_TYPE}+gzip")
    diff_id = Digest("sha256:" + plain.hexdigest())
    store.tag("bench:1", _image(store, Slice(blob, diff_id)))
    for what in ("first", "again"):
        start = time.perf_counter()
        found = take("bench:1", settings, Reporter())
        print(f"  image, {what}: {time.perf_counter() - start:6.3f} s, {len(found.components)} components")


def _image(store: Store, layer: Slice) -> Descriptor:
    config = {
        "os": "linux",
        "architecture": "amd64",
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id]},
    }
    kind = "application/vnd.oci.image.{}.v1+json"
    stored = store.put(json.dumps(config).encode(), kind.format("config"))
    manifest = {"schemaVersion": 2, "config": stored.as_json(), "layers": [layer.blob.as_json()]}
    return store.put(json.dumps(manifest).encode(), kind.format("manifest"))


def main() -> None:
    if "--one" in sys.argv:
        one(sys.argv[-2], Path(sys.argv[-1]))
        return
    size = 200_000_000 if "--quick" in sys.argv else 1_000_000_000
    with tempfile.TemporaryDirectory() as name:
        paths = make(Path(name), size)
        raw = paths["plain"].stat().st_size
        print(f"a layer of {raw / 1e6:.0f} MB; MB/s are of plain bytes")
        for form, path in paths.items():
            for reader in READERS:
                if (reader, form) == ("tarfile", "zstd"):
                    continue  # this Python's tarfile does not know it
                seconds, memory, found = measured(reader, path)
                rate = raw / 1e6 / seconds
                print(
                    f"  {form:5} {reader:8} {seconds:6.2f} s {rate:6.0f} MB/s {memory:5.0f} MB {found:6} files"
                )
        image(Path(name), paths["gzip"])


if __name__ == "__main__":
    main()
