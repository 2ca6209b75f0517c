from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slipway.oci.fragment import Component, Fragment, FragmentCache
from slipway.oci.fragmentwriter import FragmentWriter
from slipway.python.model import PythonTarget
from slipway.python.overlap import Overlap, install_order, settle

TARGET = PythonTarget("3.13", "/usr/bin/python3", "amd64")


def fragment(
    cache: FragmentCache, name: str, files: dict[str, bytes], requires: tuple[str, ...] = ()
) -> Fragment:
    def fill(writer: FragmentWriter) -> dict[str, Any]:
        for path, data in files.items():
            writer.file(path, data)
        return {"requires": list(requires)}

    return cache.make(cache.key(name), Component("pypi", name, "1"), fill)


def test_last_installed_wins(cache: FragmentCache) -> None:
    fragments = [
        fragment(cache, "app", {"ns/__init__.py": b"app", "app.py": b""}, ("lib; python_version > '3'",)),
        fragment(cache, "lib", {"ns/__init__.py": b"lib", "same.py": b"1"}),
        fragment(cache, "alib", {"same.py": b"1"}),
    ]
    drops, overlaps = settle(fragments, TARGET)
    assert drops == {1: {"ns/__init__.py", "same.py"}}
    assert overlaps == [
        Overlap("ns/__init__.py", "app", ("lib",), same=False),
        Overlap("same.py", "alib", ("lib",), same=True),  # equals are installed from z to a
    ]


def test_nothing_shared(cache: FragmentCache) -> None:
    assert settle([fragment(cache, "a", {"a": b""}), fragment(cache, "b", {"b": b""})], TARGET) == ({}, [])


def test_markers_and_extras_decide_who_depends() -> None:
    requires = {
        "a": ["b; sys_platform == 'win32'", "z; extra == 'more'"],
        "b": [],
        "top": ["a[more]"],
        "z": ["c; extra == 'never'"],
        "c": [],
    }
    assert install_order(requires, TARGET) == ["z", "c", "b", "a", "top"]
    assert install_order({"a": ["z; extra == 'more'"], "z": []}, TARGET) == ["z", "a"]
    assert install_order({"z": ["a; extra == 'more'"], "a": []}, TARGET) == ["z", "a"]
    assert install_order({"z": ["a; extra == 'more'"], "a": []}, TARGET, ["z[more]"]) == ["a", "z"]


GRAPHS = st.integers(1, 7).flatmap(lambda n: st.lists(st.sets(st.integers(0, n - 1)), min_size=n, max_size=n))


@settings(deadline=None)  # the first example imports pip
@given(GRAPHS, st.data())
def test_same_order_as_pip(edges: list[set[int]], data: st.DataObject) -> None:
    """pip's own function is the reference; its graph is that of what one root asks for."""
    resolver = pytest.importorskip("pip._internal.resolution.resolvelib.resolver")
    structs = pytest.importorskip("pip._vendor.resolvelib.structs")
    names = [f"p{n}" for n in range(len(edges))]
    requires = {name: sorted(names[m] for m in edges[n] if m != n) for n, name in enumerate(names)}
    depended = {child for below in requires.values() for child in below}
    roots = sorted({*names} - depended) or names
    roots = sorted({*roots, *data.draw(st.sets(st.sampled_from(names)))})
    reached = set(roots)
    while more := {c for n in reached for c in requires[n]} - reached:
        reached |= more
    requires = {name: below for name, below in requires.items() if name in reached}
    graph = structs.DirectedGraph()
    graph.add(None)
    for name in requires:
        graph.add(name)
    for name, below in requires.items():
        for child in below:
            graph.connect(name, child)
    for root in roots:
        graph.connect(None, root)
    weights = resolver.get_topological_weights(graph, set(requires))
    theirs = sorted(requires, key=lambda name: (weights[name], name), reverse=True)
    assert install_order(requires, TARGET, roots) == theirs


def test_dense_cycles_end_soon() -> None:
    names = [f"p{n}" for n in range(30)]
    requires = {name: [other for other in names if other != name] for name in names}
    order = install_order(requires, TARGET)
    assert sorted(order) == sorted(names)
    assert order == install_order(dict(reversed(requires.items())), TARGET)
