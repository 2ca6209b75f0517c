from __future__ import annotations

import csv
import io
import stat
import zipfile
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slipway.errors import InputError
from slipway.oci import compress
from slipway.oci.fragment import Fragment, FragmentCache
from slipway.python import record, wheelzip
from slipway.python.keys import wheel_key
from slipway.python.model import Dist, PythonTarget
from slipway.python.wheel import wheel_fragment

from .conftest import WheelMaker, recorded

SITE = "pyats/lib/python3.13/site-packages"


def convert(
    made: tuple[Path, Dist], cache: FragmentCache, target: PythonTarget, *, requested: bool = False
) -> Fragment:
    path, dist = made
    return wheel_fragment(cache, path, dist, target, prefix="pyats", requested=requested)


def contents(fragment: Fragment) -> dict[str, bytes]:
    return {entry.path: data for entry, data in fragment.members()}


def test_plain_wheel(maker: WheelMaker, cache: FragmentCache, target: PythonTarget) -> None:
    maker.metadata = "Summary: A  demo\nLicense-Expression: MIT\nRequires-Python: >=3.9\nRequires-Dist: six; extra == 'x'\n"
    fragment = convert(maker.write(), cache, target)
    files = contents(fragment)
    assert set(files) == {
        f"{SITE}/demo/__init__.py",
        *(f"{SITE}/demo-1.0.dist-info/{name}" for name in ("INSTALLER", "METADATA", "RECORD", "WHEEL")),
    }
    assert files[f"{SITE}/demo-1.0.dist-info/INSTALLER"] == b"slipway\n"
    assert fragment.component.purl == "pkg:pypi/demo@1.0"
    assert fragment.extra == {
        "requires": ["six; extra == 'x'"],
        "requires_python": ">=3.9",
        "license": "MIT",
        "summary": "A demo",
        "scripts": [],
        "top_level": ["demo"],
        "size": sum(map(len, files.values())),
    }
    assert {e.mode for e in fragment.entries} == {0o644}
    assert len({e.mtime for e in fragment.entries}) == 1


def test_record_holds_every_file_with_its_hash(
    maker: WheelMaker, cache: FragmentCache, target: PythonTarget
) -> None:
    maker.entry_points = "[console_scripts]\nrun = demo:main\n"
    files = contents(convert(maker.write(), cache, target, requested=True))
    text = files[f"{SITE}/demo-1.0.dist-info/RECORD"].decode()
    rows = {row[0]: row[1:] for row in csv.reader(io.StringIO(text))}
    assert list(rows) == sorted(rows)
    assert rows.pop("demo-1.0.dist-info/RECORD") == ["", ""]
    assert "../../../bin/run" in rows
    assert rows["demo-1.0.dist-info/REQUESTED"][1] == "0"
    by_row = {path.removeprefix(f"{SITE}/"): data for path, data in files.items()}
    by_row["../../../bin/run"] = by_row.pop("pyats/bin/run")
    del by_row["demo-1.0.dist-info/RECORD"]
    assert rows == {path: [recorded(data), str(len(data))] for path, data in by_row.items()}


def test_data_schemes(maker: WheelMaker, cache: FragmentCache, target: PythonTarget) -> None:
    maker.files |= {
        "demo-1.0.data/purelib/pure.py": b"1",
        "demo-1.0.data/platlib/plat.py": b"2",
        "demo-1.0.data/headers/demo.h": b"3",
        "demo-1.0.data/data/share/man/demo.1": b"4",
        "demo-1.0.data/data/lib64/python3.13/site-packages/odd.py": b"5",
        "demo-1.0.data/scripts/tool": b"#!python -u\nprint()\n",
        "demo-1.0.data/scripts/other": b"#!/bin/sh\n",
    }
    fragment = convert(maker.write(), cache, target)
    files = contents(fragment)
    assert files[f"{SITE}/pure.py"] == b"1"
    assert files[f"{SITE}/plat.py"] == b"2"
    assert files["pyats/include/site/python3.13/demo/demo.h"] == b"3"
    assert files["pyats/share/man/demo.1"] == b"4"
    assert files[f"{SITE}/odd.py"] == b"5"
    assert files["pyats/bin/tool"] == b"#!/pyats/bin/python -u\nprint()\n"
    assert files["pyats/bin/other"] == b"#!/bin/sh\n"
    assert {e.path for e in fragment.entries if e.mode == 0o755} == {"pyats/bin/tool", "pyats/bin/other"}
    assert fragment.extra["scripts"] == ["other", "tool"]
    assert fragment.extra["top_level"] == ["demo", "odd", "plat", "pure"]


