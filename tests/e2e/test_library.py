"""`from slipway import build, Image` in a program of its own, as the pyATS Image Builder's users write it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from tests.e2e.kit import Home, run
from tests.e2e.toys import toy_project
from tests.registry.conftest import login_registry  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.archive import Archive
    from tests.registry.real import RealRegistry

PROGRAM = """
import io, json, sys
import yaml
from slipway import Image, SlipwayError, build

recipe, remote, user, password = sys.argv[1:]
with open(recipe) as file:
    config = yaml.safe_load(file)
stream = io.StringIO()
image = build(config, tag="program:1", stream=stream)
told = image.inspect()
try:
    image.push(remote, credentials={"username": user, "password": "wrong"})
except SlipwayError as error:
    refused = [error.code, str(error)]
digest = image.push(remote, credentials={"username": user, "password": password})
again = Image(image.id, remote)
print(json.dumps([image.id, image.tag, again.tag, told["Digest"], digest, refused, stream.getvalue()]))
"""


def test_a_program(
    archive: Archive,
    own: Home,
    tmp_path: Path,
    login_registry: RealRegistry,  # noqa: F811 - the fixture
) -> None:
    home, recipe = toy_project(archive, own, tmp_path)
    name = f"{login_registry.host}/library/toy:1"
    argv = [str(recipe), name, login_registry.user, login_registry.password]
    done = run([sys.executable, "-c", PROGRAM, *argv], env=home.env, cwd=recipe.parent)
    values: list[Any] = json.loads(done.out)
    image_id, tag, again, digest, pushed, refused, log = values
    assert (tag, again, pushed) == ("program:1", name, digest)
    assert refused[0] == "fetch"
    assert "wrong" not in refused[1]
    assert "layer debian toys" in log
    assert done.err == ""
    by_command = home.build(recipe)
    # the same but for the last layer, which has the recipe as it was written
    manifests = [home.json_blob(d)["layers"] for d in (by_command["image"]["digest"], digest)]
    assert manifests[0][:-1] == manifests[1][:-1]
    assert by_command["id"] != image_id
    other = Home(tmp_path / "other", home.extra)
    config = login_registry.docker_config(tmp_path / "docker")
    pulled = other.with_(DOCKER_CONFIG=str(config)).slipway("image", "pull", name, "--json").last
    assert pulled["pulled"]["digest"] == digest
    other.check_clean()
    home.check_clean()
