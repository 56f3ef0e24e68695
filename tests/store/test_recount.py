"""What imports, erasure and an operator do to the counts of rows, on the real engine."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.support.database import NAMES, load, resources_of
from usagectl.erasure.eraser import Eraser
from usagectl.errors import CommandError, LoadError
from usagectl.loading.checkpoint import Checkpoint
from usagectl.loading.loader import Loader
from usagectl.recount import hold, recount, release
from workspace_usage.rollups.counts import read_head
from workspace_usage.rollups.items import HEAD_KEY, UNTIL_RELEASED, Head, Month, lists_showing
from workspace_usage.rows.row import Source

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

pytestmark = pytest.mark.xdist_group("dynamodb-local")

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def write_rows(folder: Path, rows: int, workspaces: tuple[int, ...] = (11,)) -> None:
    """A data set of ``rows`` old rows in each workspace, three users', one every hour."""
    with (folder / "executions.ndjson").open("w", encoding="utf-8") as file:
        for workspace_id in workspaces:
            for number in range(1, rows + 1):
                at = FIRST + timedelta(hours=number)
                record = {
                    "id": number,
                    "workspace_id": workspace_id,
                    "user_id": 1 + number % 3,
                    "user_email": "somebody@example.com",
                    "created_at": f"{at:%Y-%m-%dT%H:%M:%S.%fZ}",
                    "agent": {"title": "Chat", "slug": "chat", "type": "chat"},
                    "status": "succeeded",
                }
                file.write(json.dumps(record) + "\n")


def head_of(client: "DynamoDBClient", workspace_id: int = 11) -> Head:
    """A workspace's head, which is there."""
    head = read_head(client, NAMES.rollups, workspace_id)
    assert head is not None
    return head


def items(client: "DynamoDBClient", table: str, workspace_id: int) -> Iterator[dict[str, Any]]:
    """A workspace's items of a table."""
    for page in client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="workspace_id = :workspace",
        ExpressionAttributeValues={":workspace": {"N": str(workspace_id)}},
        ConsistentRead=True,
    ):
        yield from page["Items"]


def counted(client: "DynamoDBClient", workspace_id: int = 11) -> Counter[str]:
    """What is counted of a workspace, by list."""
    generation = str(head_of(client, workspace_id).generation)
    found = Counter[str]()
    for item in items(client, NAMES.rollups, workspace_id):
        kind, _, name = item["sort_key"]["S"].partition("#")
        if kind == "days" and item["generation"]["N"] == generation:
            for agent_type, days in Month.from_item(item).days.items():
                row_list = f"{name.rpartition('#')[0]}#type#{agent_type}"
                found[row_list.removesuffix("#type#None")] += sum(map(sum, days.values()))
    return +found


def there(client: "DynamoDBClient", workspace_id: int = 11) -> Counter[str]:
    """What is there to be counted, by list."""
    rows = items(client, NAMES.executions, workspace_id)
    lists = (lists_showing([(Source.CURRENT, row)]) for row in rows)
    return Counter(row_list.name for shown in lists for row_list in shown)


def test_an_import_leaves_its_workspaces_counted(client: "DynamoDBClient", tmp_path: Path) -> None:
    """All rows, once; also when they are loaded a second time, over counts that are there."""
    write_rows(tmp_path, 150, (11, 12))
    for _ in range(2):
        load(tmp_path, client)
        for workspace_id in (11, 12):
            head = head_of(client, workspace_id)
            assert not head.is_held
            assert head.counted_until[:19] == f"{FIRST + timedelta(hours=150):%Y-%m-%dT%H:%M:%S}"
            assert counted(client, workspace_id) == there(client, workspace_id)
            assert counted(client, workspace_id)["all"] == 150


def test_an_import_of_members_holds_nothing(client: "DynamoDBClient", tmp_path: Path) -> None:
    """They are not counted."""
    member = {"workspace_id": 11, "user_id": 1, "permissions": []}
    (tmp_path / "members.ndjson").write_text(json.dumps(member), "utf-8")
    load(tmp_path, client)
    assert read_head(client, NAMES.rollups, 11) is None


