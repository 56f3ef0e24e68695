"""Writes a data set into a deployment's tables, bucket and parameter.

Loading twice changes nothing: each line has its place. What is written lacks a version, so that any
event from the platform counts as newer.
"""

import mimetypes
import random
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from botocore.exceptions import BotoCoreError, ClientError

from usagectl import recount
from usagectl.checkpoint import Checkpoint, Progress, fingerprint
from usagectl.dataset import (
    MEDIA_FOLDER,
    RECORDS,
    SETTINGS_FILE,
    Item,
    Records,
    Rejection,
    UnreadableFile,
    find_file,
    read_items,
    read_media,
    read_min_date,
)
from workspace_usage.errors import StoreUnavailable
from workspace_usage.settings import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

BATCH: Final = 25
"""Items in one call: the most that BatchWriteItem takes."""

WRITERS: Final = 8
"""Calls under way at the same time."""

PATIENCE: Final = 12
"""How often what a table did not take is offered again, ever more slowly, before it fails."""

STRETCH: Final = 5_000
"""Lines between two checkpoints: what has to be written again after a crash, at most."""

type Notify = Callable[[int], object]
"""Is told of so many more lines that are done."""


class LoadError(Exception):
    """A data set can't be loaded; the text says why."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a data set goes: names, clients that reach them, and the zone whose days count."""

    tables: Tables
    bucket: str
    min_date_parameter: str
    dynamodb: "DynamoDBClient"
    s3: "S3Client"
    ssm: "SSMClient"
    zone: tzinfo


@dataclass(slots=True)
class LoadReport:
    """What became of a data set: items that were loaded, by file, and lines that were rejected."""

    loaded: dict[str, int] = field(default_factory=dict)
    rejected: int = 0


def _ignore(_: object) -> None:
    """For what nobody wants to be told of."""


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads data sets.

    Attributes:
        destination: where they go.
        advance: is told of lines that are done, those that an earlier import did included.
        reject: is told of each line that can't be used.
        checkpoint: where an earlier import that was cut off got to, and where this one gets to.
        keep_newer: leave what an event of the platform has written. It takes longer, since each
            item is then written by itself.
    """

    destination: Destination
    advance: Notify = _ignore
    reject: Callable[[Rejection], object] = _ignore
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    keep_newer: bool = False

    def load(self, folder: Path) -> LoadReport:
        """Loads the data set in ``folder``.

        Raises:
            LoadError: the folder can't be read, or the destination can't be written.
        """
        if not folder.is_dir():
            raise LoadError(f"{folder} is no folder")
        report = LoadReport()
        holds = Holds(self.destination, self.checkpoint)
        try:
            for records in RECORDS:
                self._load_records(folder, records, report, holds)
            holds.end()
            self._load_setting(folder, report)
            self._load_media(folder, report)
            self.checkpoint.remove()
        except UnreadableFile as error:
            raise LoadError(str(error)) from None
        except OSError as error:
            raise LoadError(f"{error.filename}: {error.strerror}") from None
        except (BotoCoreError, ClientError) as error:
            raise LoadError(f"the store does not take the data: {error}") from error
        except StoreUnavailable as error:
            raise LoadError(f"the workspaces' counts can't be kept: {error}") from error
        return report

    def _load_records(
        self, folder: Path, records: Records, report: LoadReport, holds: "Holds"
    ) -> None:
        path = find_file(folder, records)
        if path is None:
            report.loaded[records.file] = 0
            return
        known = fingerprint(path)
        done = self.checkpoint.progress(path.name, known)
        self.advance(done.lines)
        table: str = getattr(self.destination.tables, records.table)
        put = _put_unless_newer if self.keep_newer else _put_batch
        with ThreadPoolExecutor(WRITERS) as executor:
            lanes = Lanes(executor, partial(put, self.destination.dynamodb, table))
            for stretch in batched(read_items(path, records, done.lines), STRETCH, strict=False):
                holds.take(_workspaces(stretch))
                done = self._write(stretch, lanes, done)
                self.checkpoint.reached(path.name, known, done)
        report.loaded[records.file] = done.loaded
        report.rejected += done.rejected

    def _write(
        self, stretch: Iterable[tuple[int, Item | Rejection]], lanes: "Lanes", done: Progress
    ) -> Progress:
        """Writes some lines; when it returns, the tables have them."""
        for number, item in stretch:
            if isinstance(item, Rejection):
                self.reject(item)
                done = replace(done, rejected=done.rejected + 1)
            else:
                lanes.put(_key(item), item)
                done = replace(done, loaded=done.loaded + 1)
            self.advance(number - done.lines)
            done = replace(done, lines=number)
        lanes.finish()
        return done

    def _load_setting(self, folder: Path, report: LoadReport) -> None:
        setting = read_min_date(folder)
        if isinstance(setting, Rejection):
            self.reject(setting)
            report.rejected += 1
        elif setting is not None:
            self.destination.ssm.put_parameter(
                Name=self.destination.min_date_parameter,
                Value=setting,
                Type="String",
                Overwrite=True,
            )
            report.loaded[SETTINGS_FILE] = 1

    def _load_media(self, folder: Path, report: LoadReport) -> None:
        files = list(read_media(folder))
        known = str(crc32("\n".join(f"{key} {fingerprint(path)}" for key, path in files).encode()))
        done = self.checkpoint.progress(MEDIA_FOLDER, known).lines
        with ThreadPoolExecutor(WRITERS) as executor:
            for some in batched(files[done:], 10 * WRITERS, strict=False):
                for _ in executor.map(self._upload, some):
                    done += 1
                self.checkpoint.reached(MEDIA_FOLDER, known, Progress(done, done))
        report.loaded[MEDIA_FOLDER] = done

    def _upload(self, file: tuple[str, Path]) -> None:
        key, path = file
        kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
        with path.open("rb") as content:
            self.destination.s3.put_object(
                Bucket=self.destination.bucket, Key=key, Body=content, ContentType=kind
            )


class Holds:
    """The workspaces whose counts are given up because rows are written past the recorder.

    Those of an import that was cut off are released with this one's.
    """

    def __init__(self, destination: Destination, checkpoint: Checkpoint) -> None:
        self._destination = destination
        self._checkpoint = checkpoint
        self._taken: set[int] = set()

    def take(self, workspace_ids: set[int]) -> None:
        """Holds those of these workspaces that this import doesn't hold yet."""
        new = workspace_ids - self._taken
        if not new:
            return
        # Noted first: what is held and not noted would never be released.
        self._checkpoint.hold(new)
        with ThreadPoolExecutor(WRITERS) as executor:
            for _ in executor.map(partial(recount.hold, self._destination), new):
                pass
        self._taken |= new

    def end(self) -> None:
        """Releases and counts what is held: all rows are written."""
        held, now = sorted(self._checkpoint.held), datetime.now(UTC)
        with ThreadPoolExecutor(WRITERS) as executor:
            for _ in executor.map(
                lambda workspace_id: recount.recount(self._destination, workspace_id, now), held
            ):
                pass
        self._checkpoint.let_go()
        self._taken.clear()


