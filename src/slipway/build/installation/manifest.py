"""`manifest.json`: the test executions that files `*.tem` of a workspace describe, with what their testbeds hold."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from slipway.build.installation.repos import repository_of
from slipway.build.installation.tem import Malformed, profiles, read_yaml, runtimes, testbed, worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from slipway.build.installation.views import View
    from slipway.events import Reporter

VERSION = 1
SUFFIX = ".tem"
# arguments whose files are looked into, and what of them a profile gets
_READERS = {
    "testbed-file": ("testbed_info", testbed),
    "logical-testbed-file": ("testbed_info", testbed),
    "clean-file": ("clean_info", worker),
}


def manifest(
    view: View, workspace: str, repositories: Iterable[str], reporter: Reporter
) -> dict[str, Any] | None:
    """The content of the file, its jobs sorted by path; None when there are none.

    `workspace` is absolute, `repositories` are paths in the image. What cannot be read is warned about and left out.
    """
    paths = [path for path in view.files if path.endswith(SUFFIX)]
    if not paths:
        return None
    known = list(repositories)
    jobs = []
    for path, content in view.read(paths).items():
        try:
            jobs.append(_job(content, f"{workspace}/{path}", known))
        except Malformed as problem:
            reporter.warn(f"{workspace}/{path} is not in the manifest: {problem}")
    _look_into(jobs, view, workspace, reporter)
    return {"version": VERSION, "jobs": jobs} if jobs else None


def _job(content: bytes, path: str, repositories: list[str]) -> dict[str, Any]:
    data = read_yaml(content)
    if not isinstance(data, dict):
        raise Malformed("it is empty" if data is None else "it is not a mapping")
    job = {
        key: value for key, value in data.items() if key not in ("type", "runtimes", "profiles", "arguments")
    }
    if not data.get("type"):
        raise Malformed("it has no `type`")
    job["file"] = path
    if repository := repository_of(path, repositories):
        job["repo_path"] = repository
    job["run_type"] = "manifest"
    job["job_type"] = data["type"]
    job["profiles"] = profiles(data)
    job["runtimes"] = runtimes(data)
    return job


def _look_into(jobs: list[dict[str, Any]], view: View, workspace: str, reporter: Reporter) -> None:
    """Add to the profiles what the files that they name hold."""
    wanted = [
        (job["file"], profile, argument, path)
        for job in jobs
        for profile in job["profiles"]
        for argument, path in _files(profile.get("arguments"), job["file"], workspace)
    ]
    contents = view.read({path for _, _, _, path in wanted if path in view.files})
    read: dict[str, Any] = {}
    for file, profile, argument, path in wanted:
        field, reader = _READERS[argument]
        try:
            if path not in contents:
                raise Malformed("there is no such file")
            if path not in read:
                read[path] = read_yaml(contents[path])
            if found := reader(read[path]):
                profile.setdefault(field, {}).update(found)
        except Malformed as problem:
            reporter.warn(f"{file}: {argument} {workspace}/{path} is passed over: {problem}")


def _files(arguments: object, manifest: str, workspace: str) -> Iterator[tuple[str, str]]:
    """The arguments that name YAML files of the workspace, and the paths of these in it."""
    given: Mapping[str, Any] = arguments if isinstance(arguments, dict) else {}
    for argument, value in given.items():
        if argument not in _READERS or not isinstance(value, str) or not value.lower().endswith(".yaml"):
            continue
        if value.startswith("$"):
            continue  # only a running job knows
        path = posixpath.normpath(posixpath.join(posixpath.dirname(manifest), value))
        if path.startswith(f"{workspace}/"):
            yield argument, path.removeprefix(f"{workspace}/")
