from __future__ import annotations

from slipway.build.decide import Previous, changed_settings, decide, differences, previous_layers
from slipway.build.model import Action, LayerSpec, Part
from slipway.build.steps.keys import identity
from slipway.build.steps.model import Step
from slipway.errors import Where


def part(name: str, version: str = "1", kind: str = "pypi", key: str = "") -> Part:
    return Part(kind, name, version, key or f"{name}-{version}")


def layer(name: str, *parts: Part) -> LayerSpec:
    return LayerSpec(name, "|".join(p.key for p in parts), parts)


BASE = layer("base", part("libc6", "2.36", "deb"))
OLD = layer("python", part("requests", "2.32.3"), part("six"))
NEW = layer("python", part("requests", "2.32.4"), part("idna", "3.7"))


def before(*layers: LayerSpec) -> dict[str, Previous]:
    return {x.name: Previous(x.key, x.parts) for x in layers}


def plan(*layers: LayerSpec, have: tuple[LayerSpec, ...] = (), previous=None, no_cache=False) -> list[Action]:
    keys = {x.key for x in have}
    parts = {p.key for x in have for p in x.parts}
    return list(
        decide(
            layers,
            have_layer=keys.__contains__,
            have_part=parts.__contains__,
            previous=previous,
            no_cache=no_cache,
        )
    )


def test_a_first_build_makes_everything() -> None:
    actions = plan(BASE, OLD)
    assert [(a.kind, a.reason, a.parts, a.new_parts) for a in actions] == [
        ("assemble", "first build", 1, 1),
        ("assemble", "first build", 2, 2),
    ]


def test_nothing_changed() -> None:
    actions = plan(BASE, OLD, have=(BASE, OLD), previous=before(BASE, OLD))
    assert [(a.kind, a.reason) for a in actions] == [("reuse", "unchanged"), ("reuse", "unchanged")]


def test_a_changed_version_names_its_layer_and_no_other() -> None:
    base, python = plan(BASE, NEW, have=(BASE, OLD), previous=before(BASE, OLD))
    assert (base.kind, python.kind) == ("reuse", "assemble")
    assert python.reason == "+ idna 3.7, requests 2.32.3 → 2.32.4, - six 1"
    assert python.changes == ("+ idna 3.7", "requests 2.32.3 → 2.32.4", "- six 1")
    assert python.new_parts == 2


def test_going_back_reuses_what_is_in_the_store() -> None:
    (action,) = plan(OLD, have=(OLD, NEW), previous=before(NEW))
    assert (action.kind, action.reason) == ("reuse", "in the store from an earlier build")


def test_no_cache_makes_even_what_is_there() -> None:
    (action,) = plan(OLD, have=(OLD,), previous=before(OLD), no_cache=True)
    assert (action.kind, action.new_parts) == ("assemble", 2)


def test_a_collected_blob_is_the_reason() -> None:
    (action,) = plan(OLD, previous=before(OLD))
    assert (action.kind, action.reason) == ("assemble", "its blob is no longer in the store")


def test_new_and_dropped_layers() -> None:
    actions = plan(BASE, have=(BASE,), previous=before(BASE, OLD))
    assert (actions[-1].kind, actions[-1].layer) == ("drop", "python")
    (_, added) = plan(BASE, OLD, have=(BASE,), previous=before(BASE))
    assert added.reason == "new layer"


def test_generated_parts_are_named_only_when_nothing_else_is() -> None:
    state = part("system state", "", "generated", "s1")
    other = part("system state", "", "generated", "s2")
    assert differences([state], [other]) == ("system state changed",)
    (action,) = plan(layer("base", other), previous=before(layer("base", state)))
    assert action.reason == "system state changed"
    (action,) = plan(
        layer("base", part("x", "2"), other), previous=before(layer("base", part("x", "1"), state))
    )
    assert action.reason == "x 1 → 2"


def test_many_changes_are_counted() -> None:
    (action,) = plan(layer("python", *(part(f"p{i}") for i in range(9))), previous=before(layer("python")))
    assert action.reason.endswith("and 6 more")
    assert len(action.changes) == 9


def test_settings_of_the_image_are_an_action_of_their_own() -> None:
    assert changed_settings({"Env": ["A=1"], "User": "x"}, {"Env": ["A=2"], "Cmd": ["y"]}) == (
        "Cmd",
        "Env",
        "User",
    )
    assert changed_settings(None, {"Env": []}) == ()
    actions = decide(
        [BASE], have_layer=lambda _: True, have_part=lambda _: True, previous=before(BASE), settings=("Env",)
    )
    assert [(a.kind, a.reason) for a in actions] == [("reuse", "unchanged"), ("configure", "Env changed")]


def test_records_read_back() -> None:
    record = {"layers": [{"name": "python", "key": "k", "parts": [["pypi", "six", "1"]], "keys": ["x"]}]}
    assert previous_layers(record) == {"python": Previous("k", (Part("pypi", "six", "1", "x"),))}
    assert previous_layers(None) is None


def step(name: str, command: str, below: str) -> LayerSpec:
    made = Step(name, ("sh", "-c", command), (), f"RUN {command}", Where("a", 1))
    return LayerSpec(name, f"{below}|{command}", (), (below,), step=made)


def ran(*layers: LayerSpec) -> dict[str, Previous]:
    return {x.name: Previous(x.key, x.parts, identity(x.step) if x.step else "") for x in layers}


def test_why_a_command_is_run() -> None:
    one = step("post 1", "make", BASE.key)
    two = step("post 2", "x" * 100, one.key)
    (_, first, second) = plan(BASE, one, two, have=(BASE,))
    assert (first.kind, first.reason, first.changes) == ("run", "first build", ("RUN make",))
    changed = step("post 1", "make all", BASE.key)
    above = step("post 2", "x" * 100, changed.key)
    (_, first, second) = plan(BASE, changed, above, have=(BASE, one, two), previous=ran(BASE, one, two))
    assert (first.kind, first.reason) == ("run", "RUN make all changed")
    assert (second.kind, second.reason) == ("run", "a layer below changed: post 1")
    long = step("post 2", "y" * 100, one.key)
    (_, _, second) = plan(BASE, one, long, have=(BASE, one), previous=ran(BASE, one, two))
    assert second.reason == f"RUN {'y' * 55}… changed"
    (_, first, _) = plan(BASE, one, two, have=(BASE, two), previous=ran(BASE, one, two))
    assert first.reason == "its blob is no longer in the store"
    (_, first, _) = plan(BASE, one, two, have=(BASE, one, two), previous=ran(BASE, one, two), no_cache=True)
    assert (first.kind, first.reason) == ("run", "asked to use no cache")


def test_a_record_knows_what_was_run() -> None:
    rows = [{"name": "post 1", "key": "k", "parts": [], "keys": [], "step": "identity"}]
    assert previous_layers({"layers": rows}) == {"post 1": Previous("k", (), "identity")}
