"""Loads a data set into a deployment's tables, bucket and parameter.

Loading it twice changes nothing, since each line has its own place. An imported item has no
version, so that any event from the platform counts as newer. Tokens and members that have a version
are left as they are: an older file must not bring back what was revoked or removed since.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import batched
from pathlib import Path
from typing import Final
from zlib import crc32

from botocore.exceptions import BotoCoreError, ClientError

from usagectl.data_set.checking import LineChecker
from usagectl.data_set.encoded_items import CheckedLine, EncodedItem
from usagectl.data_set.media import MEDIA_FOLDER, MediaFile, find_media
from usagectl.data_set.payload_files import PAYLOAD_FILES, PayloadFile, find_file
from usagectl.data_set.rejections import Rejection
from usagectl.data_set.settings import SETTINGS_FILE, read_min_date
from usagectl.errors import LoadError, UnreadableFile
from usagectl.late_writes import ROWS_PER_CHUNK, LateWrites, RowKey
from usagectl.loading.checkpoint import Checkpoint, PartProgress, fingerprint
from usagectl.loading.media_upload import upload
from usagectl.loading.process_lines import Reject, process_lines
from usagectl.loading.report import LoadReport
from usagectl.loading.table_writer import (
    Lanes,
    Write,
    put_rows,
    put_rows_unless_newer,
    put_unless_newer,
)
from usagectl.parallel import CALLS_IN_FLIGHT, map_in_parallel
from usagectl.progress import Advance, ignore
from usagectl.resources import Resources
from workspace_usage.errors import StoreUnavailable

LINES_PER_CHECKPOINT: Final = ROWS_PER_CHUNK
"""Lines between two checkpoints: the most that has to be written again after a crash."""

FILES_PER_CHECKPOINT: Final = 80
"""Media files between two checkpoints."""


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads data sets.

    Attributes:
        resources: where they are loaded.
        advance: is told of lines that are done, also of those that an earlier import did.
        reject: is told of each line or file that can't be used.
        checkpoint: how far an interrupted import got, and how far this one gets.
        keep_newer: leave rows as they are, too, if an event of the platform has written them. It
            takes longer, since each row is then written by itself.
    """

    resources: Resources
    advance: Advance = ignore
    reject: Reject = ignore
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    keep_newer: bool = False

    def load(self, folder: Path) -> LoadReport:
        """Loads the data set in ``folder``.

        Raises:
            LoadError: the folder can't be read, or the deployment can't be written.
        """
        if not folder.is_dir():
            raise LoadError(f"There is no folder {folder}.")
        report = LoadReport()
        late_writes = LateWrites(self.resources)
        try:
            with LineChecker() as checker:
                for file in PAYLOAD_FILES:
                    progress = self._load_payloads(folder, file, checker, late_writes)
                    report.add(file.name, progress)
            report.add(SETTINGS_FILE, self._load_setting(folder))
            report.add(MEDIA_FOLDER, self._load_media(folder))
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

    def _load_payloads(
        self, folder: Path, file: PayloadFile, checker: LineChecker, late_writes: LateWrites
    ) -> PartProgress:
        path = find_file(folder, file)
        content_hash = self._fingerprint(path)
        progress = self.checkpoint.resume_part(file.name, content_hash)
        self.advance(progress.lines)
        if path is None:
            return progress
        with ThreadPoolExecutor(CALLS_IN_FLIGHT) as executor:
            lanes = Lanes(executor, self._put(file, late_writes))
            lines = checker.read(path, file, progress.lines)
            for some in batched(lines, LINES_PER_CHECKPOINT, strict=False):
                if not file.is_access:
                    late_writes.mark_chunk(RowKey.parse(item.key) for item in _usable(some))
                progress = self._write(some, lanes, progress)
                self.checkpoint.note(file.name, content_hash, progress)
        return progress

    def _put(self, file: PayloadFile, late_writes: LateWrites) -> Write:
        """Returns what puts a file's items into their table."""
        table: str = getattr(self.resources.tables, file.table)
        if file.is_access:
            return partial(put_unless_newer, self.resources.dynamodb, table)
        if self.keep_newer:
            return partial(put_rows_unless_newer, late_writes, table)
        return partial(put_rows, late_writes, self.resources.row_batches, table)

    def _fingerprint(self, path: Path | None) -> str:
        return "" if path is None or not self.checkpoint.is_kept else fingerprint(path)

    def _write(
        self,
        lines: Iterable[CheckedLine],
        lanes: Lanes,
        progress: PartProgress,
    ) -> PartProgress:
        """Writes some lines. When it returns, the tables have them."""
        progress = process_lines(
            lines, progress, lanes.put, advance=self.advance, reject=self.reject
        )
        kept = lanes.finish()
        return replace(progress, loaded=progress.loaded - kept, kept=progress.kept + kept)

    def _load_setting(self, folder: Path) -> PartProgress:
        path = folder / SETTINGS_FILE
        content_hash = self._fingerprint(path if path.exists() else None)
        progress = self.checkpoint.resume_part(SETTINGS_FILE, content_hash)
        setting = read_min_date(folder)
        if isinstance(setting, str):
            self.resources.write_min_date(setting)
            return PartProgress(loaded=1)
        if setting is not None and not progress.rejected:
            self.reject(setting)
            progress = PartProgress(rejected=1)
            self.checkpoint.note(SETTINGS_FILE, content_hash, progress)
        return progress

    def _load_media(self, folder: Path) -> PartProgress:
        files = list(find_media(folder))
        # Reading all media to learn that they are the same would take as long as loading them.
        checksum = str(crc32("\n".join(map(_media_state, files)).encode()))
        progress = self.checkpoint.resume_part(MEDIA_FOLDER, checksum)
        numbered = list(enumerate(files, 1))[progress.lines :]
        for some in batched(numbered, FILES_PER_CHECKPOINT, strict=False):
            results = map_in_parallel(self._upload, some)
            progress = process_lines(results, progress, ignore, advance=ignore, reject=self.reject)
            self.checkpoint.note(MEDIA_FOLDER, checksum, progress)
        return progress

    def _upload(
        self, numbered: tuple[int, MediaFile | Rejection]
    ) -> tuple[int, MediaFile | Rejection]:
        """Uploads a file. Returns its number, and the file or its rejection."""
        number, file = numbered
        if isinstance(file, Rejection):
            return number, file
        rejection = upload(self.resources.s3, self.resources.bucket, file)
        return number, rejection or file


def _media_state(file: MediaFile | Rejection) -> str:
    if isinstance(file, Rejection):
        return str(file)
    try:
        status = file.path.stat()
    except OSError:
        return file.key  # it is gone; the upload will say so
    return f"{file.key} {status.st_size} {status.st_mtime_ns}"


def _usable(lines: Iterable[CheckedLine]) -> Iterator[EncodedItem]:
    """Yields the items of the lines that can be used."""
    return (item for _, item in lines if not isinstance(item, Rejection))
