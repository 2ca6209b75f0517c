from __future__ import annotations

import pytest
from packaging.tags import Tag, sys_tags

from slipway.errors import UsageError
from slipway.python import tags
from slipway.python.model import PythonTarget


def target(
    version: str = "3.13", arch: str = "amd64", glibc: tuple[int, int] | None = (2, 36)
) -> PythonTarget:
    return PythonTarget(version, "/usr/bin/python3", arch, glibc)


def test_same_tags_as_this_machine(host: PythonTarget) -> None:
    """The reference computes them for the interpreter that runs it; ours are for any, so also for this one."""
    ours = tags.of_target(host)
    assert sorted(ours, key=ours.__getitem__) == list(sys_tags())


def test_ranks() -> None:
    ranks = tags.of_target(target())
    wanted = [
        Tag("cp313", "cp313", "manylinux_2_36_x86_64"),
        Tag("cp313", "cp313", "manylinux_2_17_x86_64"),
        Tag("cp313", "cp313", "manylinux2014_x86_64"),
        Tag("cp313", "abi3", "manylinux_2_36_x86_64"),
        Tag("cp39", "abi3", "manylinux_2_5_x86_64"),
        Tag("py3", "none", "manylinux1_x86_64"),
        Tag("py3", "none", "any"),
    ]
    found = [ranks[tag] for tag in wanted]
    assert found == sorted(found)
    assert Tag("cp313", "cp313", "manylinux_2_37_x86_64") not in ranks
    assert Tag("cp312", "cp312", "manylinux_2_17_x86_64") not in ranks
    assert Tag("cp313", "cp313t", "manylinux_2_17_x86_64") not in ranks
    arm = tags.of_target(target(arch="arm64"))
    assert Tag("cp313", "cp313", "manylinux2014_aarch64") in arm
    assert not any("x86_64" in t.platform or "2_16" in t.platform for t in arm)


def test_best_wheel() -> None:
    ranks = tags.of_target(target())
    files = [
        "demo-1.0-py3-none-any.whl",
        "demo-1.0-cp39-abi3-manylinux_2_17_x86_64.whl",
        "demo-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "demo-1.0-cp313-cp313-manylinux_2_38_x86_64.whl",
        "demo-1.0-cp313-cp313-musllinux_1_2_x86_64.whl",
        "not a wheel",
    ]
    assert tags.best(files, ranks) == files[2]
    assert tags.best(files[:2], ranks) == files[1]
    assert tags.best(files[3:], ranks) is None
    assert tags.best(
        ["d-1-1-py3-none-any.whl", "d-1-10-py3-none-any.whl", "d-1-2-py3-none-any.whl"], ranks
    ) == ("d-1-10-py3-none-any.whl")


@pytest.mark.parametrize(
    ("glibc", "name"),
    [
        ((2, 36), "2_36"),
        ((2, 41), "2_40"),
        ((2, 30), "2_28"),
        ((2, 17), "2_17"),
        ((2, 5), "2_17"),
        (None, "2_17"),
    ],
)
def test_platform_for_uv(glibc: tuple[int, int] | None, name: str) -> None:
    assert tags.uv_platform(target(glibc=glibc)) == f"x86_64-manylinux_{name}"


def test_target() -> None:
    t = target("3.13")
    assert (t.tag, t.short, t.full, t.machine) == ("cp313", "3.13", "3.13.0", "x86_64")
    assert t.site_packages("pyats") == "pyats/lib/python3.13/site-packages"
    assert target("3.9.2").full == "3.9.2"
    for wrong in ("2.7", "3", "3.x", "3.13.1.1", "3.13\n"):
        with pytest.raises(UsageError):
            target(wrong)
    with pytest.raises(UsageError, match="riscv64"):
        target(arch="riscv64")
