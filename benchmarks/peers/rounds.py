"""The measurement: every contender in turn does all cases of a recipe, round after round."""

from __future__ import annotations

import io
import re
import tarfile
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.peers.model import ADDED, TITLES, Content, Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.peers.meter import Group
    from benchmarks.peers.model import Case, Contender, Recipe
    from benchmarks.peers.registry import Registry

_QUICK = 5.0  # seconds: what takes less is done again, as it costs little and varies more
_AGAIN = 3
_TIMEOUT = 1800.0
_INFO = re.compile(r"/site-packages/([^/]+?)-([^/-]+)\.dist-info/METADATA$")
_RUNS = re.compile(r"[-_.]+")


class Failed(Exception):  # noqa: N818 - said to a person
    """A contender did not do what it was measured for."""


@dataclass(frozen=True, slots=True)
class Step:
    """One run; only the first of a recipe is cold."""

    case: Case
    content: Content


@dataclass(slots=True)
class Bench:
    """`address` is where files are served; `cases` are those to measure (cold always runs, as what comes before).

    `distributions` are the Python packages found in the finished images (`name version`), by recipe and contender.
    """

    registry: Registry
    address: str
    work: Path
    groups: Mapping[str, Group]
    cases: Sequence[Case]
    distributions: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def rounds(self, recipe: Recipe, contenders: Sequence[Contender], count: int) -> Iterator[Sample]:
        """All samples of a recipe; who begins changes from round to round. Who fails is in `failures` and out of it."""
        able = list(contenders)
        for number in range(count):
            turn = number % len(contenders)
            for contender in (*contenders[turn:], *contenders[:turn]):
                if contender not in able:
                    continue
                try:
                    yield from self._all_cases(recipe, contender, number)
                except Failed as failed:
                    able.remove(contender)
                    self.failures.append(str(failed))

    def _all_cases(self, recipe: Recipe, contender: Contender, number: int) -> Iterator[Sample]:
        self.registry.reset()
        contender.forget()
        tag = f"{self.registry.host}/bench/{contender.name}-{recipe.name}:latest"
        content = Content(
            recipe.packages,
            f"round {number}\n",
            tuple(f"{self.address}/file{n}.json" for n in range(recipe.urls)),
        )
        directory = self.work / "build" / contender.name / recipe.name
        directory.mkdir(parents=True, exist_ok=True)
        before = ""
        cases: list[Case] = ["cold", *(c for c in self.cases if c != "cold")]
        for case in cases:
            for again in range(1 if case == "cold" else _AGAIN):
                content = changed(content, recipe, case, again)
                contender.write(directory, content, tag)
                sample, digest = self._measured(recipe, contender, case, number, directory, tag)
                if case in ("file", "package") and digest == before:
                    raise Failed(f"{contender.title}: {TITLES[case]}, but the registry has the same image")
                before = digest
                yield sample
                if sample.cost.wall > _QUICK:
                    break
        found = self.distributions.setdefault(recipe.name, {})
        if contender.name not in found:
            found[contender.name] = look(self.registry, tag, content, f"{contender.title}, {recipe.name}")

    def _measured(
        self, recipe: Recipe, contender: Contender, case: Case, number: int, directory: Path, tag: str
    ) -> tuple[Sample, str]:
        log = self.work / "build" / contender.name / f"{recipe.name}.log"
        group = self.groups[contender.engine]
        time.sleep(0.2)  # what the run before left behind comes to rest
        status, cost = group.run(contender.command(directory, tag), log, _TIMEOUT)
        if status:
            raise Failed(
                f"{contender.title}, {recipe.name}, {TITLES[case]}: status {status}\n"
                + log.read_text(errors="replace")[-3000:]
            )
        digest, manifest = self.registry.manifest(tag)
        pushed = sum(blob["size"] for blob in manifest["layers"])
        return Sample(contender.name, recipe.name, case, number, cost, pushed), digest


def changed(content: Content, recipe: Recipe, case: Case, again: int) -> Content:
    """What is to be built next: `again` counts runs of the same case, each of which needs a change of its own."""
    if case == "file":
        return Content(content.packages, f"{content.note}changed {again}\n", content.urls)
    if case == "package":
        return Content((*recipe.packages, ADDED[again]), content.note, content.urls)
    return content


def look(registry: Registry, tag: str, content: Content, who: str) -> set[str]:
    """Read the image back from the registry: it must hold the note as it is now, the files and the packages' directories.

    The answer is what is installed in the workspace, as `name version`, without the packages that were added one by one.
    """
    wanted = {"pyats/note.txt", *(f"pyats/{url.rpartition('/')[2]}" for url in content.urls)}
    modules = {requirement.partition("[")[0] for requirement in content.packages}
    note = b""
    distributions: set[str] = set()
    repository = tag.removeprefix(f"{registry.host}/").rpartition(":")[0]
    _, manifest = registry.manifest(tag)
    for blob in manifest["layers"]:
        data = registry.read(f"/v2/{repository}/blobs/{blob['digest']}")
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for entry in archive:
                path = entry.name.removeprefix("./")
                wanted.discard(path)
                parts = path.split("/")
                if "site-packages" in parts[:-1]:
                    modules.discard(parts[parts.index("site-packages") + 1])
                if path.startswith("pyats/") and (info := _INFO.search(path)) and info[1] not in ADDED:
                    distributions.add(f"{_RUNS.sub('-', info[1]).lower()} {info[2]}")
                if path == "pyats/note.txt" and (file := archive.extractfile(entry)):
                    note = file.read()
    if wanted or modules or note != content.note.encode():
        raise Failed(f"{who}: the pushed image lacks {sorted(wanted | modules) or 'the last change'}")
    return distributions
