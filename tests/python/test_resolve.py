"""Resolving against small indexes that the tests make; the real one is asked in test_install."""

from __future__ import annotations

import base64
import json
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from slipway.build.pythonparts import Making
from slipway.build.resolve import Inputs
from slipway.errors import FetchError, NotYetError, RecipeError, ResolveError, SlipwayError, Where
from slipway.events import Event, Note, Reporter
from slipway.python import explain, pylock
from slipway.python import index as indexes
from slipway.python.ahead import Ahead
from slipway.python.fetch import fetch
from slipway.python.model import Dist, PythonResolution, PythonTarget
from slipway.python.reqfile import gather
from slipway.python.request import Request, prepare
from slipway.python.requirement import Place, Wanted
from slipway.python.resolve import ask, resolve_python
from slipway.python.sources import without_workspace
from slipway.recipe.model import Platform, Recipe, Requirement, ScratchBase
from slipway.settings import Settings

from .conftest import WheelMaker


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A directory of wheels: pip 1.0, app 1.0 and 2.0 (needs lib<2), lib 1.0 and 2.0, native (three machines)."""
    folder = tmp_path / "wheels"
    folder.mkdir()

    def make(name: str, version: str, requires: str = "", tag: str = "py3-none-any") -> None:
        metadata = f"Requires-Dist: {requires}\n" if requires else ""
        WheelMaker(
            folder, name, version, tag, {f"{name}/__init__.py": version.encode()}, metadata=metadata
        ).write()

    make("pip", "1.0")
    make("app", "1.0")
    make("app", "2.0", "lib<2")
    make("lib", "1.0")
    make("lib", "2.0")
    for tag in ("cp313-cp313-manylinux_2_17_x86_64", "cp313-cp313-manylinux_2_17_aarch64", "py3-none-any"):
        make("native", "1.0", tag=tag)
    make("windows", "1.0", tag="cp313-cp313-win_amd64")
    return folder


def config(wheels: Path) -> str:
    return f"[global]\nno-index = true\nfind-links = {wheels}\n"


def wanted(*texts: str) -> list[Requirement]:
    return [Requirement(text, Where("image.yaml", line, 5)) for line, text in enumerate(texts, 3)]


def lines(*texts: str) -> list[Wanted]:
    return [Wanted(r.text, r.where, Place("machine"), said=r.text) for r in wanted(*texts)]


def resolve(
    wheels: Path,
    settings: Settings,
    target: PythonTarget,
    *texts: str,
    now: float = 0.0,
    refresh: bool = False,
) -> PythonResolution:
    return resolve_python(
        wanted(*texts), target, settings, Reporter(), pip_config=config(wheels), now=now, refresh=refresh
    )


def test_answer(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    found = resolve(
        wheels, settings, target, "App  # the newest", "native>=1", "lib; sys_platform == 'win32'"
    )
    assert [(d.name, d.version) for d in found.dists] == [
        ("app", "2.0"),
        ("lib", "1.0"),
        ("native", "1.0"),
        ("pip", "1.0"),
    ]
    assert found.requested == ("app", "native", "pip")
    assert found.dists[2].filename == "native-1.0-cp313-cp313-manylinux_2_17_x86_64.whl"
    assert tomllib.loads(found.pylock)["lock-version"] == "1.0"
    assert PythonResolution.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_a_package_is_not_taken_back_for_what_it_depends_on(
    wheels: Path, settings: Settings, target: PythonTarget
) -> None:
    """uv meets lib before app, takes lib 2.0, and would then look for an old app that can live with it."""
    for name, requires in (("first", "lib"), ("second", "app")):
        WheelMaker(
            wheels, name, "1.0", files={f"{name}/__init__.py": b""}, metadata=f"Requires-Dist: {requires}\n"
        ).write()
    found = resolve(wheels, settings, target, "first", "second")
    assert {d.name: d.version for d in found.dists if d.name in ("app", "lib")} == {
        "app": "2.0",
        "lib": "1.0",
    }


def test_a_package_is_taken_back_for_what_was_asked_for(
    wheels: Path, settings: Settings, target: PythonTarget
) -> None:
    found = resolve(wheels, settings, target, "lib>=2", "app")
    assert {d.name: d.version for d in found.dists if d.name in ("app", "lib")} == {
        "app": "1.0",
        "lib": "2.0",
    }


def test_other_machine(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    arm = PythonTarget("3.13", "/usr/bin/python3", "arm64", (2, 36))
    found = resolve(wheels, settings, arm, "native")
    assert found.dists[0].filename == "native-1.0-cp313-cp313-manylinux_2_17_aarch64.whl"
    old = PythonTarget("3.12", "/usr/bin/python3", "arm64", (2, 36))
    assert resolve(wheels, settings, old, "native").dists[0].filename == "native-1.0-py3-none-any.whl"


def test_pinned_pip_is_not_asked_for_twice(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    with pytest.raises(ResolveError, match="no set of Python packages"):
        resolve(wheels, settings, target, "pip==2.0")


def test_remembered(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    first = resolve(wheels, settings, target, "app", now=1000)
    (wheels / "app-2.0-py3-none-any.whl").unlink()
    assert resolve(wheels, settings, target, "app", now=1000 + settings.max_age - 1) == first
    later = resolve(wheels, settings, target, "app", now=1000 + settings.max_age)
    assert later.dists[0].version == "1.0"
    (wheels / "app-1.0-py3-none-any.whl").unlink()
    assert resolve(wheels, settings, target, "app", now=1001 + settings.max_age) == later
    with pytest.raises(ResolveError):
        resolve(wheels, settings, target, "app", now=1001 + settings.max_age, refresh=True)
    with pytest.raises(ResolveError):
        resolve(wheels, settings.with_(max_age=0), target, "app", now=1001)


def test_damaged_memory_is_made_again(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    first = resolve(wheels, settings, target, "app")
    (memory,) = (settings.cache / "resolved").iterdir()
    for junk in ("[]", '{"time": 0, "resolution": {}}'):
        memory.write_text(junk)
        assert resolve(wheels, settings, target, "app") == first


def test_conflict_names_the_lines(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    with pytest.raises(ResolveError) as caught:
        resolve(wheels, settings, target, "app==2.0", "lib==2.0", "native")
    error = caught.value
    assert "Python 3.13 on amd64" in error.brief
    assert "image.yaml:3:5: app==2.0" in error.details
    assert "image.yaml:4:5: lib==2.0" in error.details
    assert "native" not in error.details
    assert error.where is None


def test_unknown_package(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    with pytest.raises(ResolveError, match="there is no package named no-such-thing") as caught:
        resolve(wheels, settings, target, "app", "No_Such.Thing>1")
    assert caught.value.where == Where("image.yaml", 4, 5)


def test_no_file_for_the_platform(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    with pytest.raises(ResolveError) as caught:
        resolve(wheels, settings, target, "windows")
    assert "win_amd64" in caught.value.details
    assert caught.value.where == Where("image.yaml", 3, 5)


def test_lines_that_are_no_requirements(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    with pytest.raises(RecipeError) as caught:
        resolve(wheels, settings, target, "app", "lib=!1", "a b")
    assert [p.where.line for p in caught.value.problems] == [4, 5]
    for text in ("-r other.txt", "./local", "$WORKSPACE/x"):
        with pytest.raises(RecipeError, match="is not in the workspace") as later:
            resolve(wheels, settings, target, text)
        assert later.value.where == Where("image.yaml", 3, 5)


def test_archive_by_url(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    url = (wheels / "lib-1.0-py3-none-any.whl").as_uri()
    found = resolve(wheels, settings, target, f"lib @ {url}")
    assert (found.dists[0].filename, found.dists[0].url) == ("lib-1.0-py3-none-any.whl", url)


def test_fetched(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    found = resolve(wheels, settings, target, "app")
    paths = dict(fetch(found, settings, Reporter(), pip_config=config(wheels)))
    assert {name: path.read_bytes() for name, path in paths.items()} == {
        d.name: (wheels / d.filename).read_bytes() for d in found.dists
    }
    assert [name for name, _ in fetch(found, settings, Reporter(), only=("lib",))] == ["lib"]


class Server(ThreadingHTTPServer):
    """A simple index (PEP 503) over a directory, which wants a login."""

    def __init__(self, wheels: Path) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.wheels = wheels
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        login = base64.b64encode(b"joe:hunter22").decode()
        if self.headers.get("Authorization") != f"Basic {login}":
            return self.answer(401, b"")
        self.server.asked.append(self.path)
        name = self.path.strip("/").rpartition("/")[2]
        if name.endswith(".whl"):
            return self.answer(200, (self.server.wheels / name).read_bytes())
        files = sorted(self.server.wheels.glob(f"{name}-*.whl"))
        dists = [WheelMaker(self.server.wheels).dist(p) for p in files]
        links = [
            f'<a href="/f/{p.name}#sha256={d.sha256}">{p.name}</a>' for p, d in zip(files, dists, strict=True)
        ]
        return self.answer(200 if files else 404, "\n".join(links).encode())

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Basic realm=index")
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(wheels: Path) -> Iterator[Server]:
    with Server(wheels) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def test_login_is_used_and_never_kept(
    server: Server, settings: Settings, target: PythonTarget, tmp_path: Path
) -> None:
    settings = settings.with_(cache=tmp_path / "own")
    pip_config = f"[global]\nindex-url = http://joe:hunter22@{server.address}/simple\n"
    events: list[Event] = []
    reporter = Reporter(events.append)
    found = resolve_python(wanted("app"), target, settings, reporter, pip_config=pip_config)
    assert found.dists[0].url == f"http://{server.address}/f/app-2.0-py3-none-any.whl"
    paths = dict(fetch(found, settings, reporter, pip_config=pip_config))
    assert len(paths) == 3
    with pytest.raises(ResolveError) as caught:
        resolve_python(wanted("app==9"), target, settings, reporter, pip_config=pip_config)
    said = [str(found.as_dict()), str(events), str(caught.value.as_dict())]
    kept = [p.read_bytes() for p in settings.cache.rglob("*") if p.is_file()]
    assert not any("hunter22" in text for text in said)
    assert not any(b"hunter22" in data for data in kept)


def test_an_index_of_a_requirement_file(
    server: Server, settings: Settings, target: PythonTarget, tmp_path: Path
) -> None:
    """Its login is used for what comes from there, now and when the files are fetched, and never kept."""
    settings = settings.with_(cache=tmp_path / "own")
    listed = tmp_path / "listed.txt"
    listed.write_text(f"--index-url http://joe:hunter22@{server.address}/simple\napp\n")
    events: list[Event] = []
    reporter = Reporter(events.append)
    found = resolve_python(wanted(f"-r {listed}"), target, settings, reporter)
    assert [d.name for d in found.dists] == ["app", "lib", "pip"]
    assert found.roots == ("app",)
    recipe = Recipe(tmp_path / "image.yaml", tmp_path, "", ScratchBase(), packages=(*wanted(f"-r {listed}"),))
    inputs = Inputs(recipe, Platform("amd64"), None, None, found, target, ())
    making = Making(inputs, settings, reporter, lambda: pytest.fail("nothing is compiled"))
    assert len(dict(fetch(found, settings, reporter, making=making))) == 3
    kept = [p.read_bytes() for p in settings.cache.rglob("*") if p.is_file()]
    assert not any(b"hunter22" in data for data in kept)
    assert "hunter22" not in str(events) + str(found.as_dict())


def test_what_uv_looks_at_is_fetched_meanwhile(
    server: Server, settings: Settings, target: PythonTarget, tmp_path: Path
) -> None:
    """With a login, which is neither kept nor told."""
    settings = settings.with_(cache=tmp_path / "own")
    pip_config = f"[global]\nindex-url = http://joe:hunter22@{server.address}/simple\n"
    made: list[Dist] = []
    events: list[Event] = []
    with Ahead(lambda dist, *_: made.append(dist), settings, Reporter(events.append)) as ahead:
        found = resolve_python(
            wanted("app", "lib"), target, settings, Reporter(), pip_config=pip_config, fetch=True, ahead=ahead
        )
        assert all(ahead.under_way(dist) for dist in found.dists if dist.name != "lib")
        ahead.converted()
        plain = resolve_python(
            wanted("app", "lib"), target, settings, Reporter(), pip_config=pip_config, refresh=True
        )
        with pytest.raises(ResolveError) as caught:
            resolve_python(wanted("app==9"), target, settings, Reporter(), pip_config=pip_config, ahead=ahead)
    assert "DEBUG" not in caught.value.details
    assert plain == found
    chosen = {d.name: d for d in found.dists}
    assert {d.name: d for d in made if d.name != "lib"} == {n: d for n, d in chosen.items() if n != "lib"}
    kept = [p.read_bytes() for p in settings.cache.rglob("*") if p.is_file()]
    assert not any(b"hunter22" in data for data in kept)
    assert "hunter22" not in str((made, events))


def test_an_answer_is_taken_for_the_same_question_only(
    wheels: Path, settings: Settings, target: PythonTarget
) -> None:
    index = indexes.load(settings, Reporter(), config(wheels))
    sources = without_workspace(settings, Reporter())

    def request(target: PythonTarget, *texts: str) -> Request:
        asked = gather(wanted(*texts), (), sources.places, settings)
        return prepare(asked, target, index, sources, settings)

    answer = ask(request(target, "native"), target, settings, Reporter())
    (wheels / "native-1.0-cp313-cp313-manylinux_2_17_x86_64.whl").unlink()

    def files(target: PythonTarget, *texts: str) -> list[str]:
        found = resolve_python(
            wanted(*texts),
            target,
            settings,
            Reporter(),
            pip_config=config(wheels),
            answer=answer,
            refresh=True,
        )
        return [dist.filename for dist in found.dists]

    pip = "pip-1.0-py3-none-any.whl"
    older = PythonTarget("3.13.4", target.executable, target.arch, target.glibc)
    elsewhere = PythonTarget(target.version, "/opt/python", target.arch, target.glibc)
    arm = PythonTarget(target.version, target.executable, "arm64", target.glibc)
    taken, anew = (
        ["native-1.0-cp313-cp313-manylinux_2_17_x86_64.whl", pip],
        ["native-1.0-py3-none-any.whl", pip],
    )
    assert files(target, "native") == files(elsewhere, "native") == taken
    assert files(older, "native") == files(target, "native>=1") == anew
    assert files(arm, "native") == ["native-1.0-cp313-cp313-manylinux_2_17_aarch64.whl", pip]


def test_index_is_asked_for_what_is_new_only(
    server: Server, settings: Settings, target: PythonTarget, tmp_path: Path
) -> None:
    """Whatever the index says of its answers' age: ours is the rule."""
    settings = settings.with_(cache=tmp_path / "own")
    pip_config = f"[global]\nindex-url = http://joe:hunter22@{server.address}/simple\n"

    def ask(text: str, *, refresh: bool = False) -> set[str]:
        server.asked.clear()
        resolve_python(
            wanted(text), target, settings, Reporter(), pip_config=pip_config, refresh=refresh, fetch=True
        )
        return {path for path in server.asked if path.startswith("/simple/")}

    assert {"/simple/lib/", "/simple/pip/"} <= ask("lib")
    assert ask("app") == {"/simple/app/"}
    assert ask("app", refresh=True) == {"/simple/app/", "/simple/lib/", "/simple/pip/"}
    settings = settings.with_(max_age=0)
    assert ask("app") == {"/simple/app/", "/simple/lib/", "/simple/pip/"}


