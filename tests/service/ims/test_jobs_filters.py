"""Which jobs a deletion of many takes; when in doubt, none."""

from __future__ import annotations

import pytest

from slipway.service.ims import ages
from slipway.service.model import Job
from tests.service.ims.conftest import World

HOUR = 3600
DAY = 24 * HOUR
WEEK = 7 * DAY
AGAIN = "Determine the specific information that is missing or invalid and then re-run the request with valid information."


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1d", DAY), ("6h", 6 * HOUR), ("90m", 90 * 60), ("2w", 2 * WEEK), ("0d", 0), ("1D", DAY),
        ("1w2d", WEEK + 2 * DAY), ("2d3h", 2 * DAY + 3 * HOUR),
        ("1w2d3h4m", WEEK + 2 * DAY + 3 * HOUR + 240), ("3days", 3 * DAY), ("2 weeks", 2 * WEEK),
        ("3 days 4 hours", 3 * DAY + 4 * HOUR), (" 1d ", DAY), ("5min", 300), ("3h2d", 2 * DAY + 3 * HOUR),
        ("999999999w", 999999999 * WEEK),
    ],
)  # fmt: skip
def test_ages(text: str, seconds: int) -> None:
    assert ages.microseconds(text) == seconds * 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "zz",
        "10",
        "d",
        "1x",
        "1d1d",
        "1d5",
        "-1d",
        "1.5d",
        "1mo",
        "1d,2h",
        "1 d x",
        "١d",
        "1" * 30 + "d",
        "1dd",
    ],
)
def test_no_ages(text: str) -> None:
    with pytest.raises(ValueError, match="is not an age"):
        ages.microseconds(text)


def job(name: str, created: int, status: str, kind: str) -> Job:
    return Job(
        id=name, created=created, job_type=kind, artifact_id="a", public_key_id="p",  # type: ignore[arg-type]
        image_root_archive_name="n", status=status,  # type: ignore[arg-type]
    )  # fmt: skip


def left(world: World, query: str, path: str = "/v3/jobs") -> str:
    """The jobs that a deletion leaves of a, b, c and d."""
    now = int(world.service.clock() * 1_000_000)
    day = DAY * 1_000_000
    world.add(
        job("a", now - 20 * day, "success", "create"),
        job("b", now - 8 * day - 1, "error", "customize"),
        job("c", now - 2 * day, "creating", "create"),
        job("d", now, "waiting_on_user", "customize"),
    )
    reply = world.ask("DELETE", f"{path}?{query}")
    assert (reply.status, reply.body) == (204, b"")
    return "".join(each["id"] for each in world.ask("GET", "/jobs").json)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ""), ("status=success", "bcd"), ("status=SUCCESS&status=error", "cd"), ("job_type=create", "bd"),
        ("job_type=create&job_type=customize", "bd"), ("job_type=", ""), ("age=1d", "d"), ("age=1w2d", "bcd"),
        ("age=1w1d", "cd"), ("age=3w", "abcd"), ("age=1d&status=creating", "abd"), ("other=1", ""),
        ("age=3%20days%204%20hours", "cd"), ("age=1d&job_type=customize", "acd"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/jobs", "/v3/jobs"])
def test_filters(world: World, path: str, query: str, found: str) -> None:
    assert left(world, query, path) == found


@pytest.mark.parametrize(
    ("query", "name", "value"),
    [
        ("age=zz", "age", "zz"), ("age=", "age", ""), ("age=10", "age", "10"),
        ("status=bogus", "status", "bogus"), ("status=success&status=x", "status", "x"), ("status=", "status", ""),
        ("job_type=Create", "job_type", "Create"), ("status=bogus&age=zz", "status", "bogus"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v2/jobs", "/v3/jobs"])
def test_what_cannot_be_meant_deletes_nothing(
    world: World, path: str, query: str, name: str, value: str
) -> None:
    world.add(job("a", 1, "success", "create"))
    reply = world.ask("DELETE", f"{path}?{query}")
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json == {
        "status": 400,
        "title": f"Unsupported {name} {value} in query parameters. {AGAIN}",
    }
    assert len(world.ask("GET", "/jobs").json) == 1
