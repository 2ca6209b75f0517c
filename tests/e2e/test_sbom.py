"""Bills of materials of builds: attached, the same on every machine, pushed along, and quick."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from slipway.events import Reporter
from slipway.scan.inventory import take
from slipway.scan.sbom.read import read_sbom
from slipway.settings import Settings
from tests.e2e.kit import Home, packages_in, write_recipe
from tests.registry.conftest import registry

if TYPE_CHECKING:
    from pathlib import Path

    from tests.registry.real import RealRegistry

__all__ = ["registry"]

RECIPE = """\
tag: listed
base: {debian: bookworm, packages: [python3, python3-six]}
packages: [six]
"""


@pytest.mark.net
@pytest.mark.slow
def test_a_build_with_its_bill(tmp_path: Path, registry: RealRegistry) -> None:
    recipe = write_recipe(tmp_path / "recipe", RECIPE)
    one, other = Home(tmp_path / "one"), Home(tmp_path / "other")
    result = one.build(recipe, "--sbom", "--sbom=spdx")
    attached = result["attached"]
    assert [row["artifactType"] for row in attached] == [
        "application/vnd.cyclonedx+json",
        "application/spdx+json",
    ]
    assert {row["subject"] for row in attached} == {result["image"]["digest"]}
    assert other.build(recipe, "--sbom=spdx", "--sbom=cyclonedx")["attached"] == attached[::-1]

    settings = Settings(store=one.store, cache=one.cache)
    wanted = take("listed", settings, Reporter())
    for form in ("cyclonedx", "spdx"):
        path = tmp_path / f"x.{form}"
        one.slipway("image", "referrers", "listed", "--fetch", form, "--output", path)
        found = read_sbom(path)
        assert found.components == wanted.components
        assert (found.system, found.created) == (wanted.system, wanted.created)
        debs = {f"{c.name}={c.version}" for c in found.components if c.kind == "deb"}
        assert debs == packages_in(one, result)

    again = one.build(recipe, "--sbom")
    assert {row["action"] for row in again["layers"]} == {"reuse"}
    assert again["attached"] == attached[:1]

    tag = f"{registry.host}/e2e/listed:1"
    one.build(recipe, "--sbom", "--tag", tag, "--push")
    listed = json.loads(one.slipway("image", "referrers", f"registry:{tag}", "--json").out.splitlines()[-1])
    assert {row["digest"] for row in listed["referrers"]} == {row["digest"] for row in attached}
