"""A person is erased from DynamoDB Local, which refuses reserved words in expressions."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.support.database import NAMES, resources_of
from usagectl.erasure.eraser import Eraser
from usagectl.erasure.report import ErasureReport
from usagectl.erasure.row_eraser import RowEraser
from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken
from workspace_usage.recording.changes import MembershipChange, TokenChange
from workspace_usage.recording.payloads import parse_row
from workspace_usage.recording.recorder import Recorder
from workspace_usage.rows.row import Source, to_stored_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LAST = "9999-12-31T23:59:59.999999Z#0#0"
"""A version that no event can overtake. An erasure does."""

MODEL = "App\\Models\\User"


class Media:
    """A bucket, as far as objects are deleted from it."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803 - boto3's name
        """Deletes an object."""
        assert Bucket == "media"
        self.deleted.append(Key)


def fill(client: "DynamoDBClient") -> None:
    """Stores two people in two workspaces, each with a token, memberships and rows.

    One row of each person is being archived: it is in both tables.
    """
    recorder = Recorder(client, NAMES, lambda _: None)
    for user_id in (1, 2):
        token = AccessToken(user_id, MODEL, user_id, "0" * 64, frozenset(), NOW, None)
        recorder.apply(TokenChange(user_id, token, LAST), NOW)
        for workspace_id in (11, 12):
            member = Membership(workspace_id, user_id, frozenset({"any"}))
            recorder.apply(MembershipChange(workspace_id, user_id, member, LAST), NOW)
            record = {
                "id": user_id,
                "workspace_id": workspace_id,
                "user_id": user_id,
                "user_email": f"user{user_id}@example.com",
                "created_at": "2026-03-01T00:00:00.000000Z",
                "agent": {"title": "Image", "slug": "image", "type": "image"},
                "status": "succeeded",
                "output": f"{workspace_id}/{user_id}.png",
            }
            row = parse_row(Source.CURRENT, record)
            client.put_item(TableName=NAMES.executions, Item=to_stored_item(row))
            old = {**record, "id": 100 + user_id, "output": f"{workspace_id}/{user_id}-old.png"}
            for twin in (record, old):
                item = to_stored_item(parse_row(Source.ARCHIVED, twin))
                client.put_item(TableName=NAMES.archived_executions, Item=item)


TABLES: Final = (
    NAMES.executions,
    NAMES.archived_executions,
    NAMES.access_tokens,
    NAMES.memberships,
)
"""The tables that have something about people."""


def everything(client: "DynamoDBClient") -> str:
    """Returns all that the tables contain about people, as text."""
    return str([client.scan(TableName=table)["Items"] for table in TABLES])


def eraser(client: "DynamoDBClient", media: Any, *, delete_rows: bool) -> Eraser:
    """Returns an eraser for these tables."""
    return Eraser(replace(resources_of(client), s3=media), MODEL, delete_rows)


def test_one_person_is_erased_and_the_other_is_not(client: "DynamoDBClient") -> None:
    """In all workspaces. A second run finds nothing left to do.

    The media are deleted as well, those of archived rows included, each once.
    """
    fill(client)
    media = Media()
    read: list[int] = []
    done = replace(eraser(client, media, delete_rows=False), advance=read.append).erase(1)
    assert sum(read) >= sum(client.scan(TableName=table)["Count"] for table in TABLES)
    assert (done.tokens_revoked, done.memberships_removed, done.rows_anonymised) == (1, 2, 6)
    assert "user1@example.com" not in everything(client)
    assert everything(client).count("user2@example.com") == 6
    again = eraser(client, media, delete_rows=False).erase(1)
    assert set(again.as_dict().values()) == {0}
    gone = eraser(client, media, delete_rows=True).erase(1)
    assert (gone.rows_deleted, gone.media_deleted) == (6, 4)
    assert sorted(media.deleted) == ["11/1-old.png", "11/1.png", "12/1-old.png", "12/1.png"]
    assert len(client.scan(TableName=NAMES.executions)["Items"]) == 2


def put(client: "DynamoDBClient", number: int, output: str, **fields: Any) -> None:
    """Stores a row with an image, of user 1 in workspace 11 unless the fields say otherwise."""
    archived = fields.pop("archived", False)
    record = {
        "id": number,
        "workspace_id": 11,
        "user_id": 1,
        "user_email": "somebody@example.com",
        "created_at": "2026-03-01T00:00:00.000000Z",
        "agent": {"title": "Image", "slug": "image", "type": "image"},
        "status": "succeeded",
        "output": output,
        **fields,
    }
    item = {**to_stored_item(parse_row(Source.CURRENT, record)), "output": {"S": output}}
    table = NAMES.archived_executions if archived else NAMES.executions
    client.put_item(TableName=table, Item=item)


def test_media_that_other_rows_show_stay(client: "DynamoDBClient") -> None:
    """Also rows of other workspaces and archived ones. An object is counted once."""
    put(client, 1, "own.png")
    put(client, 2, "own.png", archived=True)
    put(client, 3, "shared.png")
    put(client, 4, "shared.png", user_id=2, workspace_id=12)
    put(client, 5, "archived.png")
    put(client, 6, "archived.png", user_id=3, archived=True)
    put(client, 7, "https://example.com/a.png")
    put(client, 8, "other.png", user_id=2)
    media = Media()
    done = eraser(client, media, delete_rows=True).erase(1)
    assert (done.rows_deleted, done.media_deleted, done.media_kept) == (5, 1, 2)
    assert media.deleted == ["own.png"]
    assert len(client.scan(TableName=NAMES.executions)["Items"]) == 2
    again = eraser(client, media, delete_rows=True).erase(1)
    assert set(again.as_dict().values()) == {0}


def test_an_erasure_that_fails_at_the_media_can_be_started_again(
    client: "DynamoDBClient",
) -> None:
    """No row is deleted before its object, so the next erasure finds all keys."""
    for number in range(1, 31):
        put(client, number, f"{number}.png")

    class Failing(Media):
        def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803 - boto3's name
            if len(self.deleted) > 10:
                raise EndpointConnectionError(endpoint_url="s3")
            super().delete_object(Bucket=Bucket, Key=Key)

    with pytest.raises(EndpointConnectionError):
        eraser(client, Failing(), delete_rows=True).erase(1)
    media = Media()
    done = eraser(client, media, delete_rows=True).erase(1)
    assert (done.rows_deleted, done.media_deleted) == (30, 30)


def test_a_row_that_is_deleted_meanwhile_does_not_come_back(client: "DynamoDBClient") -> None:
    """Not even as an item that has nothing but its key, which the listing could not show."""
    put(client, 1, "a.png")
    put(client, 2, "b.png")
    first, second = client.scan(TableName=NAMES.executions)["Items"]
    report = ErasureReport()

    def delete_first(_: int) -> None:
        key = {name: first[name] for name in ("workspace_id", "sort_key")}
        client.delete_item(TableName=NAMES.executions, Key=key)

    # The rows are read, and then written.
    RowEraser(resources_of(client), delete_first).anonymise(1, report)
    assert report.rows_anonymised == 1
    left = client.scan(TableName=NAMES.executions)["Items"]
    assert left == [{**second, "user_email": {"S": ""}}]
