"""A database whose rows are counted, and its pages, at a time that a test moves."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.support.database import NAMES, reader_of, resources_of
from tests.support.listing import no_min_date
from tests.support.loading import Requests
from tests.support.summary_oracle import add_up
from usagectl.counts_check import CountsCheck
from usagectl.resources import Resources
from workspace_usage.access.scope import OwnRuns, WholeWorkspace
from workspace_usage.listing.answer import to_item
from workspace_usage.listing.page import Page, read_page
from workspace_usage.listing.query import Query
from workspace_usage.rollups.counter import Counter, Report
from workspace_usage.rollups.items import state_of, state_query
from workspace_usage.rollups.marks import MarkWriter
from workspace_usage.rollups.reading import Counts
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.store import Meter, Store
from workspace_usage.rows.window import between
from workspace_usage.summary.summary import Summary

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

FIRST: Final = datetime(2026, 3, 1, tzinfo=UTC)
"""Before the first row."""

WORKSPACE: Final = 11
_DATES: Final = {"start_date": "2026-03-01", "end_date": "2026-05-29"}
_WINDOW: Final = between(date(2026, 3, 1), date(2026, 5, 29), UTC)
_NO_COUNTS: Final = NAMES.edited_chats
"""A table of the same key that has no counts."""


def write_rows(
    folder: Path,
    numbers: Sequence[int],
    name: str = "executions",
    step: timedelta = timedelta(minutes=15),
    users: int = 3,
) -> Path:
    """Writes a data set of old rows of some users, one for each ``step``."""
    folder.mkdir(exist_ok=True)
    id_name = "user_openai_id" if name == "edited" else "id"
    with (folder / f"{name}.ndjson").open("w", encoding="utf-8") as file:
        for number in numbers:
            payload = {
                id_name: number,
                "workspace_id": WORKSPACE,
                "user_id": 1 + number % users,
                "user_email": f"user{1 + number % users}@example.com",
                "created_at": f"{FIRST + number * step:%Y-%m-%dT%H:%M:%S.%fZ}",
                "agent": {"title": f"Chat {number % 97}", "slug": "chat", "type": "chat"},
                "status": "failed" if number % 7 == 0 else "succeeded",
                "credits": f"0.{number % 1_009}",
                "used_model": [None, "gpt-5", "модель-ü"][number % 5 % 3],
                "detailed_credits": {"billing": "tokens", "total_tokens": number},
            }
            file.write(json.dumps(payload) + "\n")
    return folder


@dataclass
class CountedDatabase:
    """A database in DynamoDB Local.

    Attributes:
        client: its client.
        now: the time of commands, counter and pages.
        requests: the requests to count.
    """

    client: "DynamoDBClient"
    now: datetime = datetime(2026, 6, 1, 12, tzinfo=UTC)
    requests: Requests = field(default_factory=Requests)

    def resources(self, client: object = None) -> Resources:
        """Returns the database as a command's resources; the command may have its own client."""
        return resources_of(client or self.client, lambda: self.now, self.requests)

    def count(self) -> Report:
        """Lets the counter run once."""
        return Counter(self.client, NAMES, UTC, lambda: self.now).count(WORKSPACE)

    def count_all(self) -> None:
        """Lets time pass and the counter run until there is nothing more to count."""
        assert WORKSPACE in {workspace_id for workspace_id, _ in self.requests.sent}
        for _ in range(3):
            self.now += timedelta(minutes=5)
            report = self.count()
        self.now += timedelta(minutes=1)
        assert report.retry_after is None
        assert self.marks() == {}
        assert CountsCheck(self.resources(), WORKSPACE).check_sample().startswith("right")

    def mark(self, hours: Sequence[str]) -> None:
        """Puts marks, as a writer does before it changes rows of these hours."""
        MarkWriter(self.client, NAMES.rollups, lambda _: None).mark(WORKSPACE, hours, self.now)

    def marks(self) -> dict[str, int]:
        """Returns the workspace's marks."""
        found: Any = self.client.query(**state_query(NAMES.rollups, WORKSPACE))
        return dict(state_of(found["Items"])[1].marked_at)

    def check_pages(self, pages: Sequence[int] = range(6, 40)) -> int:
        """Compares pages with counts and without; returns how many fewer rows counts lead to."""
        saved = 0
        for scope in (WholeWorkspace(WORKSPACE), OwnRuns(WORKSPACE, 1)):
            for number in pages:
                expected, rows = self._page(scope, number, _NO_COUNTS)
                found, rows_with_counts = self._page(scope, number, NAMES.rollups)
                assert found == expected
                saved += rows - rows_with_counts
                if not expected.has_more:
                    break
        return saved

    def check_sums(self, questions: Sequence[str] = ("", "agent", "user,model", "status")) -> None:
        """Compares summaries with what the listing's rows add up to."""
        for scope in (WholeWorkspace(WORKSPACE), OwnRuns(WORKSPACE, 1)):
            items = self._list(scope)
            for group_by in questions:
                query = {**_DATES, "group_by": group_by, "interval": "week"}
                expected = add_up(items, query, _WINDOW.start, _WINDOW.end, UTC)
                assert self._summary(scope, query) == expected, (scope, query)

    def _list(self, scope: Any) -> list[Any]:
        """Returns all of the listing's items, by cursor."""
        reader = reader_of(self.client)
        index = PageIndex(Counts(reader, _NO_COUNTS, UTC), lambda: self.now)
        items, cursor = [], None
        while True:
            query = Query.parse({"per_page": "100", "cursor": cursor})
            store, meter = Store(reader, NAMES.by_source), Meter(lambda: None)
            page = read_page(store, index, scope, query, _WINDOW, meter)
            items += [to_item(row, lambda key: key) for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                return items

    def _summary(self, scope: Any, query: dict[str, str]) -> Any:
        reader = reader_of(self.client)
        counts = Counts(reader, NAMES.rollups, UTC)
        summary = Summary(Store(reader, NAMES.by_source), counts, no_min_date(), UTC)
        meter = Meter(lambda: None)
        return summary.answer(scope, query, now=self.now, meter=meter, warn=print)

    def _page(self, scope: Any, number: int, rollups: str) -> tuple[Page, int]:
        reader, meter = reader_of(self.client), Meter(lambda: None)
        index = PageIndex(Counts(reader, rollups, UTC), lambda: self.now)
        query = Query.parse({"page": str(number), "per_page": "20"})
        page = read_page(Store(reader, NAMES.by_source), index, scope, query, _WINDOW, meter)
        return page, meter.rows.total()


class Meanwhile:
    """A client of a command: around each of its writes of rows, something else happens."""

    def __init__(self, client: "DynamoDBClient", happens: Callable[[], object]) -> None:
        self._client = client
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        if name not in ("batch_write_item", "delete_item", "update_item"):
            return method

        def write(**request: Any) -> Any:
            self._happens()
            response = method(**request)
            self._happens()
            return response

        return write


class Killed(BaseException):
    """The command's process is gone."""


def kill_after(calls: int) -> Callable[[], None]:
    """Returns what kills a command after some calls."""
    left = iter(range(calls))

    def kill() -> None:
        if next(left, None) is None:
            raise Killed

    return kill