def test_launcher_wins_over_script(maker: WheelMaker, cache: FragmentCache, target: PythonTarget) -> None:
    maker.files["demo-1.0.data/scripts/run"] = b"#!python\nold\n"
    maker.entry_points = "[console_scripts]\nrun = demo:main\n"
    assert b"from demo import main" in contents(convert(maker.write(), cache, target))["pyats/bin/run"]


def test_large_and_executable_files(maker: WheelMaker, cache: FragmentCache, target: PythonTarget) -> None:
    library, program = bytes(3 << 20) + b"end", b"\x7fELF" + bytes(2 << 20)
    script = b"#!python\n" + b"#" * (2 << 20)
    maker.files |= {
        "demo/lib.so": library,
        "demo-1.0.data/scripts/program": program,
        "demo-1.0.data/scripts/script": script,
    }
    maker.modes["demo/lib.so"] = 0o755
    maker.record["demo/lib.so"] = recorded(library, "sha512")
    for packing in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        maker.packing = packing
        fragment = convert(maker.write(), cache, target)
        files = contents(fragment)
        assert files[f"{SITE}/demo/lib.so"] == library
        assert files["pyats/bin/program"] == program
        assert files["pyats/bin/script"] == script.replace(b"#!python", b"#!/pyats/bin/python")
        assert len([e for e in fragment.entries if e.mode == 0o755]) == 3


def test_bytes_do_not_depend_on_packing(
    maker: WheelMaker, tmp_path: Path, target: PythonTarget, cache: FragmentCache
) -> None:
    maker.files |= {f"demo/m{n}.py": b"y" * n for n in range(50)}
    path, dist = maker.write()
    first = wheel_fragment(cache, path, dist, target, prefix="pyats", requested=False)
    maker.files = dict(reversed(maker.files.items()))
    maker.packing = zipfile.ZIP_STORED
    path, _ = maker.write()
    other = FragmentCache(tmp_path / "other", compress.get("gzip"))
    second = wheel_fragment(other, path, dist, target, prefix="pyats", requested=False)
    assert first.digest == second.digest


def test_key_tells_apart_what_differs(maker: WheelMaker, cache: FragmentCache, target: PythonTarget) -> None:
    path, dist = maker.write()
    keys = {
        wheel_key(cache, dist, target, "pyats", False),
        wheel_key(cache, dist, target, "pyats", True),
        wheel_key(cache, dist, target, "workspace", False),
        wheel_key(cache, dist, PythonTarget("3.12", "/usr/bin/python3", "amd64"), "pyats", False),
        wheel_key(cache, Dist("demo", "1.0", dist.filename, dist.url, "0" * 64), target, "pyats", False),
    }
    assert len(keys) == 5
    assert convert((path, dist), cache, target).key in keys