def test_login_is_missing(server: Server, settings: Settings, target: PythonTarget) -> None:
    for login in ("", "joe:wrong22@"):
        pip_config = f"[global]\nindex-url = http://{login}{server.address}/simple\n"
        with pytest.raises(FetchError, match="wants a login") as caught:
            resolve_python(wanted("app"), target, settings, Reporter(), pip_config=pip_config)
        assert "wrong22" not in str(caught.value.as_dict())


def test_index_out_of_reach(settings: Settings, target: PythonTarget) -> None:
    """In uv's words, since it takes its time before it gives up."""
    stderr = (
        "warning: The requested Python version 3.13 is not available\n"
        "error: Request failed after 3 retries in 6.8s\n"
        "  cause: Failed to fetch: http://index.example/simple/app/\n"
        "  cause: dns error\n"
    )
    error = explain.explain(stderr, {"app": lines("app")}, target)
    assert isinstance(error, FetchError)
    assert error.details.splitlines()[0] == "Request failed after 3 retries in 6.8s"


def test_failed_build_and_hints_about_options(target: PythonTarget) -> None:
    error = explain.explain("error: Failed to build `app==1.0`\n  cause: boom\n", {}, target)
    assert isinstance(error, ResolveError)
    assert "app==1.0" in error.brief
    error = explain.explain(
        "error: No solution found\n  cause: Because app<=2 depends on Python>=3.99\n\n"
        "hint: The `--python-version` value (>=3.13) is too low\n  for it\n\nhint: Wheels are available for `app`\n",
        {"app": lines("app"), "pp": lines("pp")},
        target,
    )
    assert "--python-version" not in error.details
    assert "Wheels are available" in error.details
    assert "image.yaml:3:5: app" in error.details
    assert ": pp" not in error.details


