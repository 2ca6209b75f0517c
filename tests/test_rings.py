"""The four rings: imports only inwards, so that values know nothing of disks, and the library nothing of its faces."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

import slipway

ROOT = Path(slipway.__file__).parent

# model: values, no I/O; plan: pure decisions; faces: what people and programs touch. All else is `run`.
MODEL = {
    "errors",
    "patterns",
    "events",
    "values",
    "recipe.model",
    "build.installation.model",
    "build.model",
    "build.steps.model",
    "distro.model",
    "python.model",
    "lock.model",
    "oci.digest",
    "oci.entry",
    "scan.model",
    "scan.history.changes",
    "scan.history.model",
    "scan.adapters.model",
    "scan.inventory.model",
    "scan.policy.model",
    "scan.source.model",
    "scan.source.pins.model",
    "service.model",
}
PLAN = {
    "build.installation.discovery",
    "build.installation.tem",
    "build.basepython",
    "build.decide",
    "build.config",
    "build.engines.dockerfile",
    "build.engines.runline",
    "build.engines.words",
    "build.steps.flags",
    "build.steps.keys",
    "build.steps.program",
    "build.steps.stack",
    "build.steps.words",
    "distro.candidate",
    "distro.deb822",
    "distro.explain",
    "distro.relation",
    "distro.selection",
    "distro.solve",
    "distro.universe",
    "distro.version",
    "oci.follow",
    "recipe.source",
    "scan.advisories",
    "scan.advisories.debian",
    "scan.advisories.debian.changelog",
    "scan.advisories.debian.packages",
    "scan.advisories.debian.support",
    "scan.advisories.fields",
    "scan.advisories.osv",
    "scan.advisories.osvseverity",
    "scan.classes",
    "scan.cvss",
    "scan.document",
    "scan.fingerprint",
    "scan.history.diff",
    "scan.history.packages",
    "scan.history.sparkline",
    "scan.history.tally",
    "scan.history.trend",
    "scan.imagename",
    "scan.inventory.osrelease",
    "scan.inventory.purl",
    "scan.inventory.words",
    "scan.merge",
    "scan.policy",
    "scan.policy.case",
    "scan.policy.document",
    "scan.policy.findings",
    "scan.policy.grace",
    "scan.policy.judge",
    "scan.policy.packages",
    "scan.policy.simple",
    "scan.policy.standing",
    "scan.policy.words",
    "scan.severity",
    "scan.source",
    "scan.source.fingerprints",
    "scan.source.globs",
    "scan.source.pins",
    "scan.source.pyrules",
    "scan.source.secretvalues",
    "scan.times",
    "scan.versions",
    "scan.versions.apk",
    "scan.versions.ecosystems",
    "scan.versions.incomparable",
    "scan.versions.order",
    "scan.versions.pep440",
    "scan.versions.ranges",
    "scan.versions.rpm",
    "scan.versions.semver",
    "scan.versions.vers",
    "service.artifacts.manifest",
    "service.ims.ages",
    "service.ims.fields",
    "service.ims.openapi_schemas",
    "service.ims.render",
    "service.ims.schemas",
}
FACES = ("cli", "pyats")


def ring(module: str) -> int:
    if module in MODEL:
        return 0
    if module in PLAN:
        return 1
    return 3 if module.partition(".")[0] in FACES else 2


@cache
def modules() -> dict[str, Path]:
    found = {}
    for path in ROOT.rglob("*.py"):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path
    return found


def imports(path: Path) -> set[str]:
    """What a module imports at run time from slipway (imports for type checkers only do not count)."""
    tree = ast.parse(path.read_text())
    guarded = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.unparse(block.test)
        for part in block.body
        for node in ast.walk(part)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in guarded:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "slipway":
            base = (node.module or "").removeprefix("slipway").lstrip(".")
            for alias in node.names:
                found.add(f"{base}.{alias.name}".lstrip("."))
                found.add(base)
    return {name for name in found if name in modules()}


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_point_inwards(name: str) -> None:
    outward = {other for other in imports(modules()[name]) if ring(other) > ring(name)}
    assert not outward, f"{name} (ring {ring(name)}) imports {outward}"


def test_the_library_never_prints_or_exits() -> None:
    for name, path in modules().items():
        if name.split(".")[0] in FACES:
            continue
        calls = [
            ast.unparse(n.func) for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)
        ]
        assert not {"print", "sys.exit", "exit"} & set(calls), name
