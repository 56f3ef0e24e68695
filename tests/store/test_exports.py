"""Exports hold exactly what the listing shows, whatever happens to the runs that write them."""

import csv
import gzip
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta
from io import StringIO
from itertools import count, product
from math import inf
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from local.aws import session
from local.dynamodb.process import DynamoDBLocal
from local.moto.process import MotoServer
from local.template.template import Template
from tests.support.database import EXPORTS, NAMES, database, load, reader_of
from tests.support.generator import Member, write_dataset
from tests.support.listing import RANDOM_DATA_SETS, listing_of, no_limit, scope_of
from tests.support.oracle import TYPES
from workspace_usage.access.scope import Caller
from workspace_usage.aws.credentials import Credentials
from workspace_usage.errors import NotFound, StoreUnavailable
from workspace_usage.exporting.export import Export, Owner
from workspace_usage.exporting.exporter import Exporter
from workspace_usage.exporting.exports import Exports
from workspace_usage.exporting.files import ExportFiles
from workspace_usage.exporting.formats import Format
from workspace_usage.exporting.query import ExportQuery
from workspace_usage.exporting.store import SLOTS, ExportStore, Overtaken
from workspace_usage.listing.answer import Item
from workspace_usage.listing.encoding import to_json
from workspace_usage.listing.listing import Listing
from workspace_usage.listing.presigning import Bucket
from workspace_usage.rows.row import ARRIVED_AT
from workspace_usage.rows.store import Meter, Store
from workspace_usage.values import to_milliseconds

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

pytestmark = pytest.mark.xdist_group("dynamodb-local")

SEED, _, NOW = RANDOM_DATA_SETS[0]
BUCKET: Final = "exports"
PART_BYTES: Final = 1
"""When a part is long enough here: it has some hundred rows."""

NINETY_DAYS: Final = {
    "start_date": (NOW - timedelta(days=88)).date().isoformat(),
    "end_date": NOW.date().isoformat(),
}


class Killed(BaseException):
    """The process is killed."""


class Proxy:
    """A client that does something around its calls to AWS."""

    def __init__(self, client: Any, around: Callable[[Callable[[], Any]], Any]) -> None:
        self._client, self._around = client, around
        self.exceptions = client.exceptions

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)
        return lambda **request: self._around(lambda: method(**request))


@dataclass
class Queue:
    """The exporter's queue: what was sent."""

    sent: list[tuple[Owner, str]] = field(default_factory=list)

    def send(self, owner: Owner, export_id: str) -> None:
        """Takes a message."""
        self.sent.append((owner, export_id))


@dataclass(frozen=True)
class History:
    """A data set in the engine, a bucket, and what exports and lists it."""

    dynamodb: "DynamoDBClient"
    s3: "S3Client"
    members: tuple[Member, ...]
    listing: Listing

    def exports(self, queue: Queue) -> Exports:
        """What starts exports."""
        return Exports(
            store=ExportStore(self.dynamodb, EXPORTS),
            queue=cast(Any, queue),
            min_date=self.listing.min_date,
            bucket=Bucket(BUCKET, "us-east-1"),
            credentials=lambda: Credentials("key", "secret"),
            url_lifetime=3600,
            zone=UTC,
        )

    def start(self, member: Member, file_format: Format = "ndjson", **filters: str) -> Export:
        """Starts an export of ninety days as it was started at ``NOW``."""
        fields = {**NINETY_DAYS, "format": file_format, **filters}
        caller = Caller(member.user_id, scope_of(member))
        for slot in SLOTS:
            key = {"owner": {"S": f"slots/{member.user_id}"}, "item_key": {"S": slot}}
            self.dynamodb.delete_item(TableName=EXPORTS, Key=key)
        return self.exports(Queue()).start(caller, ExportQuery.parse(fields), NOW, print)

    def exporter(
        self, around: Callable[[Callable[[], Any]], Any] = lambda call: call()
    ) -> Exporter:
        """What writes exports; ``around`` makes each of its calls."""
        reader = reader_of(self.dynamodb)
        return Exporter(
            exports=ExportStore(cast(Any, Proxy(self.dynamodb, around)), EXPORTS),
            files=ExportFiles(cast(Any, Proxy(self.s3, around)), BUCKET),
            store=Store(reader, NAMES.by_source),
            clock=lambda: NOW,
            part_bytes=PART_BYTES,
        )

    def write(self, export: Export, exporter: Exporter | None = None) -> Export | None:
        """Writes an export until there is no time or nothing left to do."""
        made = exporter or self.exporter()
        return made.write(export.owner, export.id, lambda: True, Meter(no_limit))

    def text(self, export: Export) -> str:
        """Returns the text of an export's file."""
        response = self.s3.get_object(Bucket=BUCKET, Key=export.object_key)
        return gzip.decompress(response["Body"].read()).decode("utf-8")

    def walk(self, member: Member, **filters: str) -> list[Item]:
        """Returns the items of the listing, page by page, with media's keys as links."""
        items: list[Item] = []
        query = {**NINETY_DAYS, **filters, "per_page": "100"}
        while True:
            body = self.listing.answer(
                scope_of(member), query, now=NOW, meter=Meter(no_limit), warn=print
            )
            items += body["items"]
            if body["next_cursor"] is None:
                return [_with_key(item) for item in items]
            query["cursor"] = body["next_cursor"]


