"""Writes a data set into a deployment's tables, bucket and parameter.

Loading twice changes nothing: each line has its place. What is written lacks a version, so that any
event from the platform counts as newer.
"""

import mimetypes
import random
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from botocore.exceptions import BotoCoreError, ClientError

from usagectl.dataset import (
    RECORDS,
    SETTINGS_FILE,
    Item,
    Rejection,
    read_items,
    read_media,
    read_min_date,
)
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


class LoadError(Exception):
    """A data set can't be loaded; the text says why."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a data set goes: names, and the clients that reach them."""

    tables: Tables
    bucket: str
    min_date_parameter: str
    dynamodb: "DynamoDBClient"
    s3: "S3Client"
    ssm: "SSMClient"


@dataclass(slots=True)
class LoadReport:
    """What was loaded, by file, and what could not be used."""

    loaded: dict[str, int] = field(default_factory=dict)
    rejected: list[Rejection] = field(default_factory=list)


def load_folder(
    folder: Path, destination: Destination, advance: Callable[[int], object] = lambda _: None
) -> LoadReport:
    """Loads the data set in ``folder``. ``advance`` is told of each number of lines that are done.

    Raises:
        LoadError: the folder can't be read, or the destination can't be written.
    """
    if not folder.is_dir():
        raise LoadError(f"{folder} is no folder")
    report = LoadReport()
    try:
        for records in RECORDS:
            table: str = getattr(destination.tables, records.table)
            usable = _usable(read_items(folder, records), report, advance)
            report.loaded[records.file] = _write(destination.dynamodb, table, usable, advance)
        _load_setting(folder, destination, report)
        report.loaded["media"] = _load_media(folder, destination)
    except OSError as error:
        raise LoadError(f"{error.filename}: {error.strerror}") from None
    except (BotoCoreError, ClientError) as error:
        raise LoadError(f"the store does not take the data: {error}") from error
    return report


def _usable(
    items: Iterable[Item | Rejection], report: LoadReport, advance: Callable[[int], object]
) -> Iterator[Item]:
    for item in items:
        if isinstance(item, Rejection):
            report.rejected.append(item)
            advance(1)
        else:
            yield item


class _Writer:
    """Writes its share of the items in their order, one call at a time."""

    def __init__(self, executor: Executor, client: "DynamoDBClient", table: str) -> None:
        self._executor = executor
        self._client = client
        self._table = table
        self._batch: dict[str, Item] = {}
        self._under_way: Future[None] | None = None

    def put(self, key: str, item: Item) -> None:
        """Takes an item; of two with one key, the later stays."""
        self._batch[key] = item
        if len(self._batch) == BATCH:
            self._send()

    def finish(self) -> None:
        """Waits until everything is written."""
        self._send()
        self._wait()

    def _send(self) -> None:
        self._wait()
        if self._batch:
            items, self._batch = list(self._batch.values()), {}
            self._under_way = self._executor.submit(_put_all, self._client, self._table, items)

    def _wait(self) -> None:
        if self._under_way is not None:
            self._under_way.result()


def _write(
    client: "DynamoDBClient", table: str, items: Iterable[Item], advance: Callable[[int], object]
) -> int:
    """Writes items, and returns how many.

    Items with the same key go through the same writer, so that the last one stays.
    """
    written = 0
    with ThreadPoolExecutor(WRITERS) as executor:
        writers = [_Writer(executor, client, table) for _ in range(WRITERS)]
        for item in items:
            key = _key(item)
            writers[crc32(key.encode()) % WRITERS].put(key, item)
            written += 1
            advance(1)
        for writer in writers:
            writer.finish()
    return written


def _key(item: Item) -> str:
    """What tells an item from the others of its table."""
    return "/".join(item[name]["N" if "N" in item[name] else "S"] for name in _key_names(item))


def _key_names(item: Item) -> tuple[str, ...]:
    if "token_id" in item:
        return ("token_id",)
    return ("workspace_id", "sort_key" if "sort_key" in item else "user_id")


def _put_all(client: "DynamoDBClient", table: str, items: list[Item]) -> None:
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


def _load_setting(folder: Path, destination: Destination, report: LoadReport) -> None:
    setting = read_min_date(folder)
    if isinstance(setting, Rejection):
        report.rejected.append(setting)
    elif setting is not None:
        destination.ssm.put_parameter(
            Name=destination.min_date_parameter, Value=setting, Type="String", Overwrite=True
        )
        report.loaded[SETTINGS_FILE] = 1


def _load_media(folder: Path, destination: Destination) -> int:
    number = 0
    for key, path in read_media(folder):
        kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
        with path.open("rb") as content:
            destination.s3.put_object(
                Bucket=destination.bucket, Key=key, Body=content, ContentType=kind
            )
        number += 1
    return number
