"""Trivy and Grype themselves, where they are installed: run over an OCI layout of the image, without network.

They see nothing of the directory and the settings of whoever calls, which could make them leave findings out; of their
variables only those pass that say where their data is.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from slipway import proc
from slipway.errors import InputError, ToolError, UsageError
from slipway.files import disk
from slipway.scan.adapters.detect import findings
from slipway.scan.adapters.model import Imported
from slipway.scan.model import Feed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from slipway.events import Reporter
    from slipway.oci.store import Descriptor, Store
    from slipway.settings import Settings

Tool = Literal["trivy", "grype"]
_PATIENCE: Final = 1800.0  # seconds
_NAME: Final = "image"  # in the layout
_NO_LAYOUT: Final = ("docker", "docker-archive", "dir", "squashfs", "sbom")
_BASIC: Final = ("PATH", "HOME", "TMPDIR", "XDG_CACHE_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG")


@dataclass(frozen=True, slots=True)
class _Program:
    """How to run one: `{layout}` and `{report}` stand for places. `offline` keeps it from the network and its checks for news."""

    arguments: tuple[str, ...]
    offline: tuple[str, ...]
    offline_environ: Mapping[str, str]
    environ: Mapping[str, str]
    passed: tuple[str, ...]
    ok: tuple[int, ...]
    fetch: str


_PROGRAMS: Final[dict[Tool, _Program]] = {
    # trivy.dev: docs/references/configuration/cli/trivy_image, docs/advanced/air-gap. Newer switches as variables:
    # those that an older one does not know do no harm there
    "trivy": _Program(
        (
            *("image", "--input", "{layout}", "--format", "json", "--output", "{report}"),
            *("--scanners", "vuln", "--no-progress", "--exit-code", "0"),
        ),
        ("--skip-db-update", "--skip-java-db-update", "--offline-scan"),
        {},
        {
            "TRIVY_SKIP_VERSION_CHECK": "true",
            "TRIVY_DISABLE_TELEMETRY": "true",
            "TRIVY_SHOW_SUPPRESSED": "true",
        },
        ("TRIVY_CACHE_DIR", "TRIVY_DB_REPOSITORY", "TRIVY_JAVA_DB_REPOSITORY"),
        (0,),
        "trivy image --download-db-only",
    ),
    # anchore/grype: README, and cmd/grype/cli/options; status 2: something at or above its own `fail-on-severity`
    "grype": _Program(
        ("oci-dir:{layout}", "--output", "json", "--file", "{report}"),
        (),
        {"GRYPE_DB_AUTO_UPDATE": "false"},
        {"GRYPE_CHECK_FOR_APP_UPDATE": "false"},
        ("GRYPE_DB_CACHE_DIR", "GRYPE_DB_UPDATE_URL", "GRYPE_DB_CA_CERT"),
        (0, 2),
        "grype db update",
    ),
}


def run(
    tool: Tool,
    image: str | Path,
    settings: Settings,
    reporter: Reporter,
    *,
    platform: str = "",
    update: bool = False,
) -> Imported:
    """What the tool says of an image: of the store or a registry by its name, `oci:DIR[:REF]`, or an OCI layout by its path.

    `update` lets it bring its own data up to date, unless the settings say `offline`. `platform` is as of `take`. `ToolError`
    when the tool is not installed, `UsageError` when there is no such image. A tool that fails, or writes what nobody can
    read, gives a result with nothing but a problem.
    """
    program = _PROGRAMS[tool]
    path = proc.find(tool, purpose=f"scanning with {tool}", hint=f"install it, or scan without --with {tool}")
    online = update and not settings.offline
    with _layout(image, platform, settings, reporter) as layout, tempfile.TemporaryDirectory() as place:
        report = Path(place) / "report.json"
        arguments = [*program.arguments, *(() if online else program.offline)]
        argv = [path, *(a.format(layout=layout, report=report) for a in arguments)]
        environ = {name: os.environ[name] for name in (*_BASIC, *program.passed) if name in os.environ}
        environ |= program.environ if online else {**program.environ, **program.offline_environ}
        if online:
            environ |= {k: v for k, v in os.environ.items() if k.lower().endswith("_proxy")}
        try:
            with reporter.step(tool, str(image)):
                proc.run(argv, env=environ, cwd=Path(place), timeout=_PATIENCE, ok=program.ok)
        except ToolError as error:
            hint = "" if online else f"; its data may be missing: `{program.fetch}` brings it"
            return _failed(tool, f"{error.brief}: {_last(error.details, layout)}{hint}")
        return _result(tool, report)


def _result(tool: Tool, report: Path) -> Imported:
    if not report.is_file():
        return _failed(tool, f"{tool} wrote no report")
    try:
        read = findings(report)
    except InputError as error:
        return _failed(
            tool, f"what {tool} wrote cannot be read: {error.brief.replace(str(report), 'the report')}"
        )
    if read.format != tool:
        return _failed(tool, f"what {tool} wrote is of the format {read.format}")
    # the image is the one that it was given, whatever the layout's directory is called
    return replace(read, names=(), digests=(), image_id="", layers=())


def _failed(tool: Tool, problem: str) -> Imported:
    return Imported(tool, Feed(tool), problems=(problem,))


def _last(details: str, layout: Path) -> str:
    lines = [line for line in details.replace(str(layout), "the image").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else "it did not say why"


@contextmanager
def _layout(image: str | Path, platform: str, settings: Settings, reporter: Reporter) -> Iterator[Path]:
    """The directory of a layout with the one image; unless there is one, a passing one in the cache, to share the store's blobs."""
    if isinstance(image, Path):
        if not (image / "oci-layout").is_file():
            raise UsageError(f"{image} is not an OCI image layout")
        yield image.absolute()
        return
    from slipway.oci.layout import export_layout
    from slipway.oci.store import Store
    from slipway.registry.lazy import ensure

    store = Store(settings.store)
    with disk(settings.cache):
        settings.cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.cache, prefix=".scan-") as place, store.shared():
        manifest = _manifest(image, platform, store, settings, reporter)
        ensure(store, manifest, settings, reporter)
        layout = Path(place) / "layout"
        export_layout(store, manifest, layout, _NAME)
        yield layout


def _manifest(image: str, platform: str, store: Store, settings: Settings, reporter: Reporter) -> Descriptor:
    """As `take` finds it, so far as it has layers that can be in a layout; what is elsewhere comes into the store, without a name."""
    from slipway.oci.layout import import_layout
    from slipway.oci.reader import select
    from slipway.registry.pull import pull
    from slipway.registry.reference import parse

    kind, _, rest = image.partition(":")
    if kind == "oci":
        directory, _, reference = rest.partition(":")
        return import_layout(Path(directory), reference, platform, store)
    if kind in _NO_LAYOUT:
        raise UsageError(
            f"only images of the store, of a registry and of OCI layouts can be given to another scanner: {image}",
            hint="let it scan the image by itself, and give its report with --import",
        )
    try:
        return select(store, store.find(image), platform)
    except UsageError:
        reference = rest if kind == "registry" else image
        return pull(parse(reference), platform, store, settings, reporter, blobs=False)