class Lanes:
    """Writes items in parallel, but those with the same key in their order, so the last one stays.

    Each lane has one call under way at a time.
    """

    def __init__(self, executor: Executor, write: Callable[[list[Item]], None]) -> None:
        self._lanes = [_Lane(executor, write) for _ in range(WRITERS)]

    def put(self, key: str, item: Item) -> None:
        """Takes an item, to be written soon."""
        self._lanes[crc32(key.encode()) % WRITERS].put(key, item)

    def finish(self) -> None:
        """Returns when everything is written."""
        for lane in self._lanes:
            lane.send()
        for lane in self._lanes:
            lane.wait()


class _Lane:
    def __init__(self, executor: Executor, write: Callable[[list[Item]], None]) -> None:
        self._executor = executor
        self._write = write
        self._batch: dict[str, Item] = {}
        self._under_way: Future[None] | None = None

    def put(self, key: str, item: Item) -> None:
        """Takes an item; of two with one key, the later stays."""
        self._batch[key] = item
        if len(self._batch) == BATCH:
            self.send()

    def send(self) -> None:
        self.wait()
        if self._batch:
            items, self._batch = list(self._batch.values()), {}
            self._under_way = self._executor.submit(self._write, items)

    def wait(self) -> None:
        if self._under_way is not None:
            self._under_way.result()


def _workspaces(lines: Iterable[tuple[int, Item | Rejection]]) -> set[int]:
    """The workspaces of which there are rows among these lines; members and tokens are none."""
    items = (item for _, item in lines if not isinstance(item, Rejection))
    return {int(found) for found in {i["workspace_id"]["N"] for i in items if "sort_key" in i}}


def _key(item: Item) -> str:
    """What tells an item from the others of its table."""
    return "/".join(item[name]["N" if "N" in item[name] else "S"] for name in _key_names(item))


def _key_names(item: Item) -> tuple[str, ...]:
    if "token_id" in item:
        return ("token_id",)
    return ("workspace_id", "sort_key" if "sort_key" in item else "user_id")


def _put_batch(client: "DynamoDBClient", table: str, items: list[Item]) -> None:
    """Puts items, offering again, ever more slowly, what the table doesn't take.

    Raises:
        LoadError: it goes on not taking it.
    """
    requests: Any = {table: [{"PutRequest": {"Item": item}} for item in items]}
    for attempt in range(PATIENCE):
        requests = client.batch_write_item(RequestItems=requests).get("UnprocessedItems")
        if not requests:
            return
        # Full jitter: writers that were refused together must not come back together.
        time.sleep(random.uniform(0, min(20, 0.05 * 2**attempt)))  # noqa: S311
    raise LoadError(f"{table} takes no more items; try again later, nothing is lost or doubled")


def _put_unless_newer(client: "DynamoDBClient", table: str, items: list[Item]) -> None:
    """Puts items one by one, but none in the place of what an event has written."""
    for item in items:
        try:
            client.put_item(
                TableName=table, Item=item, ConditionExpression="attribute_not_exists(version)"
            )
        except client.exceptions.ConditionalCheckFailedException:
            continue
