"""The exporter: writes an export's file, part by part, in as many runs as it takes.

After each part, the export's item says how far the file is written. A run continues there. So a run
that is killed only loses its last part, which the next run writes again under another number.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import batched
from typing import Final

from workspace_usage.exporting.export import Export, Owner, Progress
from workspace_usage.exporting.files import ExportFiles
from workspace_usage.exporting.formats import begin, encoder
from workspace_usage.exporting.gzip_stream import GzipPart
from workspace_usage.exporting.store import ExportStore
from workspace_usage.rows.row import from_stored_item, has_arrived_after
from workspace_usage.rows.store import ALL_ROWS, Meter, Store, StoredRow, merge

PART_BYTES: Final = 8 * 2**20
"""When a part is long enough: S3 requires 5 MiB of all parts but the last one."""

_ROWS_AT_ONCE: Final = 200
"""How many rows are compressed at once."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """Writes files of exports.

    Attributes:
        exports: the table of exports.
        files: the bucket of their files.
        store: the tables of rows.
        clock: gives the current time (aware).
        part_bytes: when a part is long enough.
    """

    exports: ExportStore
    files: ExportFiles
    store: Store
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    part_bytes: int = PART_BYTES

    def write(
        self, owner: Owner, export_id: str, has_time: Callable[[], bool], meter: Meter
    ) -> Export | None:
        """Writes an export's file as far as there is time.

        Returns the export as it is then: if it still runs, another run has to continue. Returns
        None if there is nothing to do: it is gone, or it does not run any more.

        Args:
            owner: whose it is.
            export_id: its id.
            has_time: returns whether there is time for one more part.
            meter: counts what is read.

        Raises:
            Overtaken: another run has begun, and continues it.
            StoreUnavailable: a table or the bucket can't be reached in time.
        """
        export = self.exports.read(owner, export_id)
        if export is None or export.status != "running":
            return None
        if self._is_over(export):
            return self.fail(export)
        # By this, a run that is still at it is overtaken.
        export = self.exports.write(self._with_upload(export), self.clock())
        while not export.progress.is_complete:
            if not has_time():
                return export
            export = self._write_part(export, meter)
        upload_id = export.progress.upload_id or ""
        self.files.complete(export.object_key, upload_id, export.progress.parts)
        return self.exports.write(replace(export, status="done"), self.clock())

    def give_up(self, owner: Owner, export_id: str) -> bool:
        """Makes an export a failed one, if it runs; returns whether it did.

        Raises:
            Overtaken: another run continues it.
            StoreUnavailable: the table can't be reached in time.
        """
        export = self.exports.read(owner, export_id)
        if export is None or export.status != "running":
            return False
        self.fail(export)
        return True

    def fail(self, export: Export) -> Export:
        """Makes a running export a failed one."""
        return self.exports.write(replace(export, status="failed"), self.clock())

    def _is_over(self, export: Export) -> bool:
        """Whether nobody expects the export any more."""
        now = self.clock()
        return export.status_at(now) == "failed" or now >= export.expires_at

    def _with_upload(self, export: Export) -> Export:
        if export.progress.upload_id is not None:
            return export
        upload_id = self.files.begin(export.object_key, export.file_name)
        return replace(export, progress=replace(export.progress, upload_id=upload_id))

    def _write_part(self, export: Export, meter: Meter) -> Export:
        """Writes the next part of the file, and notes it.

        Raises:
            Overtaken: another run has begun, and continues it.
            StoreUnavailable: a table or the bucket can't be reached in time.
        """
        progress = export.progress
        is_first = not progress.parts
        part = GzipPart(progress.checksum, progress.length, is_first=is_first)
        if is_first:
            part.write(begin(export.format).encode())
        encode = encoder(export.format)
        position, rows, is_complete = progress.position, progress.rows, True
        for some in batched(self._rows(export, meter), _ROWS_AT_ONCE, strict=False):
            text = "".join([encode(from_stored_item(source, item)) for _, source, item in some])
            part.write(text.encode())
            position, rows = some[-1][0], rows + len(some)
            if len(part) >= self.part_bytes:
                is_complete = False
                break
        uploaded = self.files.upload(
            export.object_key,
            progress.upload_id or "",
            export.revision,
            part.end(is_last=is_complete),
        )
        written = Progress(
            upload_id=progress.upload_id,
            rows=rows,
            position=position,
            parts=(*progress.parts, uploaded),
            checksum=part.checksum,
            length=part.length,
            is_complete=is_complete,
        )
        return self.exports.write(replace(export, progress=written), self.clock())

    def _rows(self, export: Export, meter: Meter) -> Iterator[StoredRow]:
        """Yields the rows that are not in the file yet, newest first."""
        remaining = export.remaining
        if remaining is None:
            return
        for row in merge(self.store.streams(remaining, ALL_ROWS, meter)):
            if not has_arrived_after(row[2], export.created_at):
                yield row
