"""Writes a data set into a deployment's tables, bucket and parameter.

Loading twice changes nothing: each line has its place. What is written lacks a version, so that any
event from the platform counts as newer. Tokens and members that have a version stay as they are: an
older file must not bring back what was revoked or removed since.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from functools import partial
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Final
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
    read_min_date,
)
from usagectl.media import MediaFile, find_media, upload
from usagectl.writing import WRITERS, Lanes, LoadError, put_batch, put_unless_newer
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_ssm import SSMClient

__all__ = ["Destination", "LoadError", "LoadReport", "Loader", "Notify"]

STRETCH: Final = 5_000
"""Lines between two checkpoints: what has to be written again after a crash, at most."""

type Notify = Callable[[int], object]
"""Is told of so many more lines that are done."""

type Reject = Callable[[Rejection], object]
"""Is told of each line or file that can't be used."""


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
    """What became of a data set.

    Attributes:
        loaded: items that were loaded, by file.
        kept: items that were left alone, since they were changed, revoked or removed after the
            import's state; by file.
        rejected: lines and files that can't be used.
        uncounted: workspaces whose rows are there and could not be counted; pages far down are
            slower in them until they are.
    """

    loaded: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    rejected: int = 0
    uncounted: list[int] = field(default_factory=list)


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
        keep_newer: leave rows, too, that an event of the platform has written. It takes longer,
            since each row is then written by itself.
    """

    destination: Destination
    advance: Notify = _ignore
    reject: Reject = _ignore
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    keep_newer: bool = False

    def load(self, folder: Path) -> LoadReport:
        """Loads the data set in ``folder``.

        Raises:
            LoadError: the folder can't be read, or the destination can't be written.
        """
        if not folder.is_dir():
            raise LoadError(f"There is no folder {folder}.")
        report = LoadReport()
        holds = Holds(self.destination, self.checkpoint)
        try:
            for records in RECORDS:
                self._load_records(folder, records, report, holds)
            report.uncounted = holds.end()
            self._load_setting(folder, report)
            self._load_media(folder, report)
            self.checkpoint.remove()
        except UnreadableFile as error:
            raise LoadError(str(error)) from None
        except OSError as error:
            raise LoadError(f"{error.filename}: {error.strerror}.") from None
        except (BotoCoreError, ClientError) as error:
            raise LoadError(f"The store does not take the data: {error}") from error
        except StoreUnavailable as error:
            raise LoadError(f"The store does not answer: {error}") from error
        return report

    def _load_records(
        self, folder: Path, records: Records, report: LoadReport, holds: "Holds"
    ) -> None:
        path = find_file(folder, records)
        known = self._fingerprint(path)
        done = self.checkpoint.progress(records.file, known)
        self.advance(done.lines)
        if path is not None:
            table: str = getattr(self.destination.tables, records.table)
            put = put_unless_newer if records.is_access or self.keep_newer else put_batch
            with ThreadPoolExecutor(WRITERS) as executor:
                lanes = Lanes(executor, partial(put, self.destination.dynamodb, table))
                lines = read_items(path, records, done.lines)
                for stretch in batched(lines, STRETCH, strict=False):
                    holds.take(_workspaces(stretch))
                    done = self._write(stretch, lanes, done)
                    self.checkpoint.reached(records.file, known, done)
        report.loaded[records.file] = done.loaded
        report.kept[records.file] = done.kept
        report.rejected += done.rejected

    def _fingerprint(self, path: Path | None) -> str:
        return "" if path is None or not self.checkpoint.is_kept else fingerprint(path)

    def _write(
        self, stretch: Iterable[tuple[int, Item | Rejection]], lanes: Lanes, done: Progress
    ) -> Progress:
        """Writes some lines; when it returns, the tables have them."""
        for number, item in stretch:
            if isinstance(item, Rejection):
                self.reject(item)
                done = replace(done, rejected=done.rejected + 1)
            else:
                lanes.put(item)
                done = replace(done, loaded=done.loaded + 1)
            self.advance(number - done.lines)
            done = replace(done, lines=number)
        kept = lanes.finish()
        return replace(done, loaded=done.loaded - kept, kept=done.kept + kept)

    def _load_setting(self, folder: Path, report: LoadReport) -> None:
        path = folder / SETTINGS_FILE
        known = self._fingerprint(path if path.exists() else None)
        done = self.checkpoint.progress(SETTINGS_FILE, known)
        setting = read_min_date(folder)
        if isinstance(setting, Rejection):
            if not done.rejected:
                self.reject(setting)
                self.checkpoint.reached(SETTINGS_FILE, known, Progress(rejected=1))
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
        files = list(find_media(folder))
        # Reading all media only to know that they are the same would take as long as loading them.
        known = str(crc32("\n".join(map(_media_state, files)).encode()))
        done = self.checkpoint.progress(MEDIA_FOLDER, known)
        with ThreadPoolExecutor(WRITERS) as executor:
            for some in batched(files[done.lines :], 10 * WRITERS, strict=False):
                for rejection in executor.map(self._upload, some):
                    if rejection is None:
                        done = replace(done, lines=done.lines + 1, loaded=done.loaded + 1)
                    else:
                        self.reject(rejection)
                        done = replace(done, lines=done.lines + 1, rejected=done.rejected + 1)
                self.checkpoint.reached(MEDIA_FOLDER, known, done)
        report.loaded[MEDIA_FOLDER] = done.loaded
        report.rejected += done.rejected

    def _upload(self, file: MediaFile | Rejection) -> Rejection | None:
        if isinstance(file, Rejection):
            return file
        return upload(self.destination.s3, self.destination.bucket, file)


def _media_state(file: MediaFile | Rejection) -> str:
    if isinstance(file, Rejection):
        return str(file)
    try:
        status = file.path.stat()
    except OSError:
        return file.key  # it is gone; who uploads it will say so
    return f"{file.key} {status.st_size} {status.st_mtime_ns}"


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

    def end(self) -> list[int]:
        """Releases and counts what is held, since all rows are written; returns what it could not.

        Counts only make pages far down fast, so that the import goes on without them.
        """
        held, now = sorted(self._checkpoint.held), datetime.now(UTC)
        with ThreadPoolExecutor(WRITERS) as executor:
            is_counted = list(executor.map(partial(self._count, now), held))
        self._checkpoint.let_go()
        self._taken.clear()
        return [
            workspace_id for workspace_id, done in zip(held, is_counted, strict=True) if not done
        ]

    def _count(self, now: datetime, workspace_id: int) -> bool:
        try:
            recount.recount(self._destination, workspace_id, now)
        except StoreUnavailable:
            return False
        return True


def _workspaces(lines: Iterable[tuple[int, Item | Rejection]]) -> set[int]:
    """The workspaces of which there are rows among these lines; members and tokens are none."""
    items = (item for _, item in lines if not isinstance(item, Rejection))
    return {int(found) for found in {i["workspace_id"]["N"] for i in items if "sort_key" in i}}
