"""The questions of OSV's interface (google.github.io/osv.dev/api), answered from the database: documents in, documents out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote

from slipway.errors import UsageError
from slipway.scan.advisories import osv
from slipway.scan.model import Component, System
from slipway.scan.versions import IncomparableError, affected, ecosystems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.scan.advisories.store import AdvisoryStore
    from slipway.scan.model import Affected, Kind

PAGE: Final = 1000  # advisories in an answer; the rest is asked for with its token
MOST_QUERIES: Final = 1000  # in one batch

_TYPES: Final = {
    "pypi": "PyPI",
    "npm": "npm",
    "golang": "Go",
    "cargo": "crates.io",
    "gem": "RubyGems",
    "nuget": "NuGet",
    "composer": "Packagist",
    "hex": "Hex",
    "maven": "Maven",
    "pub": "Pub",
}
_SYSTEM_TYPES: Final[tuple[Kind, ...]] = ("deb", "apk", "rpm")


class Asked(NamedTuple):
    """A package, by its ecosystems as advisories name them, and a version (empty: any)."""

    ecosystems: tuple[str, ...]
    name: str
    version: str


def vulnerability(store: AdvisoryStore, name: str) -> dict[str, Any] | None:
    """The advisory with this id; None when there is none."""
    found = [advisory for advisory in store.by_id(name) if advisory.id == name]
    return osv.written(max(found, key=lambda a: (a.modified, a.feed))) if found else None


def query(store: AdvisoryStore, question: Mapping[str, Any]) -> dict[str, Any]:
    """All advisories about a package and version, in full. `UsageError` for a question that cannot be answered."""
    numbers, token = _matching(store, question)
    found = store.advisories(numbers, whole=True)
    return _answer([osv.written(found[number]) for number in numbers], token)


def batch(store: AdvisoryStore, questions: Mapping[str, Any]) -> dict[str, Any]:
    """For each of many questions the ids of the advisories, and when they were modified."""
    asked = questions.get("queries")
    if not isinstance(asked, list) or len(asked) > MOST_QUERIES:
        raise UsageError(f"queries is not a list of at most {MOST_QUERIES} questions")
    results = []
    for question in asked:
        if not isinstance(question, dict):
            raise UsageError("a query is not a mapping")
        numbers, token = _matching(store, question)
        found = store.advisories(numbers)
        documents = (osv.written(found[number]) for number in numbers)
        results.append(_answer([{"id": d["id"], "modified": d["modified"]} for d in documents], token))
    return {"results": results}


def _answer(found: list[dict[str, Any]], token: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"vulns": found} if found else {}
    return answer | ({"next_page_token": token} if token else {})


def _matching(store: AdvisoryStore, question: Mapping[str, Any]) -> tuple[list[int], str]:
    """The numbers of one page, and the token of the next. The order is that of ids; of two feeds with one id one counts."""
    asked = _asked(store, question)
    numbers = {
        number
        for ecosystem in asked.ecosystems
        for number, entry in store.affected(ecosystem, [asked.name])
        if (entry.ranges or entry.versions) and (not asked.version or _may_be(entry, asked.version))
    }
    current = [(n, a) for n, a in store.advisories(numbers).items() if not a.withdrawn]
    by_id = {a.id: n for n, a in sorted(current, key=lambda item: (item[1].modified, item[1].feed))}
    ids = sorted(by_id)
    token = question.get("page_token") or ""
    if not isinstance(token, str):
        raise UsageError("page_token is not a text")
    rest = [name for name in ids if name > token]
    page = rest[:PAGE]
    return [by_id[name] for name in page], page[-1] if len(rest) > PAGE else ""


def _may_be(entry: Affected, version: str) -> bool:
    """Where nobody can tell, the one who asks shall look at it."""
    try:
        return affected(entry, version)
    except IncomparableError:
        return True


def _asked(store: AdvisoryStore, question: Mapping[str, Any]) -> Asked:
    """Of what no feed knows we must not say that all is well, so it is an error; so are commits."""
    package = question.get("package")
    if not isinstance(package, dict):
        raise UsageError("only questions about a package can be answered")
    version, purl = question.get("version") or "", package.get("purl") or ""
    name, ecosystem = package.get("name") or "", package.get("ecosystem") or ""
    if not all(isinstance(text, str) for text in (version, purl, name, ecosystem)):
        raise UsageError("package and version are not texts")
    if purl:
        names, name, own_version = _from_purl(purl)
        version = version or own_version
    else:
        names = (ecosystem,)
    covered = store.covers()
    known = tuple(c for n in names for c in covered if n and (c == n or c.startswith(f"{n}:")))
    if not known:
        shown = ", ".join(names) or purl
        raise UsageError(
            f"there are no advisories here for {shown!r}",
            hint=f"fetch them with `slipway advisories update osv:{shown.partition(':')[0]}`",
        )
    return Asked(known, osv.package_name(known[0], name), version)


def _from_purl(text: str) -> tuple[tuple[str, ...], str, str]:
    """Ecosystems, name and version of a package URL; of a system's package by its `distro` qualifier (`debian-12`)."""
    from packageurl import PackageURL

    try:
        purl = PackageURL.from_string(text)
    except ValueError as error:
        raise UsageError(f"{text[:100]!r} is not a package URL") from error
    version = unquote(purl.version or "")
    if purl.type in _SYSTEM_TYPES:
        qualifiers = purl.qualifiers if isinstance(purl.qualifiers, dict) else {}
        system_id, _, release = qualifiers.get("distro", "").rpartition("-")
        component = Component(purl.type, purl.name, version, text)
        return ecosystems(component, System(system_id or purl.namespace or "", release)), purl.name, version
    separator = ":" if purl.type == "maven" else "/"
    name = f"{purl.namespace}{separator}{purl.name}" if purl.namespace else purl.name
    return ((_TYPES[purl.type],) if purl.type in _TYPES else ()), name, version
