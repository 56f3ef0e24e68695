"""Counts begun anew, around whatever writes or deletes rows past the recorder.

Such rows would make a workspace's counts wrong. So it is held before the first of them: what was
counted is as good as gone, and nobody counts. The listing is right meanwhile, and slower. After the
last of them it is released and counted. If something else has released it in between, what was
counted since is given up once more: whoever ends last leaves it right.
"""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from usagectl.resources import Resources
from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.rollups.counting import Counter
from workspace_usage.rollups.counts import Progress, read_head, replace_head
from workspace_usage.rollups.items import HEAD_KEY, UNTIL_RELEASED, Head

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def hold(resources: Resources, workspace_id: int) -> None:
    """Gives up a workspace's counts, and lets nobody count until it is released.

    Raises:
        StoreUnavailable: the table of counts can't be read or written in time.
    """
    client, rollups = resources.dynamodb, resources.tables.rollups
    while True:
        old = read_head(client, rollups, workspace_id)
        held = replace(Head.anew(old, resources.zone), held_until=UNTIL_RELEASED)
        if replace_head(client, rollups, workspace_id, old, held):
            return


def release(resources: Resources, workspace_id: int) -> None:
    """Lets a workspace be counted again, from the beginning; one without a head is left alone.

    Raises:
        StoreUnavailable: the table of counts can't be read or written in time.
    """
    client, rollups = resources.dynamodb, resources.tables.rollups
    while True:
        old = read_head(client, rollups, workspace_id)
        if old is None:
            return
        if replace_head(client, rollups, workspace_id, old, Head.anew(old, resources.zone)):
            return


class Recount(NamedTuple):
    """What came of counting a workspace.

    Attributes:
        head: how far it is counted by now; None when nothing of it ever was.
        is_disturbed: rows that came late, or somebody else who counts, kept it from being counted.
    """

    head: Head | None
    is_disturbed: bool


def count(resources: Resources, workspace_id: int, now: datetime) -> Recount:
    """Counts what isn't counted, as of ``now``, and removes what older generations have left.

    Raises:
        StoreUnavailable: a table can't be read or written in time.
    """
    client, tables = resources.dynamodb, resources.tables
    counter = Counter(client, tables, resources.zone)
    while (progress := counter.count(workspace_id, now)) is Progress.UNFINISHED:
        pass
    head = read_head(client, tables.rollups, workspace_id)
    if head is not None:
        _sweep(client, tables.rollups, workspace_id, head)
    return Recount(head, progress is Progress.HELD_UP)


def recount(resources: Resources, workspace_id: int, now: datetime) -> Recount:
    """Releases a workspace and counts it from the beginning, whatever was counted before.

    Raises:
        StoreUnavailable: a table can't be read or written in time.
    """
    release(resources, workspace_id)
    return count(resources, workspace_id, now)


def _sweep(client: "DynamoDBClient", table: str, workspace_id: int, head: Head) -> None:
    """Deletes the items of older generations: nobody reads them, and they name users."""
    pages = client.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="workspace_id = :workspace_id",
        FilterExpression="generation < :generation",
        ExpressionAttributeValues={
            ":workspace_id": {"N": str(workspace_id)},
            ":generation": {"N": str(head.generation)},
        },
        ProjectionExpression="workspace_id, sort_key",
    )
    with aws_errors_as_unavailable():
        for item in (item for page in pages for item in page["Items"]):
            if item["sort_key"]["S"] == HEAD_KEY:
                continue
            try:
                client.delete_item(
                    TableName=table,
                    Key=item,
                    ConditionExpression="generation < :generation",
                    ExpressionAttributeValues={":generation": {"N": str(head.generation)}},
                )
            except client.exceptions.ConditionalCheckFailedException:
                continue