def test_warnings() -> None:
    stderr = (
        "warning: The requested Python version 3.13 is not available; 3.11.7 will be used\n"
        'warning: `app==1.0` is yanked (reason: "Python 2 only")\nResolved 1 package\n'
    )
    assert explain.warnings(stderr) == ['`app==1.0` is yanked (reason: "Python 2 only")']


def lock(body: str) -> str:
    return f'lock-version = "1.0"\n[[packages]]\nname = "App.X"\nversion = "1.0"\n{body}\n'


HASH = f'hashes = {{ sha256 = "{"AB" * 32}" }}'


def test_lock_forms(target: PythonTarget) -> None:
    sdist = f'sdist = {{ url = "https://u:p@h.example/App%2BX-1.0.tar.gz", size = 7, {HASH} }}'
    assert pylock.choose(lock(sdist), target) == (
        Dist(
            "app-x",
            "1.0",
            "App+X-1.0.tar.gz",
            "https://h.example/App%2BX-1.0.tar.gz",
            "ab" * 32,
            7,
            sdist=True,
        ),
    )
    named = f'wheels = [{{ name = "app_x-1.0-py3-none-any.whl", url = "https://h.example/?id=1", {HASH} }}]'
    assert pylock.choose(lock(named + "\n" + sdist), target)[0].filename == "app_x-1.0-py3-none-any.whl"
    local = f'archive = {{ path = "/w/app_x-1.0.zip", {HASH} }}'
    (dist,) = pylock.choose(lock(local), target)
    assert (dist.url, dist.sdist) == ("file:///w/app_x-1.0.zip", True)


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ('sdist = { url = "https://h.example/a-1.0.tar.gz" }', ResolveError, "no sha256"),
        (
            f'wheels = [{{ url = "https://h.example/app_x-1.0-cp39-cp39-win32.whl", {HASH} }}]',
            ResolveError,
            "has no wheel for Python 3.13",
        ),
        ('vcs = { type = "git", url = "https://h.example/a" }', NotYetError, "version control"),
        ('directory = { path = "/a" }', NotYetError, "directory"),
    ],
)
def test_lock_refusals(target: PythonTarget, body: str, kind: type[SlipwayError], message: str) -> None:
    with pytest.raises(kind, match=message):
        pylock.choose(lock(body), target)


