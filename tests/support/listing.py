"""The listing over a data set, in memory or in DynamoDB, and random data sets to list."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from tests.support.generator import Member
from tests.support.memory_dynamodb import ROLLUPS, TABLES, MemoryDynamoDB
from usagectl.data_set.payload_files import PAYLOAD_FILES, read_stored_items
from usagectl.data_set.rejections import Rejection
from usagectl.data_set.settings import read_min_date
from workspace_usage.access.scope import OwnRuns, Scope, WholeWorkspace
from workspace_usage.aws.credentials import Credentials
from workspace_usage.listing.listing import Listing
from workspace_usage.listing.min_date import MinDate
from workspace_usage.listing.presigning import Bucket
from workspace_usage.rollups.reading import Counts
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.row import Source
from workspace_usage.rows.store import QueryReader, Store
from workspace_usage.summary.summary import Summary

RANDOM_DATA_SETS: Final = [
    (1, "UTC", datetime(2026, 11, 23, 9, 30, tzinfo=UTC)),
    (2, "America/New_York", datetime(2026, 11, 1, 16, 0, tzinfo=UTC)),
    (3, "Europe/Berlin", datetime(2026, 3, 29, 12, 0, tzinfo=UTC)),
    (6, "Asia/Kathmandu", datetime(2026, 1, 5, 23, 59, 59, 999999, tzinfo=UTC)),
]
"""Each data set's seed, the time zone, and now: on days when clocks change, and on others."""


class _Parameter:
    """Systems Manager, with one parameter."""

    def __init__(self, value: str) -> None:
        self._value = value

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Returns the parameter, whatever its name."""
        assert Name
        return {"Parameter": {"Value": self._value}}


def no_min_date() -> MinDate:
    """Returns the setting that hides nothing."""
    return MinDate(cast(Any, _Parameter('{"enabled": false}')), "name", UTC)


_SOURCES: Final = {
    "executions": Source.CURRENT,
    "archived_executions": Source.ARCHIVED,
    "edited_chats": Source.EDITED,
}


def load_into_memory(folder: Path) -> MemoryDynamoDB:
    """Returns a database with a data set's rows, as loading stores them."""
    client = MemoryDynamoDB()
    for file in PAYLOAD_FILES:
        for _, item in read_stored_items(folder / file.name, file):
            assert not isinstance(item, Rejection), item
            if file.table in _SOURCES:
                key = f"{item['workspace_id']['N']}/{item['sort_key']['S']}"
                client.tables[TABLES[_SOURCES[file.table]]][key] = item
    return client


def summary_of(folder: Path, reader: QueryReader, zone: str) -> Summary:
    """Returns a summary of the rows that ``reader`` reads; see ``listing_of``."""
    listing = listing_of(folder, reader, zone)
    return Summary(listing.store, listing.index.counts, listing.min_date, listing.zone)


def listing_of(folder: Path, reader: QueryReader, zone: str) -> Listing:
    """Returns a listing of the rows that ``reader`` reads, with the settings of a data set.

    Args:
        folder: the data set.
        reader: reads the rows, which have been loaded.
        zone: the time zone of the listing's days.
    """
    setting = read_min_date(folder)
    assert isinstance(setting, str)
    return Listing(
        store=Store(reader, TABLES),
        index=PageIndex(Counts(cast(Any, reader), ROLLUPS, ZoneInfo(zone))),
        min_date=MinDate(cast(Any, _Parameter(setting)), "name", ZoneInfo(zone)),
        bucket=Bucket("media", "us-east-1"),
        credentials=lambda: Credentials("key", "secret", "token"),
        url_lifetime=3600,
        zone=ZoneInfo(zone),
    )


def scope_of(member: Member) -> Scope:
    """Returns what a member may see."""
    if member.sees_everyone:
        return WholeWorkspace(member.workspace_id)
    return OwnRuns(member.workspace_id, member.user_id)


def no_limit() -> None:
    """Never says that time is up."""
