"""Writers of a history's rows: a recorder, an import, an erasure, and DynamoDB's own deletions."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import TYPE_CHECKING, Any, Final, cast

from tests.support.memory_dynamodb import NAMES, ROLLUPS, TABLES
from tests.support.virtual_time import Killed, TimedClient
from workspace_usage.aws.batch_writes import write_batches
from workspace_usage.aws.dynamodb import StoredItem, item_key
from workspace_usage.errors import StoreUnavailable, WriteConflict
from workspace_usage.recording.changes import RowChange
from workspace_usage.recording.recorder import Recorder
from workspace_usage.recording.writes import unchanged_condition
from workspace_usage.rollups.blocks import WRITE
from workspace_usage.rollups.items import USER_SHARDS
from workspace_usage.rollups.marks import MarkWriter
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import (
    ARCHIVED_FLAG,
    Row,
    Source,
    Tokens,
    from_stored_item,
    to_stored_item,
)
from workspace_usage.values import format_timestamp

if TYPE_CHECKING:
    from tests.support.histories import History

_USERS: Final = (1, 2, 3, 1 + USER_SHARDS)
"""The first and the last one are in the same shard."""


class RowWriters:
    """The writers of one history.

    Args:
        history: where they write.
    """

    def __init__(self, history: "History") -> None:
        self._history, self._world, self._random = history, history.world, history.world.random
        self._beginning = history.world.now
        self._versions = count(1)

    def fill(self, rows: int) -> None:
        """Stores rows that were there before everything else."""
        client = self._history.database.client(10**9)
        for _ in range(rows):
            moment = self._beginning - self._world.seconds(200, 2 * 86_400)
            row = self._row(moment)
            client.put_item(TableName=TABLES[row.source], Item=to_stored_item(row))

    def record(self) -> None:
        """Records rows, on time and late, with all that may become of them."""
        client, recorder = self._recorder()
        # With long pauses marks are removed and put again meanwhile.
        longest_pause = self._random.choice([40, 40, 400])
        for _ in range(self._random.randint(4, 16)):
            change = self._change()
            for _attempt in range(3):
                client.deadline = self._world.now + WRITE
                try:
                    result = recorder.apply(change, self._world.now)
                except (StoreUnavailable, WriteConflict):
                    self._world.wait(self._world.seconds(1, 60))
                except Killed:
                    client, recorder = self._recorder()
                    self._world.wait(self._world.seconds(1, 60))
                else:
                    if result.workspace_to_count is not None:
                        self._history.request()
                    break
            self._world.wait(self._world.seconds(0, longest_pause))

    def import_rows(self) -> None:
        """Puts batches of rows of many days, in no order; a batch is retried until it is done."""
        client, marks = self._marking_client()
        for _ in range(self._random.randint(1, 4)):
            source = self._random.choice(list(Source))
            rows = {row.position.sort_key: row for row in self._imported(source)}
            puts = [{"PutRequest": {"Item": to_stored_item(row)}} for row in rows.values()]
            while True:
                checked_at = self._world.now
                client.deadline = checked_at + WRITE
                try:
                    marks.mark(11, rows, checked_at)
                    write_batches(cast(Any, client), TABLES[source], puts)
                    break
                except Killed:
                    client, marks = self._marking_client()
                self._world.wait(self._world.seconds(0, 60))

    def erase(self) -> None:
        """Deletes a user's rows, or only the e-mail addresses in them."""
        self._world.wait(self._world.seconds(0, 300))
        user_id, deletes = self._random.choice(_USERS), self._random.random() < 0.5
        client, marks = self._marking_client()
        for source in Source:
            for item in list(self._history.database.items(source)):
                if item["user_id"]["N"] != str(user_id):
                    continue
                client.deadline = self._world.now + WRITE
                try:
                    self._erase(client, marks, source, item, deletes=deletes)
                except client.exceptions.ConditionalCheckFailedException:
                    continue  # it has changed meanwhile; a real erasure reads it again
                except Killed:
                    client, marks = self._marking_client()

    def _erase(
        self,
        client: TimedClient,
        marks: MarkWriter,
        source: Source,
        item: StoredItem,
        *,
        deletes: bool,
    ) -> None:
        sort_key = item["sort_key"]["S"]
        marks.mark(11, [sort_key], self._world.now)
        guard = {"TableName": TABLES[source], **unchanged_condition("sort_key", item)}
        if deletes:
            client.delete_item(**guard, Key=item_key(11, sort_key))
        else:
            client.put_item(**guard, Item={**item, "user_email": {"S": ""}})

    def expire(self) -> None:
        """Deletes flagged rows, as DynamoDB does a day after they were archived: without marks."""
        for _ in range(self._random.randint(0, 6)):
            self._world.wait(self._world.seconds(0, 120))
            archived = {row["sort_key"]["S"] for row in self._items(Source.ARCHIVED)}
            flagged = [i for i in self._items(Source.CURRENT) if ARCHIVED_FLAG in i]
            keys = [i["sort_key"]["S"] for i in flagged if i["sort_key"]["S"] in archived]
            if keys:
                client = self._history.database.client(10**9)
                key = item_key(11, self._random.choice(keys))
                client.delete_item(TableName=TABLES[Source.CURRENT], Key=key)
                self._history.note_row_change()

    # --- Rows -------------------------------------------------------------------------------------

    def _change(self) -> RowChange:
        """Returns a change of a new row or, often, of one that is there."""
        number = next(self._versions)
        version = f"{number + self._random.choice([0, 0, 0, -3]):06}"
        known = [from_stored_item(s, i) for s in Source for i in self._items(s)]
        if known and self._random.random() < 0.4:
            old = self._random.choice(known)
            source = old.source
            if source is Source.CURRENT and self._random.random() < 0.5:
                source = Source.ARCHIVED
            new = self._row(self._beginning, source)
            return RowChange(new._replace(position=old.position), version)
        return RowChange(self._row(self._moment()), version)

    def _moment(self) -> datetime:
        match self._random.choice(["on time", "on time", "one old hour", "old", "late"]):
            case "on time":
                return self._world.now - self._world.seconds(0, 170)
            case "one old hour":
                return self._beginning - self._world.seconds(0, 3_600)
            case "old":
                days = timedelta(days=self._random.randint(0, 4))
                return self._beginning - days - self._world.seconds(0, 7_200)
            case _:
                return self._world.now - self._world.seconds(0, 50 * 3_600)

    def _imported(self, source: Source) -> list[Row]:
        """Returns rows to import."""
        rows = [self._row(self._moment(), source) for _ in range(self._random.randint(2, 10))]
        known = [i["sort_key"]["S"] for i in self._items(Source.CURRENT)]
        if source is Source.ARCHIVED and known:
            # An execution may be both current and archived in a data set, with different contents.
            for key in self._random.choices(known, k=2):
                rows.append(rows[0]._replace(position=Position.from_stored_key(key)))
        return rows

    def _row(self, moment: datetime, source: Source | None = None) -> Row:
        random = self._random
        source = source or random.choice(list(Source))
        is_edited = source is Source.EDITED
        created_at = format_timestamp(moment.replace(microsecond=0))
        return Row(
            source=source,
            workspace_id=11,
            position=Position(created_at, source.rank, random.randint(1, 3)),
            user_id=random.choice(_USERS),
            user_email=f"user{random.randint(1, 2)}@example.com",
            agent_type="chat" if is_edited else random.choice(["chat", "image", "music"]),
            agent_title=f"Agent {random.randint(1, 3)}",
            agent_slug=f"agent-{random.randint(1, 2)}",
            status=random.choice(["succeeded", "succeeded", "failed", "processing"]),
            credits=Decimal(random.choice(["0", "0.1", "12.5", "0.0000000001", "3E+20"])),
            execution_origin=random.choice([None, "api"]),
            used_model=None if is_edited else random.choice([None, "model"]),
            tokens=random.choice([None, Tokens(1, 2, 3), Tokens(None, 5, None)]),
        )

    def _items(self, source: Source) -> list[StoredItem]:
        return list(self._history.database.items(source))

    # --- Processes --------------------------------------------------------------------------------

    def _recorder(self) -> tuple[TimedClient, Recorder]:
        client = self._history.writer_client()
        return client, Recorder(cast(Any, client), NAMES, self._request)

    def _marking_client(self) -> tuple[TimedClient, MarkWriter]:
        client = self._history.writer_client()
        return client, MarkWriter(cast(Any, client), ROLLUPS, self._request)

    def _request(self, _workspace_id: int) -> None:
        self._history.request()