def test_own_files_of_a_wheel_are_left_out(
    maker: WheelMaker, cache: FragmentCache, target: PythonTarget
) -> None:
    maker.files |= {
        f"{maker.info}/{name}": b"?" for name in ("INSTALLER", "REQUESTED", "RECORD.jws", "direct_url.json")
    }
    files = contents(convert(maker.write(), cache, target))
    assert not {f"{SITE}/{maker.info}/{n}" for n in ("REQUESTED", "RECORD.jws", "direct_url.json")} & set(
        files
    )
    assert files[f"{SITE}/{maker.info}/INSTALLER"] == b"slipway\n"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("", "no sound hash"),
        ("md5=abc", "no sound hash"),
        (recorded(b"other"), "not what its RECORD says"),
        (recorded(b"other", "sha512"), "not what its RECORD says"),
    ],
)
@pytest.mark.parametrize("path", ["demo/__init__.py", "demo-1.0.data/scripts/tool"])
def test_record_is_checked(
    maker: WheelMaker, cache: FragmentCache, target: PythonTarget, path: str, row: str, message: str
) -> None:
    maker.files["demo-1.0.data/scripts/tool"] = b"#!python\n"
    maker.record[path] = row
    with pytest.raises(InputError, match=message):
        convert(maker.write(), cache, target)
    assert not list(cache.root.rglob("*.json")), "nothing of it is kept"
    assert not list(cache.root.rglob("*.tar.*"))


HOSTILE = [
    "../evil.py",
    "demo/../../evil.py",
    "/etc/passwd",
    "demo//x.py",
    "./demo/x.py",
    "demo\\x.py",
    "demo/x\n.py",
    "demo/x\r.py",
    "demo-1.0.data/data/../../../x",
    "demo-1.0.data/scripts/../../x",
    "demo-1.0.data/nowhere/x",
    "demo-1.0.data/data/bin/python",
    "demo-1.0.data/scripts/python3",
    "demo-1.0.data/data/pyvenv.cfg",
    "demo-1.0.data/data/lib64",
    "demo-1.0.data/data/lib/python3.13",
    "demo-1.0.data/purelib/demo/__init__.py",
    "demo-1.0.data/purelib/demo",
    "demo-1.0.data/purelib/demo-1.0.dist-info/RECORD",
    "demo/__init__.py/x",
    "DEMO-1.0.DIST-INFO/RECORD",
    "other-1.0.dist-info/METADATA",
]


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_paths(maker: WheelMaker, cache: FragmentCache, target: PythonTarget, path: str) -> None:
    maker.files[path] = b"evil"
    with pytest.raises(InputError):
        convert(maker.write(), cache, target)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices(maker: WheelMaker, cache: FragmentCache, target: PythonTarget, kind: int) -> None:
    info = zipfile.ZipInfo("demo/link")
    info.external_attr = (kind | 0o777) << 16
    maker.record["demo/link"] = recorded(b"/etc/passwd")
    with pytest.raises(InputError, match="link or a device"):
        convert(maker.write((info, b"/etc/passwd")), cache, target)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_duplicate_names(maker: WheelMaker, cache: FragmentCache, target: PythonTarget) -> None:
    with pytest.raises(InputError, match="twice"):
        convert(maker.write((zipfile.ZipInfo("demo/__init__.py"), b"x = 2\n")), cache, target)


def patched(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))