def _with_key(item: Item) -> Item:
    is_presigned = item["link"] is not None and "X-Amz-Signature=" in item["link"]
    return {**item, "link": item["output"]} if is_presigned else item


def lines(items: list[Item]) -> str:
    """Returns items as NDJSON."""
    return "".join(f"{to_json(item)}\n" for item in items)


@pytest.fixture(scope="module")
def history(
    engine: DynamoDBLocal, template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[History]:
    """A random data set, loaded as an operator loads one, and a bucket with short parts."""
    folder = tmp_path_factory.mktemp("data")
    members = write_dataset(folder, SEED, NOW)
    with ExitStack() as parts:
        moto = MotoServer(settings={"S3_UPLOAD_PART_MIN_SIZE": "0"})
        parts.callback(moto.stop)
        client = parts.enter_context(database(engine.url, template))
        load(folder, client)
        s3 = session().client("s3", endpoint_url=moto.url())
        s3.create_bucket(Bucket=BUCKET)
        yield History(client, s3, members, listing_of(folder, reader_of(client), "UTC"))


@pytest.fixture
def owner(history: History) -> Member:
    """A member who sees everyone."""
    return next(member for member in history.members if member.sees_everyone)


def test_an_export_holds_what_the_listing_shows(history: History) -> None:
    """For each member and type; members who see only their own runs get these."""
    for member, kind in product(history.members, TYPES):
        export = history.start(member, type=kind)
        done = history.write(export)
        items = history.walk(member, type=kind)
        assert done is not None
        assert (done.status, done.progress.rows) == ("done", len(items))
        assert history.text(export) == lines(items)


@pytest.mark.parametrize("is_killed_after", [False, True], ids=["before", "after"])
def test_a_run_that_is_killed_at_any_call_changes_nothing_of_the_file(
    history: History, owner: Member, is_killed_after: bool
) -> None:
    """Before or after a table or the bucket has done what it was asked for."""
    expected = lines(history.walk(owner))
    for deadly in count(1):
        calls = count(1)

        def around(call: Callable[[], Any], calls: Any = calls, deadly: int = deadly) -> Any:
            is_deadly = next(calls) == deadly
            if is_deadly and not is_killed_after:
                raise Killed
            response = call()
            if is_deadly:
                raise Killed
            return response

        export = history.start(owner)
        is_killed = True
        with suppress(Killed):
            history.write(export, history.exporter(around))
            is_killed = False
        history.write(export)  # its message comes again
        assert history.text(export) == expected
        if not is_killed:
            assert deadly > 9, "a file of several parts takes more calls"
            return


def test_a_message_that_comes_twice_changes_nothing_of_the_file(
    history: History, owner: Member
) -> None:
    """A second run begins during any call of the first one, which then gives up.

    The first one may find the upload completed. Then its message comes once more.
    """
    expected = lines(history.walk(owner))
    for moment in count(1):
        calls, export = count(1), history.start(owner)

        def around(
            call: Callable[[], Any],
            calls: Any = calls,
            moment: int = moment,
            export: Export = export,
        ) -> Any:
            if next(calls) == moment:
                history.write(export)
            return call()

        is_overtaken = True
        with suppress(Overtaken, StoreUnavailable):
            history.write(export, history.exporter(around))
            is_overtaken = False
        assert history.write(export) is None
        assert history.text(export) == expected
        if next(calls) <= moment:
            assert not is_overtaken
            return


def test_no_two_runs_write_the_same_part(history: History, owner: Member) -> None:
    """Not even if one begins while the other uploads: the file would have a part of each."""
    export = history.start(owner)
    numbers: list[int] = []

    def write(has_time: Callable[[], bool] = lambda: True) -> None:
        files = ExportFiles(cast(Any, Uploads(history.s3, lambda call: call())), BUCKET)
        exporter = replace(history.exporter(), files=files)
        exporter.write(export.owner, export.id, has_time, Meter(no_limit))

    class Uploads(Proxy):
        def __getattr__(self, name: str) -> Any:
            if name == "upload_part":
                return self.upload_part
            return super().__getattr__(name)

        def upload_part(self, **request: Any) -> Any:
            numbers.append(request["PartNumber"])
            if len(numbers) == 1:
                write(iter([True, False]).__next__)
            return self._client.upload_part(**request)

    with pytest.raises(Overtaken):
        write()
    write()
    assert history.text(export) == lines(history.walk(owner))
    assert len(numbers) == len(set(numbers)) > 2


@pytest.mark.parametrize("times", [1, inf], ids=["once", "always"])
def test_a_write_that_meets_another_transaction_is_tried_again(
    history: History, owner: Member, monkeypatch: pytest.MonkeyPatch, times: float
) -> None:
    """DynamoDB refuses it although nothing was written. Then the run has not been overtaken."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    reasons = {"CancellationReasons": [{"Code": "TransactionConflict"}]}
    conflicts = [0]

    def conflict(**_: object) -> None:
        conflicts[0] += 1
        error: Any = history.dynamodb.exceptions.TransactionCanceledException
        raise error({**reasons, "Error": {"Code": "x"}}, "TransactWriteItems")

    class Contended(Proxy):
        """A client one of whose transactions, or each, meets another one."""

        def __getattr__(self, name: str) -> Any:
            if name == "transact_write_items" and conflicts[0] < times:
                return conflict
            return super().__getattr__(name)

    export, expected = history.start(owner), lines(history.walk(owner))
    exporter = history.exporter()
    client = cast(Any, Contended(history.dynamodb, lambda call: call()))
    contended = replace(exporter, exports=ExportStore(client, EXPORTS))
    if times == 1:
        history.write(export, contended)
        assert conflicts == [1]
        assert history.text(export) == expected
    else:
        with pytest.raises(StoreUnavailable):
            history.write(export, contended)
        assert history.write(export) is not None, "it still runs"


def test_a_run_without_time_for_another_part_leaves_it_to_the_next(
    history: History, owner: Member
) -> None:
    export = history.start(owner, "csv")
    runs = 0
    written: Export | None = export
    while written is not None and written.status == "running":
        has_time = iter([True, False]).__next__
        written = history.exporter().write(export.owner, export.id, has_time, Meter(no_limit))
        runs += 1
    assert written is not None
    assert (runs, written.status) == (len(written.progress.parts), "done")
    assert runs > 1
    table = csv.reader(StringIO(history.text(export), newline=""))
    assert sum(1 for _ in table) == written.progress.rows + 1


def test_rows_that_arrive_later_are_left_out(history: History, owner: Member) -> None:
    """A row that the recorder wrote before the export was asked for is in it, of course."""
    items = history.walk(owner)
    key = {"workspace_id": {"N": str(owner.workspace_id)}}
    moments = {1: NOW - timedelta(seconds=1), 2: NOW + timedelta(seconds=1)}
    put: list[dict[str, Any]] = []
    for number, moment in moments.items():
        item: dict[str, Any] = {
            **key,
            "sort_key": {"S": f"{NOW.date()}T00:00:00.000000Z#0#{number:020d}"},
            "user_id": {"N": "1"},
            "user_email": {"S": "ana@example.com"},
            "agent_type": {"S": "chat"},
            "agent_title": {"S": "Agent"},
            "agent_slug": {"S": "agent"},
            "status": {"S": "succeeded"},
            "credits": {"N": "1"},
            ARRIVED_AT: {"N": str(to_milliseconds(moment))},
        }
        history.dynamodb.put_item(TableName=NAMES.executions, Item=item)
        put.append(item)
    try:
        export = history.start(owner)
        done = history.write(export)
        text = history.text(export)
        assert done is not None
        assert len(history.walk(owner)) == len(items) + 2
        assert done.progress.rows == text.count("\n") == len(items) + 1
        assert '{"id":1,' in text
        assert '{"id":2,' not in text
    finally:
        for item in put:
            chosen = {**key, "sort_key": item["sort_key"]}
            history.dynamodb.delete_item(TableName=NAMES.executions, Key=chosen)


def test_an_export_without_rows_is_a_file(history: History, owner: Member) -> None:
    export = history.start(owner, "csv", user_id="77")
    done = history.write(export)
    assert done is not None
    assert (done.status, done.progress.rows) == ("done", 0)
    assert history.text(export).startswith("\ufeffid,created_at,")


def test_an_export_that_nobody_expects_any_more_has_failed(history: History, owner: Member) -> None:
    """It has lain for a day, or nobody has written it for hours."""
    export = history.start(owner)
    late = replace(history.exporter(), clock=lambda: NOW + timedelta(hours=3))
    failed = history.write(export, late)
    assert failed is not None
    assert failed.status == "failed"
    assert history.write(export) is None, "it does not run any more"


def test_an_id_that_no_export_can_have_is_an_unknown_one(history: History, owner: Member) -> None:
    """The engine refuses a key of more than 1 KB; the caller must not take that for an outage."""
    caller = Caller(owner.user_id, scope_of(owner))
    for export_id in ("a", "a" * 32, "é" * 32, "a" * 3000):
        with pytest.raises(NotFound):
            history.exports(Queue()).find(caller, export_id, NOW)
