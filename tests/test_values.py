"""Values behave as frozen dataclasses do, whose reference implementation stands beside them here."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, dataclass, field, fields, replace
from typing import Any

import pytest

from slipway.values import value


@value
class Ours:
    """A value."""

    a: int
    b: str = "x"
    c: list[int] = field(default_factory=list)
    hidden: str = field(default="", repr=False)
    apart: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if self.a < 0:
            raise ValueError("negative")


@dataclass(frozen=True, slots=True)
class Theirs:
    a: int
    b: str = "x"
    c: list[int] = field(default_factory=list)
    hidden: str = field(default="", repr=False)
    apart: str = field(default="", compare=False)


MADE: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, "y"), {"hidden": "secret"}),
    ((), {"a": 1, "c": [2], "apart": "z"}),
]


@pytest.mark.parametrize(("args", "named"), MADE)
def test_as_a_dataclass(args: tuple[Any, ...], named: dict[str, Any]) -> None:
    ours, theirs = Ours(*args, **named), Theirs(*args, **named)
    assert asdict(ours) == asdict(theirs)
    assert repr(ours) == repr(theirs).replace("Theirs", "Ours")
    assert [f.name for f in fields(ours)] == [f.name for f in fields(theirs)]
    assert replace(ours, b="new") == Ours(ours.a, "new", ours.c, ours.hidden)


def test_equality_and_hash() -> None:
    assert Ours(1, apart="x") == Ours(1, apart="y")
    assert Ours(1) != Ours(2)
    other: Any = Theirs(1)
    assert Ours(1) != other
    assert Ours(1).c is not Ours(1).c

    @value
    class Key:
        a: int
        b: str = ""

    assert len({Key(1), Key(1, ""), Key(2)}) == 2


@pytest.mark.parametrize(
    ("args", "named"), [((), {}), ((1, "b", [], "", "", 6), {}), ((1,), {"a": 1}), ((1,), {"z": 1})]
)
def test_wrong_values(args: tuple[Any, ...], named: dict[str, Any]) -> None:
    for kind in (Ours, Theirs):
        with pytest.raises(TypeError):
            kind(*args, **named)


def test_frozen_and_checked() -> None:
    made = Ours(1)
    for name in ("a", "z"):
        with pytest.raises((FrozenInstanceError, AttributeError)):
            setattr(made, name, 2)
    with pytest.raises(FrozenInstanceError):
        del made.a
    with pytest.raises(ValueError, match="negative"):
        Ours(-1)