@pytest.mark.parametrize("size", [100, 3 << 20])
@pytest.mark.parametrize("claim", [-1, 1])
@pytest.mark.parametrize("packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_size_lies(
    maker: WheelMaker, cache: FragmentCache, target: PythonTarget, size: int, claim: int, packing: int
) -> None:
    maker.files["demo/data.bin"] = bytes(range(100)) * (size // 100)
    real = len(maker.files["demo/data.bin"])
    maker.packing = packing
    path, dist = maker.write()
    with zipfile.ZipFile(path) as archive:
        packed = archive.getinfo("demo/data.bin").compress_size
    patched(
        path,
        packed.to_bytes(4, "little") + real.to_bytes(4, "little"),
        packed.to_bytes(4, "little") + (real + claim).to_bytes(4, "little"),
    )
    with pytest.raises(InputError):
        convert((path, dist), cache, target)


def test_bomb_is_refused_before_it_is_opened(
    maker: WheelMaker, cache: FragmentCache, target: PythonTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker.files["demo/zeros"] = bytes(4 << 20)
    monkeypatch.setattr(wheelzip, "MIN_BOMB", 1 << 20)
    with pytest.raises(InputError, match="would unpack"):
        convert(maker.write(), cache, target)
    monkeypatch.setattr(wheelzip, "MIN_BOMB", 1 << 30)
    monkeypatch.setattr(wheelzip, "MAX_UNPACKED", 1 << 20)
    with pytest.raises(InputError, match="would unpack"):
        convert(maker.write(), cache, target)


def test_huge_directory(
    maker: WheelMaker, cache: FragmentCache, target: PythonTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheelzip, "MAX_DIRECTORY", 200)
    with pytest.raises(InputError, match="too many files"):
        convert(maker.write(), cache, target)


def test_readers_that_would_disagree(maker: WheelMaker, cache: FragmentCache, target: PythonTarget) -> None:
    path, dist = maker.write()
    data = path.read_bytes()
    path.write_bytes(data.replace(b"demo/__init__.py", b"demo/__evil__.py", 1))  # the local header's name
    with pytest.raises(InputError, match="contradicts itself"):
        convert((path, dist), cache, target)


@given(st.data())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
def test_damage_is_an_input_error(
    maker: WheelMaker, tmp_path: Path, target: PythonTarget, data: st.DataObject
) -> None:
    """Any byte changed, any piece cut off: converted all the same, or refused; never another error."""
    maker.files["demo/big.py"] = b"pass\n" * 1000
    path, dist = maker.write()
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    if data.draw(st.booleans()):
        raw[at] ^= data.draw(st.integers(1, 255))
    else:
        del raw[at:]
    path.write_bytes(raw)
    cache = FragmentCache(tmp_path / str(hash(bytes(raw))), compress.get("gzip"))
    try:
        fragment = wheel_fragment(cache, path, dist, target, prefix="pyats", requested=False)
    except InputError:
        return
    assert contents(fragment)[f"{SITE}/demo/big.py"] == b"pass\n" * 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "other"}, "said to be"),
        ({"version": "2.0"}, "said to be"),
        ({"filename": "demo-1.0-cp312-cp312-linux_x86_64.whl"}, "not for Python 3.13"),
        ({"filename": "demo-1.0-py3-none-win_amd64.whl"}, "not for Python 3.13"),
        ({"filename": "demo.whl"}, "demo.whl"),
    ],
)
def test_wheel_is_what_was_asked_for(
    maker: WheelMaker, cache: FragmentCache, target: PythonTarget, change: dict[str, str], message: str
) -> None:
    path, dist = maker.write()
    wrong = Dist(**(asdict(dist) | change))
    with pytest.raises(InputError, match=message):
        convert((path, wrong), cache, target)


def test_unknown_format(maker: WheelMaker, cache: FragmentCache, target: PythonTarget) -> None:
    path, dist = maker.write()
    maker.files[f"{maker.info}/WHEEL"] = b""
    with zipfile.ZipFile(path) as archive:
        members = {i.filename: archive.read(i) for i in archive.infolist()}
    members[f"{maker.info}/WHEEL"] = b"Wheel-Version: 2.0\nTag: py3-none-any\n"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(InputError, match=r"2\.0"):
        convert((path, dist), cache, target)


def test_not_a_wheel(maker: WheelMaker, cache: FragmentCache, target: PythonTarget) -> None:
    path, dist = maker.write()
    for junk in (b"", b"PK", b"x" * 100_000, b"PK\x05\x06" + bytes(18)):
        path.write_bytes(junk)
        with pytest.raises(InputError):
            convert((path, dist), cache, target)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1)


@given(st.dictionaries(NAMES, st.tuples(st.binary(min_size=32, max_size=32), st.integers(0, 1 << 40))))
def test_record_survives_a_round_trip(rows: dict[str, tuple[bytes, int]]) -> None:
    rows.pop("own", None)
    text = record.render([(path, record.spell(h.hex()), size) for path, (h, size) in rows.items()], "own")
    assert record.parse(text, "test") == {
        **{path: record.spell(h.hex()) for path, (h, _) in rows.items()},
        "own": "",
    }


def test_record_with_two_opinions() -> None:
    with pytest.raises(InputError, match="two hashes"):
        record.parse(b"a,sha256=x,1\na,sha256=y,1\n", "test")