def test_yanked_is_a_warning(wheels: Path, settings: Settings, target: PythonTarget, tmp_path: Path) -> None:
    simple = tmp_path / "simple"
    for name in ("app", "pip"):
        (simple / name).mkdir(parents=True)
        file = next(wheels.glob(f"{name}-1.0-*"))
        mark = 'data-yanked="broken"' if name == "app" else ""
        sha256 = WheelMaker(wheels).dist(file).sha256
        (simple / name / "index.html").write_text(
            f'<a href="{file.as_uri()}#sha256={sha256}" {mark}>{file.name}</a>'
        )
    events: list[Event] = []
    found = resolve_python(
        wanted("app==1.0"),
        target,
        settings.with_(python_index=simple.as_uri()),
        Reporter(events.append),
    )
    assert found.dists[0].version == "1.0"
    assert any(isinstance(e, Note) and "yanked" in e.text for e in events)


def test_known_versions_stay_where_they_can(wheels: Path, settings: Settings, target: PythonTarget) -> None:
    def with_known(*texts: str) -> dict[str, str]:
        found = resolve_python(
            wanted(*texts), target, settings, Reporter(), pip_config=config(wheels), prefer=before
        )
        return {d.name: d.version for d in found.dists}

    before = resolve(wheels, settings, target, "app<2", "lib<2")
    assert with_known("app", "lib") == {"app": "1.0", "lib": "1.0", "pip": "1.0"}
    assert with_known("app", "native")["app"] == "1.0"
    # one cannot stay; the others do
    assert with_known("app", "lib>=2") == {"app": "1.0", "lib": "2.0", "pip": "1.0"}
    # what was found this way is not the answer to the plain question
    assert {d.name: d.version for d in resolve(wheels, settings, target, "app", "lib").dists}["app"] == "2.0"
    with pytest.raises(ResolveError, match="nothing"):
        with_known("nothing")
