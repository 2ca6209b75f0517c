"""A lock as plain data: the one shape in which it is kept in files and in images.

    format: 1
    compression: isal-1.8.0-1
    epoch: 1700000000                     only when the build had a SOURCE_DATE_EPOCH
    recipe: {…}                           slipway.recipe.plain
    platforms:
      - platform: linux/amd64
        debian: {suite, codename, version, date, components, sources, manual, base, apt}
        base: {reference, digest}         or a base image
        python: {version, executable, glibc, requested, roots, dists}
        files: [{dest, source, kind, sha256, size, mode}]
        repositories: [{dest, url, commit, sha256, size, heads, tags}]
        init: {path, deb}                 of images that start with the entrypoint of the workspace

What follows from something else is left out: a .deb's `url` where it is its `filename` below the first of
`sources`, a distribution's `filename` where its `url` ends in it, and whatever is empty.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from slipway.build.installation.model import Init
from slipway.distro.model import Deb, DebianResolution
from slipway.errors import LockError
from slipway.lock import pylockfile
from slipway.lock.dists import dist, dist_data
from slipway.lock.fields import ADDRESS, DIGEST, NAME, SHA256, VERSION, Fields
from slipway.lock.model import FORMAT, Lock, LockedBase, LockedFile, LockedPlatform, LockedRepository
from slipway.python.model import PythonResolution, PythonTarget

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

_PLATFORM = r"[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?"
_SUITE = r"[a-z][a-z0-9./-]*"
_PATH = r"/[A-Za-z0-9._+/-]+"
_POOL = r"(?!/)(?!(.*/)?\.\.(/|$))[^\s]+"  # a path below an archive, never upward
_COMMIT = r"[0-9a-f]{40}|[0-9a-f]{64}"
_REF = r"[^\x00-\x20\x7f~^:?*\[\\]+"  # the name of a branch or tag (git-check-ref-format)
_DEB_EXTRAS = ("source", "source_version", "multi_arch", "priority")


def as_dict(lock: Lock) -> dict[str, Any]:
    """Values of JSON; `from_dict` reads them back."""
    epoch = {} if lock.epoch is None else {"epoch": lock.epoch}
    return {
        "format": FORMAT,
        "compression": lock.compression,
        **epoch,
        "recipe": dict(lock.recipe),
        "platforms": [_platform_data(p) for p in lock.platforms],
    }


def from_dict(data: Mapping[str, Any]) -> Lock:
    """Read back what `as_dict` gave; `LockError` when it is not that, or of a later format."""
    top = Fields(data)
    if (form := top.number("format")) != FORMAT:
        raise LockError(
            f"the lock has format {form}, this release reads {FORMAT}",
            hint="a newer release wrote it: use that one, or write the lock anew with `slipway lock --upgrade`",
        )
    return Lock(
        recipe=top.row("recipe").data,
        platforms=tuple(_platform(row) for row in top.rows("platforms")),
        compression=top.text("compression"),
        epoch=top.number("epoch") if "epoch" in top else None,
    )


# -- values to data ------------------------------------------------------------------------------------------


def _platform_data(locked: LockedPlatform) -> dict[str, Any]:
    out: dict[str, Any] = {"platform": locked.platform}
    if locked.debian is not None:
        out["debian"] = _debian_data(locked.debian)
    if locked.base is not None:
        out["base"] = {"reference": locked.base.reference, "digest": locked.base.digest}
    if locked.python is not None and locked.target is not None:
        out["python"] = _python_data(locked.python, locked.target)
    if locked.init is not None:
        out["init"] = _init_data(locked.init)
    if locked.files:
        out["files"] = [_file_data(f) for f in locked.files]
    if locked.repositories:
        out["repositories"] = [_repository_data(r) for r in locked.repositories]
    return out


def _debian_data(debian: DebianResolution) -> dict[str, Any]:
    archive = debian.sources[0][0] if debian.sources else ""
    out = {
        "suite": debian.suite,
        "codename": debian.codename,
        "version": debian.version,
        "date": debian.date,
        "components": list(debian.components),
        "sources": [{"uri": uri, "suites": list(suites)} for uri, suites in debian.sources],
        "manual": list(debian.manual),
        "base": [_deb_data(d, archive) for d in debian.base],
        "apt": [_deb_data(d, archive) for d in debian.apt],
    }
    return {name: value for name, value in out.items() if value}


def _deb_data(deb: Deb, archive: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": deb.name,
        "version": deb.version,
        "arch": deb.arch,
        "size": deb.size,
        "sha256": deb.sha256,
        "filename": deb.filename,
    }
    if deb.url != f"{archive}/{deb.filename}":
        row["url"] = deb.url
    row |= {name: value for name in _DEB_EXTRAS if (value := getattr(deb, name))}
    if deb.installed_size:
        row["installed_size"] = deb.installed_size
    if deb.essential:
        row["essential"] = True
    return row


def _python_data(python: PythonResolution, target: PythonTarget) -> dict[str, Any]:
    glibc = {"glibc": "{}.{}".format(*target.glibc)} if target.glibc else {}
    roots = {"roots": list(python.roots)} if python.roots else {}
    return {
        "version": target.version,
        "executable": target.executable,
        **glibc,
        "requested": list(python.requested),
        **roots,
        "dists": [dist_data(d) for d in python.dists],
    }


def _init_data(init: Init) -> dict[str, Any]:
    deb = {"deb": _deb_data(init.deb, "")} if init.deb else {}
    return {**({"path": init.path} if init.path else {}), **deb}


def _file_data(file: LockedFile) -> dict[str, Any]:
    row: dict[str, Any] = {"dest": file.dest, "source": file.source, "sha256": file.sha256, "size": file.size}
    row |= {"tree": True} if file.kind == "tree" else {"mode": f"{file.mode:04o}"}
    return row | {name: text for name in ("owner", "archive") if (text := getattr(file, name))}


def _repository_data(tree: LockedRepository) -> dict[str, Any]:
    row = {name: getattr(tree, name) for name in ("dest", "url", "commit", "sha256", "size")}
    return row | {name: list(names) for name in ("heads", "tags") if (names := getattr(tree, name))}


# -- data to values ------------------------------------------------------------------------------------------


def _platform(row: Fields) -> LockedPlatform:
    platform = row.text("platform", _PLATFORM)
    python = target = None
    if "python" in row:
        python, target = _python(row.row("python"), platform.split("/")[1])
    base = row.row("base") if "base" in row else None
    return LockedPlatform(
        platform=platform,
        debian=debian_of(row.row("debian")) if "debian" in row else None,
        base=LockedBase(base.text("reference"), base.text("digest", DIGEST)) if base else None,
        python=python,
        target=target,
        files=tuple(_file(f) for f in row.rows("files")),
        repositories=tuple(_repository(r) for r in row.rows("repositories")),
        init=_init(row.row("init")) if "init" in row else None,
    )


def debian_of(row: Fields) -> DebianResolution:
    """The field `debian` of a platform; `LockError` where it is not that."""
    sources = tuple((s.text("uri", ADDRESS), s.texts("suites", _SUITE)) for s in row.rows("sources"))
    archive = sources[0][0] if sources else ""
    return DebianResolution(
        suite=row.text("suite", _SUITE),
        codename=row.text("codename", _SUITE),
        version=row.text("version", r"[A-Za-z0-9. -]*", ""),
        date=row.number("date", 0),
        sources=sources,
        components=row.texts("components", NAME),
        base=tuple(_deb(d, archive) for d in row.rows("base")),
        apt=tuple(_deb(d, archive) for d in row.rows("apt")),
        manual=row.texts("manual", NAME),
    )


def _deb(row: Fields, archive: str) -> Deb:
    filename = row.text("filename", _POOL)
    return Deb(
        name=row.text("name", NAME),
        version=row.text("version", VERSION),
        arch=row.text("arch", NAME),
        filename=filename,
        url=row.text("url", ADDRESS, f"{archive}/{filename}"),
        sha256=row.text("sha256", SHA256),
        size=row.number("size"),
        essential=row.truth("essential"),
        installed_size=row.number("installed_size", 0),
        **{name: row.text(name, r"\S*", "") for name in _DEB_EXTRAS},
    )


def _python(row: Fields, arch: str) -> tuple[PythonResolution, PythonTarget]:
    glibc = re.match(r"(\d+)\.(\d+)", row.text("glibc", r"\d+\.\d+", "0.0"))
    target = PythonTarget(
        row.text("version", r"3\.\d+(\.\d+)?"),
        row.text("executable", _PATH),
        arch,
        (int(glibc[1]), int(glibc[2])) if glibc and "glibc" in row else None,
    )
    dists = tuple(dist(d) for d in row.rows("dists"))
    text = pylockfile.render(dists, target)
    return PythonResolution(dists, row.texts("requested", NAME), text, row.texts("roots")), target


def _init(row: Fields) -> Init:
    deb = _deb(row.row("deb"), "") if "deb" in row else None
    return Init(row.text("path", _PATH) if "path" in row else "", deb)


def _file(row: Fields) -> LockedFile:
    kind: Literal["file", "tree"] = "tree" if row.truth("tree") else "file"
    mode = row.text("mode", "[0-7]{4}", "0755") if kind == "file" else "0755"
    return LockedFile(
        dest=row.text("dest"),
        source=row.text("source"),
        kind=kind,
        sha256=row.text("sha256", SHA256),
        size=row.number("size"),
        mode=int(mode, 8),
        owner=row.text("owner", r"(\d{1,10}(:\d{1,10})?)?", ""),
        archive=row.text("archive", SHA256, "") if "archive" in row else "",
    )


def _repository(row: Fields) -> LockedRepository:
    return LockedRepository(
        dest=row.text("dest"),
        url=row.text("url"),
        commit=row.text("commit", _COMMIT),
        sha256=row.text("sha256", SHA256),
        size=row.number("size"),
        heads=row.texts("heads", _REF),
        tags=row.texts("tags", _REF),
    )
