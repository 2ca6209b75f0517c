"""Packages, wheels and base images that lie, climb or swell: refused with status 5, and nothing is written anywhere else."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import lzma
import stat
import struct
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.distro.debkit import ar, deb_bytes, folder, link, member, pack, tar
from tests.e2e.archive import recipe_for
from tests.e2e.kit import packages_in, write_recipe
from tests.images.making import Maker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.archive import Archive
    from tests.e2e.kit import Home

TOY = {"Package": "ball", "Version": "1.0", "Architecture": "amd64"}


@pytest.fixture
def at(archive: Archive, own: Home) -> Home:
    return archive.used_by(own)


# -- Debian packages ------------------------------------------------------------------------------------------------


def deb(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    return deb_bytes(members, TOY)


def with_data(data: bytes, name: str = "data.tar.xz") -> bytes:
    fields = "".join(f"{k}: {v}\n" for k, v in {**TOY, "Maintainer": "A <a@example.org>"}.items()).encode()
    control = pack(tar([folder("./"), member("./control", fields)]), "xz")
    return ar([("debian-binary", b"2.0\n"), ("control.tar.xz", control), (name, data)])


def swollen_header() -> bytes:
    info = tarfile.TarInfo("./usr/big")
    info.size = 1 << 40
    return lzma.compress(info.tobuf(tarfile.GNU_FORMAT) + b"a" * 4096, preset=0)


DEBS: dict[str, Callable[[], bytes]] = {
    "climbs": lambda: deb(member("./../../etc/evil", b"x")),
    "climbs-later": lambda: deb(folder("./usr"), member("./usr/../../evil", b"x")),
    "through-a-symlink": lambda: deb(folder("./usr"), link("./usr/x", "/etc"), member("./usr/x/evil", b"x")),
    "through-a-relative-symlink": lambda: deb(
        folder("./usr"), link("./usr/x", "../.."), member("./usr/x/evil", b"x")
    ),
    "symlink-then-directory": lambda: deb(link("./opt", "/tmp"), folder("./opt"), member("./opt/evil", b"x")),
    "hard-link-outside": lambda: deb(folder("./usr"), link("./usr/x", "../../etc/shadow", hard=True)),
    "hard-link-to-nothing": lambda: deb(folder("./usr"), link("./usr/x", "./etc/shadow", hard=True)),
    "swells": lambda: with_data(lzma.compress(bytes(160 << 20), preset=0)),
    "swells-in-gzip": lambda: with_data(gzip.compress(bytes(160 << 20), 9), "data.tar.gz"),
    "absurd-size": lambda: with_data(swollen_header()),
    "cut": lambda: with_data(lzma.compress(tar([member("./usr/x", b"1" * 100_000)]))[:-40]),
    "no-archive": lambda: b"PK\x03\x04 this is something else",
    "no-data": lambda: ar([("debian-binary", b"2.0\n"), ("control.tar.xz", pack(tar([folder("./")]), "xz"))]),
    "absurd-member": lambda: (
        b"!<arch>\n" + f"{'debian-binary':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{9999999999:<10}`\n".encode()
    ),
    "another-name": lambda: deb_bytes((), {**TOY, "Package": "bell"}),
    "another-version": lambda: deb_bytes((), {**TOY, "Version": "2.0"}),
}


@pytest.mark.parametrize("what", DEBS)
def test_a_package(archive: Archive, at: Home, tmp_path: Path, what: str) -> None:
    archive.add("ball", data=DEBS[what]())
    archive.publish()
    error = at.refuse(5, "build", write_recipe(tmp_path / "project", recipe_for("ball")))
    assert error["code"] == "input"
    assert "ball" in error["brief"]
    assert at.slipway("image", "ls", "--json").last["images"] == []


def test_a_package_with_a_line_break_in_a_name(archive: Archive, at: Home, tmp_path: Path) -> None:
    archive.add("ball", data=deb(folder("./usr"), member("./usr/a\n/usr/b", b"x")))
    archive.publish()
    at.refuse(5, "build", write_recipe(tmp_path / "project", recipe_for("ball")))


def test_a_package_with_a_path_twice(archive: Archive, at: Home, tmp_path: Path) -> None:
    archive.add("ball", data=deb(folder("./usr"), member("./usr/x", b"1"), member("./usr/x", b"2")))
    archive.publish()
    assert "ball" in at.refuse(5, "build", write_recipe(tmp_path / "project", recipe_for("ball")))["brief"]


def test_no_package_writes_the_database_of_packages(archive: Archive, at: Home, tmp_path: Path) -> None:
    archive.add(
        "ball",
        data=deb(member("./var/lib/dpkg/status", b"Package: x\nStatus: install ok installed\nVersion: 1\n")),
    )
    archive.publish()
    result = at.build(write_recipe(tmp_path / "project", recipe_for("ball")))
    assert packages_in(at, result) == {"ball=1.0", "rock=1.0"}


def test_two_packages_claim_a_file(archive: Archive, at: Home, tmp_path: Path) -> None:
    for name in ("ball", "bell"):
        archive.add(name, members=[folder("./usr"), member("./usr/same", name.encode())])
    archive.publish()
    error = at.refuse(5, "build", write_recipe(tmp_path / "project", recipe_for("ball", "bell")))
    assert {"ball", "bell", "usr/same"} <= set(
        error["brief"].replace("/usr", "usr").replace(":", " ").split()
    )


# -- wheels -----------------------------------------------------------------------------------------------------------


def hashed(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def metadata(name: str, version: str = "1.0") -> bytes:
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()


def wheel(
    *more: tuple[str, bytes],
    name: str = "demo",
    kinds: dict[str, int] | None = None,
    record: dict[str, str] | None = None,
    said: bytes = b"",
    packing: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A wheel; `kinds` gives members another file type, `record` rows another hash, `said` another METADATA."""
    info = f"{name}-1.0.dist-info"
    members = [
        ("demo_module.py", b"x = 1\n"),
        (f"{info}/METADATA", said or metadata(name)),
        (f"{info}/WHEEL", b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        *more,
    ]
    rows = {path: hashed(data) for path, data in members} | (record or {})
    text = "".join(f'"{path}",{digest},\n' for path, digest in rows.items()) + f"{info}/RECORD,,\n"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for path, data in [*members, (f"{info}/RECORD", text.encode())]:
            entry = zipfile.ZipInfo(path)
            entry.external_attr = ((kinds or {}).get(path, stat.S_IFREG) | 0o644) << 16
            archive.writestr(entry, data, packing)
    return out.getvalue()


def lying_about_size() -> bytes:
    """The directory says that a file has six bytes; a hundred million come out."""
    data = bytearray(wheel(("big.py", bytes(100_000_000))))
    at = data.rindex(b"big.py", 0, len(data)) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    struct.pack_into("<I", data, at + 24, 6)
    return bytes(data)


WHEELS: dict[str, Callable[[], bytes]] = {
    "climbs": lambda: wheel(("../../../../etc/evil", b"x")),
    "absolute": lambda: wheel(("/etc/evil", b"x")),
    "backslash": lambda: wheel(("..\\..\\evil", b"x")),
    "climbs-by-scheme": lambda: wheel(("demo-1.0.data/data/../../../../etc/evil", b"x")),
    "unknown-scheme": lambda: wheel(("demo-1.0.data/root/etc/evil", b"x")),
    "symlink": lambda: wheel(("evil", b"/etc"), kinds={"evil": stat.S_IFLNK}),
    "through-a-symlink": lambda: wheel(("a", b"/etc"), ("a/evil", b"x"), kinds={"a": stat.S_IFLNK}),
    "file-and-directory": lambda: wheel(("a", b"1"), ("a/b", b"2")),
    "swells": lambda: wheel(("zeros", bytes(400 << 20))),
    "lies-about-size": lying_about_size,
    "wrong-hash": lambda: wheel(record={"demo_module.py": hashed(b"y = 1\n")}),
    "another-name": lambda: wheel(said=metadata("other")),
    "another-version": lambda: wheel(said=metadata("demo", "2.0")),
    "no-archive": lambda: b"!<arch>\nsomething else",
    "cut": lambda: wheel()[:-30],
    "empty": lambda: b"",
    "script-name-climbs": lambda: wheel(
        ("demo-1.0.dist-info/entry_points.txt", b"[console_scripts]\n../../evil = demo_module:x\n")
    ),
    "script-code-escapes": lambda: wheel(
        (
            "demo-1.0.dist-info/entry_points.txt",
            b"[console_scripts]\nevil = demo_module:x\\nimport os; os.system('id')\n",
        )
    ),
    "dist-info-twice": lambda: wheel(("demo-1.1.dist-info/METADATA", metadata("demo", "1.1"))),
}


def index_of(archive: Archive, name: str, data: bytes) -> None:
    """A page of a simple index (PEP 503) with metadata beside the wheel (PEP 658), so that resolving opens no wheel."""
    filename = f"{name}-1.0-py3-none-any.whl"
    said = metadata(name)
    archive.server.add(f"/files/{filename}", data)
    archive.server.add(f"/files/{filename}.metadata", said)
    page = (
        f'<!DOCTYPE html><a href="/files/{filename}#sha256={hashlib.sha256(data).hexdigest()}" '
        f'data-core-metadata="sha256={hashlib.sha256(said).hexdigest()}">{filename}</a>'
    )
    archive.server.add(f"/simple/{name}/", page.encode(), headers={"Content-Type": "text/html"})


@pytest.fixture
def python(archive: Archive, at: Home, tmp_path: Path) -> Callable[[bytes], tuple[Home, Path]]:
    """Serves `demo` as an index would, in an image whose Python is a claim; gives the home and the recipe."""
    archive.add("python3-minimal", "3.13.5-1", depends="python3.13-minimal")
    archive.add(
        "python3.13-minimal",
        "3.13.5-2",
        members=[folder("./usr"), folder("./usr/bin"), member("./usr/bin/python3.13", b"")],
    )
    archive.add("libc6", "2.41-12")
    archive.publish()

    def serve(data: bytes) -> tuple[Home, Path]:
        index_of(archive, "demo", data)
        index_of(archive, "pip", wheel(name="pip"))
        text = recipe_for("python3-minimal", "libc6") + "packages: [demo]\n"
        place = at.with_(
            SLIPWAY_PYTHON_INDEX=archive.server.url("/simple/"),
            PIP_CONFIG_FILE="/dev/null",
            PIP_FIND_LINKS="",
        )
        return place, write_recipe(tmp_path / "project", text)

    return serve


def test_a_wheel_that_is_right(python: Callable[[bytes], tuple[Home, Path]]) -> None:
    place, recipe = python(wheel())
    place.build(recipe)
    place.check_clean()


@pytest.mark.parametrize("what", WHEELS)
def test_a_wheel(python: Callable[[bytes], tuple[Home, Path]], what: str) -> None:
    place, recipe = python(WHEELS[what]())
    error = place.refuse(5, "build", recipe)
    assert error["code"] == "input"
    assert "demo" in error["brief"]


def test_a_wheel_of_another_hash(archive: Archive, python: Callable[[bytes], tuple[Home, Path]]) -> None:
    place, recipe = python(wheel())
    archive.server.resources["/files/demo-1.0-py3-none-any.whl"].data = wheel(("more.py", b""))
    error = place.refuse(4, "build", recipe)
    assert error["code"] == "verify"
    assert "demo-1.0-py3-none-any.whl" in str(error)


# -- base images ------------------------------------------------------------------------------------------------------


BASES: dict[str, Callable[[Maker], object]] = {
    "climbs": lambda m: m.image(m.layer(member("../../etc/evil", b"x")), tag="base:latest"),
    "absolute-link": lambda m: m.image(
        m.layer(link("x", "/etc/shadow/../../../y", hard=True)), tag="base:latest"
    ),
    "not-gzip": lambda m: m.image(m.raw(b"", b"something else"), tag="base:latest"),
    "cut": lambda m: m.image(
        m.raw(b"", gzip.compress(tar([member("a", b"1" * 5000)]))[:-20]), tag="base:latest"
    ),
    "another-diff-id": lambda m: m.image(
        m.raw(tar([member("a", b"1")]), gzip.compress(tar([member("a", b"2")]))), tag="base:latest"
    ),
    "absurd-size": lambda m: m.image(
        m.raw(b"", gzip.compress(lzma.decompress(swollen_header()))), tag="base:latest"
    ),
}


@pytest.mark.parametrize("what", BASES)
def test_a_base_image(own: Home, tmp_path: Path, what: str) -> None:
    maker = Maker(tmp_path / "hostile")
    BASES[what](maker)
    recipe = write_recipe(
        tmp_path / "project", f"tag: x\nbase: oci:{maker.store.root}\nfiles: [image.yaml]\n"
    )
    error = own.refuse(5, "build", recipe)
    assert error["code"] == "input"


def test_a_base_image_with_a_damaged_blob(own: Home, tmp_path: Path) -> None:
    maker = Maker(tmp_path / "hostile")
    layer = maker.layer(member("a", b"1"))
    maker.image(layer, tag="base:latest")
    blob = maker.store.path(layer.blob.digest)
    blob.chmod(0o644)
    blob.write_bytes(maker.raw(tar([member("a", b"2")])).blob.digest.encode())
    recipe = write_recipe(tmp_path / "project", f"base: oci:{maker.store.root}\n")
    error = own.slipway("build", recipe, "--json", status=None)
    assert error.status in (4, 5), error
    own.check_clean()


def test_a_base_image_that_points_outside(own: Home, tmp_path: Path) -> None:
    maker = Maker(tmp_path / "hostile")
    maker.image(maker.layer(member("a", b"1")), tag="base:latest")
    index = maker.store.root / "index.json"
    data = json.loads(index.read_bytes())
    data["manifests"][0]["digest"] = "sha256:../../../../etc/passwd"
    index.write_text(json.dumps(data))
    recipe = write_recipe(tmp_path / "project", f"base: oci:{maker.store.root}\n")
    error = own.slipway("build", recipe, "--json", status=None)
    assert error.status in (4, 5, 6), error
    assert "root:" not in error.out
