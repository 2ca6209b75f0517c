"""Lists: pages that stay right, filters, order, fewer fields, and all that can be asked wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from tests.service.v4.conftest import Api


def names(api: Api, query: str, path: str = "images") -> list[str]:
    answer = api.get(f"/{path}?{query}")
    assert answer.status_code == 200, answer.text
    return [each["name"] for each in answer.json()["items"]]


def test_pages_go_on_where_the_last_ended(api: Api) -> None:
    for number in range(7):
        api.image(f"n{number}")
    answer = api.get("/images?limit=3&sort=-name&count=true")
    assert answer.json()["total"] == 7
    seen = [each["name"] for each in answer.json()["items"]]
    api.image("n9")  # what comes before the place is not shown, and shifts nothing
    while "link" in answer.headers:
        address, _, rel = answer.headers["link"].partition("; ")
        assert rel == 'rel="next"'
        parts = urlsplit(address.strip("<>"))
        assert parts.path == "/v4/images"
        assert f"cursor={answer.json()['next']}" in parts.query
        answer = api.get(f"/images?{parts.query}")
        seen += [each["name"] for each in answer.json()["items"]]
    assert seen == [f"n{number}" for number in reversed(range(7))]
    assert answer.json()["next"] is None


def test_filters(api: Api) -> None:
    api.image("alpha", metadata={"team": "x", "v.1": "2"})
    api.image("Beta 100%", arch="aarch64", project="p")
    api.image("alphabet", metadata={"team": "y"})
    assert names(api, "name=alpha") == ["alpha"]
    assert names(api, "name=alpha&name=alphabet") == ["alpha", "alphabet"]
    assert names(api, "name!=alpha") == ["Beta 100%", "alphabet"]
    assert names(api, "name~=BET") == ["Beta 100%", "alphabet"]
    assert names(api, "name~=0%25") == ["Beta 100%"]
    assert names(api, "name^=alpha&sort=-name") == ["alphabet", "alpha"]
    assert names(api, "arch=aarch64") == names(api, "project=p") == ["Beta 100%"]
    assert names(api, "metadata.team=x&metadata.team=y") == ["alpha", "alphabet"]
    assert names(api, "metadata.v.1=2") == names(api, "metadata%5Bv.1%5D=2") == ["alpha"]
    assert names(api, "owner=nobody") == []
    assert names(api, "created_before=2000-01-01") == []
    assert len(names(api, "created_after=2000-01-01T00:00:00Z")) == 3
    api.post(
        "/recipes",
        {"name": "r", "recipe_type": "packer", "linux_distribution": "sles12", "require_dkms": False},
    )
    assert names(api, "require_dkms=false&recipe_type=packer", "recipes") == ["r"]
    assert names(api, "require_dkms=true", "recipes") == []


def test_only_some_fields(api: Api) -> None:
    image = api.image()
    assert api.get("/images?fields=id,name").json()["items"] == [{"id": image["id"], "name": "i"}]
    assert api.get(f"/images/{image['id']}?fields=name").json() == {"name": "i"}


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=WzFd", "cursor"),
        ("cursor=%F0%9F%92%A9", "cursor"),
        ("sort=metadata", "sort"),
        ("sort=", "sort"),
        ("sort=name,-name", "sort"),
        ("fields=nothing", "fields"),
        ("fields=", "fields"),
        ("count=yes", "count"),
        ("deleted=1", "deleted"),
        ("created_before=soon", "created_before"),
        ("nothing=1", "nothing"),
        ("name~=a&name~=b", "name~"),
        ("arch~=a", "arch~"),
        ("name=%00", "name"),
        ("metadata.a%22b=1", 'metadata.a"b'),
        ("&".join(f"n{number}=1" for number in range(1001)), None),
    ],
)
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_what_is_asked_wrongly(api: Api, query: str, place: str | None) -> None:
    answer = api.get(f"/images?{query}")
    assert answer.status_code == 422
    assert [each.get("parameter") for each in answer.json()["errors"]] == [place]


def test_a_cursor_belongs_to_its_question(api: Api) -> None:
    for number in range(3):
        api.image(f"n{number}")
    cursor = api.get("/images?limit=1").json()["next"]
    assert api.get(f"/images?limit=2&cursor={cursor}").status_code == 200
    assert api.get(f"/images?limit=1&sort=name&cursor={cursor}").status_code == 422
    assert api.get(f"/images?limit=1&name=x&cursor={cursor}").status_code == 422
    assert api.get(f"/public-keys?cursor={cursor}").status_code == 422


def test_a_list_is_answered_anew_when_something_has_changed(api: Api) -> None:
    image = api.image("a")
    first = api.get("/images")
    assert api.get("/images", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    api.key()  # another kind
    assert api.get("/images", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    api.patch(f"/images/{image['id']}", {"name": "b"})
    answer = api.get("/images", headers={"if-none-match": first.headers["etag"]})
    assert answer.status_code == 200
    assert [each["name"] for each in answer.json()["items"]] == ["b"]
