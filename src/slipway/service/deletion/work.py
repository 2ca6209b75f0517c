"""What a task does with the objects of a record: the same from its beginning, after a crash, and when it is begun again.

Before each object the record is looked at: when it is not in the state any more that the task is for, somebody has asked for something
else meanwhile, whose own task follows, and this one ends where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from slipway.errors import InputError
from slipway.service.artifacts.manifest import MANIFEST, Artifact
from slipway.service.artifacts.model import MissingError, split
from slipway.service.deletion import manifests, states
from slipway.service.deletion.moves import PAUSES, Mover
from slipway.service.deletion.plans import Planner
from slipway.service.model import SYSTEM, Image, Link, Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from slipway.service.artifacts.model import Artifacts
    from slipway.service.deletion.model import Verb
    from slipway.service.deletion.states import Linked
    from slipway.service.model import State
    from slipway.service.records.store import Records
    from slipway.service.records.tx import Tx
    from slipway.service.settings import ServiceSettings
    from slipway.service.tasks.model import Data, Run

STATE: Final[dict[Verb, State]] = {"delete": "deleting", "undelete": "undeleting", "purge": "purging"}
_CLASSES: Final[dict[str, type[Recipe | Image]]] = {"recipe": Recipe, "image": Image}
_OVER: Final = "over"  # in a step's result: the record is in another state


class Worker:
    """`settled` is called after each change of a record."""

    def __init__(
        self,
        records: Records,
        artifacts: Artifacts,
        settings: ServiceSettings,
        settled: Callable[[], None],
        pauses: Sequence[float] = PAUSES,
    ) -> None:
        self._records = records
        self._artifacts = artifacts
        self._settings = settings
        self._settled = settled
        self._pauses = pauses

    def __call__(self, run: Run, argument: Data) -> Data:
        """Carry out `verb` for the record `id` of that `kind`; counts of objects, and `problem`, what was not as it should be."""
        task = _Task(self, run, argument)
        done = {"delete": task.delete, "undelete": task.undelete, "purge": task.purge}[argument["verb"]]()
        self._settled()
        return done


class _Task:
    def __init__(self, worker: Worker, run: Run, argument: Data) -> None:
        self.run = run
        self.records, self.artifacts, self.settings = worker._records, worker._artifacts, worker._settings  # noqa: SLF001
        self.mover = Mover(self.artifacts, run, worker._pauses)  # noqa: SLF001
        self.planner = Planner(self.records, self.artifacts, self.settings)
        self.kind = _CLASSES[argument["kind"]]
        self.id = str(argument["id"])
        self.state = STATE[cast("Verb", argument["verb"])]

    def delete(self) -> Data:
        plan = self.step("plan", self.planner.delete)
        moved = self.moves(plan)
        entries = plan.get("entries") if not plan.get("kept") else None
        if moved is None or _OVER in plan:
            return _over()
        if entries is not None:
            self.step("manifest", lambda record: self.write(record, entries, moved))
        self.step("finish", lambda record: self.finish(record, _deleted(plan, moved)))
        return _counts(plan, moved)

    def undelete(self) -> Data:
        plan = self.step("plan", self.planner.undelete)
        moved = self.moves(plan)
        if moved is None or _OVER in plan:
            return _over()
        restored = self.step("manifest", lambda record: self.restore(record, moved))
        if _OVER in restored:
            return _over()
        self.step(
            "finish", lambda record: self.finish(record, lambda now: states.undeleted(now, restored["etag"]))
        )
        return _counts(plan, moved)

    def purge(self) -> Data:
        plan = self.step("plan", self.planner.purge)
        count = 0
        for path in plan.get("paths", ()):
            done = self.step("remove", lambda _, path=path: {"moved": self.mover.remove(path)})  # type: ignore[misc]
            if _OVER in done:
                return _over()
            count += bool(done["moved"])
        self.step("finish", self.remove)
        return {"objects": count, "moved": count, "problem": ""}

    def moves(self, plan: Data) -> dict[str, Data] | None:
        """What came of each move, by the source; None when the task is over."""
        moved: dict[str, Data] = {}
        for source, target in plan.get("moves", ()):
            done = self.step("move", lambda _, a=source, b=target: self.move(a, b))  # type: ignore[misc]
            if _OVER in done:
                return None
            moved[source] = done
        return moved

    def move(self, source: str, target: str) -> Data:
        stat = self.mover.move(source, target)
        return {"moved": stat is not None, "target": target, "etag": stat.etag if stat else ""}

    def write(self, record: Linked, entries: list[list[str]], moved: dict[str, Data]) -> Data:
        home, link = record.home, record.link
        if home is None or link is None:
            return {}
        listed = [
            Artifact(Link(moved[path]["target"], moved[path]["etag"]), kind, md5)
            for kind, md5, path in entries
            if moved[path]["moved"]
        ]
        own = moved[home.path]
        manifest = Artifact(Link(own["target"], own["etag"]), MANIFEST)
        self.mover.patient(
            lambda: manifests.write_deleted(self.artifacts, link.path, listed, manifest, record.deleted)
        )
        return {}

    def restore(self, record: Linked, moved: dict[str, Data]) -> Data:
        """The manifest as it has to be, and no deleted one any more; the `etag` of the link, None when it is what it was."""
        link, home = record.link, record.home
        if link is None or home is None:
            return {"etag": None}
        if isinstance(record, Recipe):
            etag = moved[home.path]["etag"]
            return {"etag": etag if "-" in etag else None}
        etag = self.mover.patient(lambda: _restamped(self.artifacts, link.path, self.settings.manifest_limit))
        self.mover.patient(lambda: self.artifacts.delete(*split(home.path)))
        return {"etag": etag}

    def step(self, name: str, work: Callable[[Linked], Data]) -> Data:
        """A step of a task that is not over."""

        def whole() -> Data:
            record = self.mover.patient(self.record)
            return {_OVER: True} if record is None else self.mover.patient(lambda: work(record))

        return self.run.step(name, whole)

    def record(self) -> Linked | None:
        """The record, if it is in the state that the task is for."""
        for gone in (True, False):
            found = self.records.get(self.kind, self.id, gone=gone)
            if found is not None and found.state == self.state:
                return found
        return None

    def finish(self, _: Linked, change: Callable[[Linked], Linked]) -> Data:
        def work(tx: Tx) -> None:
            found = tx.get(self.kind, self.id)
            if found is not None and found.state == self.state:
                tx.replace(change(found), SYSTEM, "settled")

        self.records.write(work)
        return {}

    def remove(self, _: Linked) -> Data:
        def work(tx: Tx) -> None:
            found = tx.get(self.kind, self.id)
            if found is not None and found.state == self.state:
                tx.remove(found)

        self.records.write(work)
        return {}


def _deleted(plan: Data, moved: dict[str, Data]) -> Callable[[Linked], Linked]:
    def change(record: Linked) -> Linked:
        home, link = record.home, record.link
        if plan["kept"] or home is None or link is None:
            return states.deleted(record, None)
        etag = moved[home.path]["etag"] if isinstance(record, Recipe) else ""
        return states.deleted(record, Link(link.path, etag, link.type))

    return change


def _restamped(storage: Artifacts, path: str, limit: int) -> str | None:
    """A manifest that is not there or cannot be read stays as it is."""
    try:
        return manifests.restamp(storage, path, limit)
    except (MissingError, InputError):
        return None


def _counts(plan: Data, moved: dict[str, Data]) -> Data:
    missing = [source for source, done in moved.items() if not done["moved"]]
    problem = plan.get("kept") or (f"not there: {', '.join(missing)}" if missing else "")
    return {"objects": len(moved), "moved": len(moved) - len(missing), "problem": problem}


def _over() -> Data:
    return {"objects": 0, "moved": 0, "problem": "", _OVER: True}
