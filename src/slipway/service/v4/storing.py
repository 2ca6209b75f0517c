"""Where the endpoints of artifacts and uploads are, and what their documentation says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.service.v4.openapi import (
    IF_MATCH,
    IF_NONE_MATCH,
    Operation,
    add,
    body,
    empty,
    header,
    json,
    query,
)
from slipway.service.v4.parameters import DIGESTS, SAME, WORD, limit
from slipway.service.v4.schemas import TEXT

if TYPE_CHECKING:
    from fastapi import FastAPI

    from slipway.service.settings import ServiceSettings
    from slipway.service.v4.artifacts import Artifacts
    from slipway.service.v4.stored import Stored
    from slipway.service.v4.uploads import Uploads

_BYTES: Final = {
    "required": True,
    "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
}


def lists(app: FastAPI, own: Stored, settings: ServiceSettings) -> None:
    buckets = sorted({settings.recipes_bucket, settings.images_bucket})
    parameters = (
        query("bucket", {"enum": buckets}, "In this one; else in both"),
        query("prefix", WORD, "Whose keys begin so"),
        limit(),
        query("cursor", {"type": "string"}, "`next` of the page before, with the same filters"),
    )
    following = "rel=next: the page after this"
    add(
        app,
        "GET",
        "/artifacts",
        own.artifacts,
        Operation(
            "list_artifacts",
            "artifacts",
            "List artifacts",
            {200: json("ArtifactPage", "A page of artifacts, by bucket and key", Link=following)},
            parameters,
            None,
            (404,),
            "Those that may be read: a key that has the id of a record in it belongs to the project of that record. What names no record"
            " is listed for those who see the record that links to it, and for those who see all projects.",
        ),
    )
    add(
        app,
        "GET",
        "/uploads",
        own.uploads,
        Operation(
            "list_uploads",
            "uploads",
            "List uploads that are not ended",
            {200: json("UploadPage", "A page of uploads, by bucket and key", Link=following)},
            parameters,
            None,
            (404,),
            "Those that this actor may go on with or give up: of records in projects where it may write; all others are for those who may"
            " write in all projects.",
        ),
    )


def artifacts(app: FastAPI, own: Artifacts) -> None:
    path, tag = "/artifacts/{bucket}/{key:path}", "artifacts"
    raw: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    headers = {"headers": {"ETag": {"schema": TEXT}, "Repr-Digest": {"schema": TEXT}}}
    whole = {"description": "Its bytes", "content": {"*/*": raw["application/octet-stream"]}, **headers}
    part = {**whole, "description": "The bytes of the range"}
    stored = json("Artifact", "What was stored, with its hashes", ETag="Of what was stored")
    new = header("If-None-Match", "Only if there is nothing yet", {"const": "*", "type": "string"})
    add(
        app,
        "GET",
        path,
        own.get,
        Operation(
            "get_artifact",
            tag,
            "Get an artifact, or a range of it",
            {200: whole, 206: part, 304: SAME},
            (
                IF_NONE_MATCH,
                header("Range", "One range of bytes"),
                header("If-Range", "Only of this version"),
            ),
            None,
            (404, 416),
            media="",
        ),
    )
    add(
        app,
        "PUT",
        path,
        own.put,
        Operation(
            "put_artifact",
            tag,
            "Store an artifact in one pass",
            {201: stored},
            (*DIGESTS, new, IF_MATCH),
            _BYTES,
            (400, 404, 412, 413),
            "Headers `X-Meta-NAME` become its metadata. Nothing is there before all is. Of several at once with the same condition one succeeds.",
        ),
    )
    add(
        app,
        "DELETE",
        path,
        own.remove,
        Operation(
            "delete_artifact",
            tag,
            "Remove an artifact that no record leads to",
            {204: empty("It is not there any more")},
            (IF_MATCH,),
            None,
            (404, 409, 412),
        ),
    )
    add(
        app,
        "POST",
        f"{path}/url",
        own.address,
        Operation(
            "sign_artifact",
            tag,
            "An address that needs no token until it expires",
            {200: json("Address", "The address, a secret")},
            (),
            body("AddressIn", required=False),
            (400, 404, 413, 415),
        ),
    )


def uploads(app: FastAPI, own: Uploads) -> None:
    one, tag = "/uploads/{id}", "uploads"
    upload = json("Upload", "The upload and the parts that have come")
    begun = json("Upload", "The upload", Location="Where it is")
    add(
        app,
        "POST",
        "/uploads",
        own.begin,
        Operation(
            "begin_upload",
            tag,
            "Begin an upload in parts",
            {201: begun},
            (),
            body("UploadIn"),
            (400, 404, 413, 415),
        ),
    )
    add(
        app,
        "GET",
        one,
        own.get,
        Operation("get_upload", tag, "The parts that have come", {200: upload}, problems=(404,)),
    )
    part = json("Part", "What came", ETag="Of the part")
    add(
        app,
        "PUT",
        f"{one}/parts/{{number}}",
        own.part,
        Operation(
            "put_part",
            tag,
            "Send a part; again, if it was interrupted",
            {200: part},
            DIGESTS,
            _BYTES,
            (404, 413),
        ),
    )
    add(
        app,
        "POST",
        f"{one}:complete",
        own.complete,
        Operation(
            "complete_upload",
            tag,
            "Put the parts together",
            {201: json("Artifact", "What was stored", ETag="Of the whole")},
            (),
            body("CompleteIn", required=False),
            (400, 404, 413, 415),
        ),
    )
    add(
        app,
        "DELETE",
        one,
        own.abort,
        Operation("abort_upload", tag, "Give an upload up", {204: empty("It is gone")}, problems=(404,)),
    )
