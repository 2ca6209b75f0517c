"""Questions about many records: parameters of the request as a `Query`, and the cursor to where its next page begins."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlencode

from slipway.patterns import pattern
from slipway.service.records.query import Filter, Query
from slipway.service.v4.problems import Fault, ProblemError, invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.service.records.query import Operator
    from slipway.service.v4.resources import Resource

LARGEST: Final = 1000
USUAL: Final = 100
_PARAMETERS: Final = 1000  # of one request
OPERATORS: Final[dict[str, Operator]] = {"": "is", "!": "not", "~": "contains", "^": "starts"}
TIMES: Final[dict[str, tuple[str, Operator]]] = {
    "created_before": ("created", "before"),
    "created_after": ("created", "after"),
    "deleted_before": ("deleted", "before"),
    "deleted_after": ("deleted", "after"),
}
METADATA_KEY: Final = "^[A-Za-z0-9._:/@+-]{1,200}$"
_METADATA: Final = pattern(r"metadata(?:\.(.+)|\[(.+)\])")
_KEY: Final = pattern(METADATA_KEY)
_NUMBERS: Final = frozenset({"created", "deleted", "version"})
_FLAGS: Final = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Asked:
    """`fields` None: all. `fingerprint` is of all that a cursor has to agree with, `rest` the parameters without it."""

    query: Query
    fields: frozenset[str] | None = None
    count: bool = False
    fingerprint: str = ""
    rest: str = ""

    def within(self, projects: frozenset[str] | None) -> Query:
        """The question, about records of these projects only (None: of all)."""
        return replace(self.query, projects=projects)


@dataclass(frozen=True, slots=True)
class Places:
    """A list of what is in the storage, by bucket and key. `after` is the place that the page before ended with."""

    buckets: tuple[str, ...]
    prefix: str
    limit: int
    after: tuple[str, ...] | None
    fingerprint: str
    rest: str


def asked(resource: Resource, query_string: str, shown: frozenset[str]) -> Asked:
    """422 with all parameters that are wrong. `shown` are the fields that a record has."""
    faults: list[Fault] = []
    lists = _lists(query_string)
    reader = _Reader(resource, shown, faults)
    filters: list[Filter] = []
    taken: dict[str, Any] = {}
    for name, values in lists.items():
        if any("\0" in value for value in (name, *values)):
            faults.append(Fault("this holds a NUL", parameter=name.replace("\0", "?")))
        elif name in _SINGLE:
            taken[name] = reader.single(name, values)
        elif (found := reader.filter(name, values)) is not None:
            filters.append(found)
    if faults:
        raise invalid(faults, "some parameters cannot be taken")
    sort = taken.get("sort") or ("created",)
    gone = bool(taken.get("deleted", False))
    fingerprint = hashlib.sha256(repr((resource.kind, sort, gone, filters)).encode()).hexdigest()[:16]
    query = Query(tuple(filters), sort, taken.get("limit", USUAL), None, gone)
    if "cursor" in taken:
        query = replace(query, after=_after(taken["cursor"], fingerprint, sort))
    return Asked(query, taken.get("fields"), taken.get("count", False), fingerprint, _rest(lists))


def placed(query_string: str, buckets: Sequence[str], about: str, types: Sequence[type]) -> Places:
    """422 with all parameters that are wrong. `buckets` are those there are, `types` those of a cursor's place, `about` what is listed."""
    faults: list[Fault] = []
    lists = _lists(query_string)
    reader = _Reader(None, frozenset(), faults)
    taken: dict[str, Any] = {}
    for name, values in lists.items():
        if any("\0" in value for value in (name, *values)):
            faults.append(Fault("this holds a NUL", parameter=name.replace("\0", "?")))
        elif name not in ("bucket", "prefix", "limit", "cursor"):
            reader.wrong(name, "there is no such parameter")
        else:
            taken[name] = reader.single(name, values)
    if (bucket := taken.get("bucket")) is not None and bucket not in buckets:
        reader.wrong("bucket", "there is no such bucket")
    if faults:
        raise invalid(faults, "some parameters cannot be taken")
    chosen = tuple(sorted({bucket} if bucket is not None else set(buckets)))
    prefix = taken.get("prefix", "")
    fingerprint = hashlib.sha256(repr((about, chosen, prefix)).encode()).hexdigest()[:16]
    after = opened(taken["cursor"], fingerprint, types) if "cursor" in taken else None
    return Places(chosen, prefix, taken.get("limit", USUAL), after, fingerprint, _rest(lists))


def fields_of(values: list[str], shown: frozenset[str]) -> frozenset[str]:
    """What `fields=` names; 422 for one that is not there."""
    faults: list[Fault] = []
    found = _Reader(None, shown, faults).single("fields", values)
    if faults:
        raise invalid(faults, "some parameters cannot be taken")
    return frozenset(found)


def cursor(fingerprint: str, last: tuple[Any, ...]) -> str:
    """Opaque to clients; it has nothing in it that they have not seen."""
    return base64.urlsafe_b64encode(json.dumps([fingerprint, *last]).encode()).decode().rstrip("=")