class Failing:
    """A client that fails from a certain batch on."""

    def __init__(self, client: "DynamoDBClient", batches: int) -> None:
        self._client = client
        self._left = batches

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_write_item(self, **request: Any) -> Any:
        """Writes, as long as it doesn't fail."""
        # No row is sent whose workspace isn't held.
        for put in next(iter(request["RequestItems"].values())):
            workspace_id = int(put["PutRequest"]["Item"]["workspace_id"]["N"])
            assert head_of(self._client, workspace_id).is_held
        self._left -= 1
        if self._left < 0:
            raise ClientError({"Error": {"Code": "InternalServerError"}}, "BatchWriteItem")
        return self._client.batch_write_item(**request)


def test_what_an_import_that_was_cut_off_held_is_released_by_the_next(
    client: "DynamoDBClient", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a workspace of which no row is left to write; another import leaves it alone."""
    monkeypatch.setattr("usagectl.loading.loader.LINES_PER_CHECKPOINT", 150)
    write_rows(tmp_path, 150, (11, 12))
    notes = tmp_path / "notes"
    # The first workspace takes 8 to 14, and so does the second.
    failing = resources_of(Failing(client, 14))
    with pytest.raises(LoadError, match="does not take the data"):
        Loader(failing, checkpoint=Checkpoint(notes)).load(tmp_path)
    assert head_of(client, 11).is_held
    assert head_of(client, 12).is_held
    assert Checkpoint(notes).held_workspaces == {11, 12}

    other = tmp_path / "other"
    other.mkdir()
    write_rows(other, 150, (13,))
    load(other, client)
    assert head_of(client, 11).is_held
    assert not head_of(client, 13).is_held

    Loader(resources_of(client), checkpoint=Checkpoint(notes)).load(tmp_path)
    for workspace_id in (11, 12):
        assert not head_of(client, workspace_id).is_held
        assert counted(client, workspace_id) == there(client, workspace_id)
        assert counted(client, workspace_id)["all"] == 150
    assert not notes.exists()


def spoil(client: "DynamoDBClient") -> None:
    """Makes each count of days wrong."""
    for item in list(items(client, NAMES.rollups, 11)):
        if item["sort_key"]["S"].startswith("days#"):
            month = Month.from_item(item)
            for days in month.days.values():
                days.update({day: [7] for day in days})
            new = month.to_item(11, item["sort_key"]["S"], head_of(client))
            client.put_item(TableName=NAMES.rollups, Item=new)


def test_counting_anew_makes_wrong_counts_right(client: "DynamoDBClient", tmp_path: Path) -> None:
    """Also those of a workspace that something held and never released."""
    write_rows(tmp_path, 150)
    load(tmp_path, client)
    for is_held in (False, True):
        spoil(client)
        assert is_held or counted(client) != there(client)
        if is_held:
            hold(resources_of(client), 11)
            assert not counted(client)
        head = recount(resources_of(client), 11, NOW).head
        assert head is not None
        assert head == head_of(client)
        assert not head.is_held
        assert head.counted_until
        assert counted(client) == there(client)


def test_a_workspace_without_rows_gets_no_head(client: "DynamoDBClient") -> None:
    """There is nothing to count, and nothing to note."""
    assert recount(resources_of(client), 11, NOW) == (None, False)
    assert not client.scan(TableName=NAMES.rollups)["Items"]


def test_who_writes_while_somebody_else_releases_gets_right_counts(
    client: "DynamoDBClient", tmp_path: Path
) -> None:
    """What was counted before the last row was written is given up."""
    write_rows(tmp_path, 150)
    hold(resources_of(client), 11)
    load(tmp_path, client)
    row = next(items(client, NAMES.executions, 11))
    client.delete_item(
        TableName=NAMES.executions, Key={name: row[name] for name in ("workspace_id", "sort_key")}
    )
    assert counted(client) != there(client)
    release(resources_of(client), 11)
    assert not counted(client)
    recount(resources_of(client), 11, NOW)
    assert counted(client) == there(client)


class Overtaken:
    """A client in whose way somebody writes the head, between the first look and the write."""

    def __init__(self, client: "DynamoDBClient") -> None:
        self._client = client
        self._is_first = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        """Writes, the first time too late."""
        if self._is_first:
            self._is_first = False
            other = Head(3, "UTC", "2026", 5).to_item(11)
            self._client.put_item(TableName=NAMES.rollups, Item=other)
        return self._client.transact_write_items(**request)


def test_a_hold_that_is_overtaken_is_tried_again(client: "DynamoDBClient") -> None:
    """It is made upon the head that is there then."""
    hold(resources_of(client), 11)
    assert head_of(client) == Head(1, "UTC", held_until=UNTIL_RELEASED)
    client.delete_item(
        TableName=NAMES.rollups,
        Key={"workspace_id": {"N": "11"}, "sort_key": {"S": HEAD_KEY}},
    )
    overtaken: Any = Overtaken(client)
    hold(resources_of(overtaken), 11)
    assert head_of(client) == Head(4, "UTC", "", 6, UNTIL_RELEASED)


def test_erasure_with_deletion_ends_in_right_counts(
    client: "DynamoDBClient", tmp_path: Path
) -> None:
    """The person's rows are in no count any more, the others' are."""
    write_rows(tmp_path, 300, (11, 12))
    load(tmp_path, client)
    before = {workspace_id: head_of(client, workspace_id) for workspace_id in (11, 12)}
    place = resources_of(client)
    assert Eraser(place, "User", delete_rows=False).erase(1, NOW).rows_anonymised == 200
    assert {w: head_of(client, w) for w in before} == before
    assert Eraser(place, "User", delete_rows=True).erase(1, NOW).rows_deleted == 200
    for workspace_id in (11, 12):
        assert not head_of(client, workspace_id).is_held
        assert counted(client, workspace_id) == there(client, workspace_id)
        assert counted(client, workspace_id)["all"] == 200
        names = {item["sort_key"]["S"] for item in items(client, NAMES.rollups, workspace_id)}
        assert any("user#2" in name for name in names)
        assert not any("user#1" in name for name in names), "nothing names the person"


def test_erasure_that_fails_holds_nothing(
    client: "DynamoDBClient", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one would not know which workspaces had rows."""
    write_rows(tmp_path, 150)
    load(tmp_path, client)

    def fail(**_: Any) -> None:
        assert head_of(client).is_held
        raise ClientError({"Error": {"Code": "InternalServerError"}}, "DeleteItem")

    with monkeypatch.context() as patch:
        patch.setattr(client, "delete_item", fail)
        with pytest.raises(ClientError):
            Eraser(resources_of(client), "User", delete_rows=True).erase(1, NOW)
    assert not head_of(client).is_held
    assert not counted(client)


def test_erasure_that_can_not_let_go_names_the_workspaces(
    client: "DynamoDBClient", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store goes away while rows are deleted; who reads it knows what is left to do."""
    write_rows(tmp_path, 150, (11, 12))
    load(tmp_path, client)
    delete_item, deleted = client.delete_item, 0

    def delete_some(**request: Any) -> Any:
        nonlocal deleted
        deleted += 1
        if deleted <= 80:  # all of one workspace, and some of the other
            return delete_item(**request)
        monkeypatch.setattr(client, "transact_write_items", fail)
        return fail()

    def fail(**_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url=client.meta.endpoint_url)

    with monkeypatch.context() as patch:
        patch.setattr(client, "transact_write_items", client.transact_write_items)
        patch.setattr(client, "delete_item", delete_some)
        with pytest.raises(CommandError, match="usagectl recount -w 11 -w 12"):
            Eraser(resources_of(client), "User", delete_rows=True).erase(1, NOW)
        patch.undo()
    assert Eraser(resources_of(client), "User", delete_rows=True).erase(1, NOW).rows_deleted > 0
    for workspace_id in (11, 12):
        recount(resources_of(client), workspace_id, NOW)
        assert not head_of(client, workspace_id).is_held
        assert counted(client, workspace_id) == there(client, workspace_id)
