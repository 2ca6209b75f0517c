"""The fragment of what an image says of its making in `$WORKSPACE/installation/`, as images of the pyATS Image Builder do.

    requirements/N-requirements.txt what was installed, in this order
    repos.json                      the commits of source trees
    jobfiles.txt                    {"jobs": [paths of pyATS jobs]}
    manifest.json                   the test executions that *.tem files describe

Its key is made of hashes that are known without any content, so an unchanged build reads nothing. There is no Dockerfile:
`slipway export-dockerfile` writes one. The recipe is in a fragment of its own (`slipway.build.installation.written`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slipway.build.installation.model import FOLDER
from slipway.oci.fragment import Component
from slipway.recipe.model import Discovery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.build.resolve import Inputs
    from slipway.events import Reporter
    from slipway.inputs.pinned import PinnedFile
    from slipway.oci.fragment import Fragment, FragmentCache
    from slipway.oci.fragmentwriter import FragmentWriter
    from slipway.recipe.model import Recipe

_VERSION = 1  # raise it when the same inputs give other files
_READ = (".py", ".tem", ".yaml")  # what may be a job, a manifest, or named by one


def key(cache: FragmentCache, inputs: Inputs) -> str:
    recipe = inputs.recipe
    return cache.key(
        FOLDER,
        _VERSION,
        recipe.workspace,
        recipe.snapshot,
        [r.text for r in recipe.packages],
        [_rules(rules) for rules in (recipe.requirements, recipe.jobfiles)],
        [(f.dest, f.sha256 if _is_read(f, recipe) else "") for f in inputs.files],
        [(r.dest, r.requirements) for r in recipe.repositories],
        [(r.dest, r.commit, r.heads, r.tags, r.remotes, r.tree.sha256) for r in inputs.repositories],
    )


def _is_read(file: PinnedFile, recipe: Recipe) -> bool:
    """Whether more than the path of a source may count."""
    return file.kind == "tree" or file.dest.lower().endswith(_READ) or recipe.requirements != Discovery()


def fragment(
    cache: FragmentCache, inputs: Inputs, sources: Sequence[Fragment], reporter: Reporter
) -> Fragment:
    """`sources` are the fragments of the recipe's files and repositories."""
    place = f"{inputs.recipe.workspace.strip('/')}/{FOLDER}"

    def fill(writer: FragmentWriter) -> None:
        writer.directory(place)
        for name, content in _files(inputs, sources, reporter).items():
            if "/" in name:
                writer.directory(f"{place}/{name.rpartition('/')[0]}")
            writer.file(f"{place}/{name}", content)

    return cache.make(key(cache, inputs), Component("generated", FOLDER), fill)


def _files(inputs: Inputs, sources: Sequence[Fragment], reporter: Reporter) -> dict[str, bytes]:
    """By path below the folder, sorted."""
    from slipway.build.installation import discovery, views
    from slipway.build.installation.localgit import local_repositories
    from slipway.build.installation.manifest import manifest
    from slipway.build.installation.repos import repositories
    from slipway.build.installation.requirements import numbered

    recipe = inputs.recipe
    view = views.of_fragments(sources, recipe.workspace.strip("/"))
    out = {f"requirements/{name}": content for name, content in numbered(recipe, view).items()}
    repos = repositories(recipe.workspace, [*local_repositories(view), *inputs.repositories])
    if repos:
        out["repos.json"] = _json(repos)
    rules = recipe.jobfiles
    named = discovery.found(
        view.files, Discovery(rules.match or discovery.JOB_NAMES, rules.glob, rules.paths)
    )
    if jobs := sorted({*named, *view.marked}):
        out["jobfiles.txt"] = _json({"jobs": [f"{recipe.workspace}/{path}" for path in jobs]})
    if found := manifest(view, recipe.workspace, repos, reporter):
        out["manifest.json"] = _json(found)
    return {name: out[name] for name in sorted(out)}


def _json(value: Any) -> bytes:
    return (json.dumps(value) + "\n").encode()


def _rules(rules: Discovery) -> tuple[tuple[str, ...], ...]:
    return rules.match, rules.glob, rules.paths