def _lists(query_string: str) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(query_string, keep_blank_values=True, max_num_fields=_PARAMETERS)
    except ValueError:
        raise invalid([Fault(f"{_PARAMETERS} parameters are the most")]) from None
    for name, value in pairs:
        lists.setdefault(name, []).append(value)
    return lists


def _rest(lists: dict[str, list[str]]) -> str:
    """The parameters without the cursor."""
    return urlencode(
        [(name, value) for name, values in lists.items() if name != "cursor" for value in values]
    )


_SINGLE: Final = frozenset({"limit", "cursor", "sort", "fields", "count", "deleted"})


class _Reader:
    def __init__(self, resource: Resource | None, shown: frozenset[str], faults: list[Fault]) -> None:
        self.resource = resource
        self.shown = shown
        self.faults = faults

    def wrong(self, name: str, detail: str) -> None:
        self.faults.append(Fault(detail, parameter=name[:100]))

    def single(self, name: str, values: list[str]) -> Any:
        [value, *more] = values
        if more:
            return self.wrong(name, "this can be given once")
        match name:
            case "limit":
                if value.isascii() and value.isdecimal() and len(value) < 5 and 1 <= int(value) <= LARGEST:
                    return int(value)
                return self.wrong(name, f"a number from 1 to {LARGEST} is needed")
            case "count" | "deleted":
                return self.flag(name, value)
            case "sort":
                return self.sort(value)
            case "fields":
                names = [each for each in value.split(",") if each]
                for each in names:
                    if each not in self.shown:
                        self.wrong(name, f"there is no field {each[:50]!r}")
                return frozenset(names) if names else self.wrong(name, "name at least one field")
        return value

    def flag(self, name: str, value: str) -> bool | None:
        if value not in _FLAGS:
            self.wrong(name, "true or false is needed")
        return _FLAGS.get(value)

    def sort(self, value: str) -> tuple[str, ...]:
        names = tuple(value.split(","))
        plain = [each.removeprefix("-") for each in names]
        if self.resource is not None and (bad := [each for each in plain if each not in self.resource.sort]):
            self.wrong("sort", f"records cannot be sorted by {bad[0][:50]!r}")
        if len(set(plain)) != len(plain):
            self.wrong("sort", "each field can be named once")
        return names

    def filter(self, name: str, values: list[str]) -> Filter | None:
        if self.resource is None:
            return None
        if name in TIMES:
            return self.time(name, values)
        if self.resource.kind == "image" and (found := _METADATA.fullmatch(name)):
            key = found.group(1) or found.group(2)
            if _KEY.fullmatch(key):
                return Filter(f"metadata.{key}", tuple(values))
            self.wrong(name, "keys with these characters cannot be looked for")
            return None
        plain, sign = (name[:-1], name[-1:]) if name[-1:] in "!~^" else (name, "")
        if plain not in self.resource.filters:
            self.wrong(name, "there is no such parameter")
            return None
        column, kind = self.resource.filters[plain]
        if (sign in ("~", "^") and kind != "text") or (sign and kind == "flag"):
            self.wrong(name, f"{plain} cannot be compared in this way")
            return None
        if sign in ("~", "^") and len(values) > 1:
            self.wrong(name, "this can be given once")
            return None
        if kind == "flag":
            return Filter(column, tuple(bool(self.flag(name, value)) for value in values))
        return Filter(column, tuple(values), OPERATORS[sign])

    def time(self, name: str, values: list[str]) -> Filter | None:
        column, operator = TIMES[name]
        if len(values) > 1:
            self.wrong(name, "this can be given once")
            return None
        try:
            return Filter(column, (microseconds(values[0]),), operator)
        except ValueError:
            self.wrong(name, "a time as in RFC 3339 is needed, for example 2026-11-21T10:00:00Z")
            return None


def microseconds(text: str) -> int:
    """Of a time with an offset or, without one, in UTC; `ValueError` for what is none."""
    found = datetime.fromisoformat(text)
    since = (found if found.tzinfo else found.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


def opened(text: str, fingerprint: str, types: Sequence[type]) -> tuple[Any, ...]:
    """The place that `cursor` holds, of these types; 422 for one that is not of a list with this fingerprint."""
    try:
        found = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _bad_cursor() from None
    if not isinstance(found, list) or len(found) != len(types) + 1 or found[0] != fingerprint:
        raise _bad_cursor()
    for kind, value in zip(types, found[1:], strict=True):
        if type(value) is not kind or not _storable(value):
            raise _bad_cursor()
    return tuple(found[1:])


def _after(text: str, fingerprint: str, sort: tuple[str, ...]) -> tuple[Any, ...]:
    names = [*(name.removeprefix("-") for name in sort), "id"]
    return opened(text, fingerprint, [int if name in _NUMBERS else str for name in names])


def _storable(value: object) -> bool:
    """Whether a database can be asked about it: no NUL, no half of a character, no number of more than 64 bits."""
    if isinstance(value, int):
        return abs(value) < 2**63
    return (
        isinstance(value, str)
        and "\0" not in value
        and not any("\ud800" <= each <= "\udfff" for each in value)
    )


def _bad_cursor() -> ProblemError:
    fault = Fault("this is no cursor of a list with the same filters and order", parameter="cursor")
    return invalid([fault], "some parameters cannot be taken")
