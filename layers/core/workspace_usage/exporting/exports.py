"""Exports as a caller starts them and asks for them."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final

from workspace_usage.access.scope import Caller
from workspace_usage.aws.credentials import Credentials
from workspace_usage.errors import Forbidden, NotFound, StoreUnavailable
from workspace_usage.exporting.answer import ExportBody
from workspace_usage.exporting.export import Export, Owner
from workspace_usage.exporting.query import ExportQuery
from workspace_usage.exporting.queue import ExportQueue
from workspace_usage.exporting.store import ExportStore, Overtaken
from workspace_usage.listing.min_date import MinDate
from workspace_usage.listing.presigning import Bucket, UrlPresigner
from workspace_usage.rows.store import Selection
from workspace_usage.rows.window import Window
from workspace_usage.values import format_timestamp, from_milliseconds, to_milliseconds

_ID_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Exports:
    """Starts exports, and says how they stand.

    Attributes:
        store: the table of exports.
        queue: the exporter's queue.
        min_date: the app setting that hides older rows.
        bucket: the bucket of the files.
        credentials: returns the credentials that presign a link.
        url_lifetime: for how long a link works at most, in seconds.
        zone: the time zone whose days windows are made of.
    """

    store: ExportStore
    queue: ExportQueue
    min_date: MinDate
    bucket: Bucket
    credentials: Callable[[], Credentials]
    url_lifetime: int
    zone: tzinfo

    def start(
        self, caller: Caller, query: ExportQuery, now: datetime, warn: Callable[[str], object]
    ) -> Export:
        """Starts an export of the rows that the listing shows for the same question now.

        Args:
            caller: who asks for it.
            query: what is asked for.
            now: the current time (aware).
            warn: is called with a message for the operator when an old setting has to be used.

        Raises:
            Forbidden: a user outside the caller's scope is asked for.
            TooManyRequests: the caller has too many exports running.
            StoreUnavailable: a table, the setting or the queue can't be reached in time.
        """
        scope = caller.scope.narrow_to_user(query.user_id)
        asked = query.window(now, self.zone)
        window = self.min_date.limit(asked, now, warn)
        selection = Selection.of(scope, query.agent_type, window)
        now = from_milliseconds(to_milliseconds(now))
        assert query.format is not None  # noqa: S101 - ExportQuery.parse has checked it
        export = Export(
            owner=Owner(scope.workspace_id, caller.user_id),
            id=secrets.token_hex(_ID_BYTES),
            format=query.format,
            selection=selection,
            scope=scope,
            file_name=_file_name(scope.workspace_id, query, window if selection else asked),
            created_at=now,
            written_at=now,
        )
        try:
            self.store.start(export)
            self.queue.send(export.owner, export.id)
        except StoreUnavailable:
            # It may be stored all the same: the response may have been lost.
            self._withdraw(export, now)
            raise
        return export

    def find(self, caller: Caller, export_id: str, now: datetime) -> Export:
        """Returns one of the caller's exports in this workspace.

        Raises:
            NotFound: the caller has no such export, or it has expired.
            Forbidden: the caller may not see any more what was exported.
            StoreUnavailable: the table can't be read in time.
        """
        owner = Owner(caller.scope.workspace_id, caller.user_id)
        # DynamoDB refuses a key that is too long, and that would look like an outage.
        is_possible = len(export_id) == 2 * _ID_BYTES
        export = self.store.read(owner, export_id) if is_possible else None
        if export is None or now >= export.expires_at:
            raise NotFound("export_not_found")
        if not caller.scope.includes(export.scope):
            raise Forbidden("forbidden_user")
        return export

    def describe(
        self, export: Export, now: datetime, translate: Callable[[str], str]
    ) -> ExportBody:
        """Returns an export as its caller sees it.

        Args:
            export: the export.
            now: the current time (aware).
            translate: returns the text of a key of the catalogues.

        Raises:
            StoreUnavailable: there are no credentials for a link.
        """
        status = export.status_at(now)
        is_done = status == "done"
        body: ExportBody = {
            "id": export.id,
            "status": status,
            "format": export.format,
            "created_at": format_timestamp(export.created_at),
            "rows": export.progress.rows if is_done else None,
            "link": self._link(export, now) if is_done else None,
            "expires_at": format_timestamp(export.expires_at),
        }
        return {**body, "message": translate("export_failed")} if status == "failed" else body

    def _link(self, export: Export, now: datetime) -> str:
        seconds_left = int((export.expires_at - now).total_seconds())
        lifetime = max(1, min(self.url_lifetime, seconds_left))
        presigner = UrlPresigner(self.bucket, self.credentials(), now, lifetime)
        return presigner.presign(export.object_key)

    def _withdraw(self, export: Export, now: datetime) -> None:
        """Frees the slot of an export that nobody will write, if it is stored.

        If the table can't be reached, the slot is free after TIME_TO_PROGRESS.
        """
        with suppress(StoreUnavailable, Overtaken):
            self.store.write(replace(export, status="failed"), now)


def _file_name(workspace_id: int, query: ExportQuery, window: Window) -> str:
    """Returns a name for people, such as ``usage-11-2026-10-28-to-2026-11-26.csv.gz``."""
    first, last = window.first_day, window.last_day
    parts = [f"usage-{workspace_id}"]
    if query.user_id is not None:
        parts.append(f"user-{query.user_id}")
    if query.agent_type is not None:
        parts.append(query.agent_type)
    parts.append(f"{first}" if first == last else f"{first}-to-{last}")
    return f"{'-'.join(parts)}.{query.format}.gz"
