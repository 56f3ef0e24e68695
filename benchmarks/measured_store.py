"""The store that is measured: the stack's tables in DynamoDB Local, their rows and their counts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import batched
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.capacity import CapacityMeter
from benchmarks.deployment import Deployment
from benchmarks.large_data_set import FIRST_CREATED_AT, write_large_data_set
from local.dynamodb.process import DynamoDBLocal
from local.stack import Stack
from usagectl.data_set.payload_files import PAYLOAD_FILES, PayloadFile, read_stored_items
from usagectl.data_set.rejections import Rejection
from usagectl.parallel import map_in_parallel
from usagectl.resources import Resources
from workspace_usage.aws.batch_writes import write_batches
from workspace_usage.rollups.counter import Counter

SPAN: Final = timedelta(days=60)
"""The time between a workspace's first and last row."""

COUNTED_AT: Final = FIRST_CREATED_AT + SPAN + timedelta(hours=1)
"""The counter's time when it counts all rows; all of them are old enough."""

READ_AT: Final = COUNTED_AT + timedelta(minutes=5)
"""The listing's time. Readers use a watermark only some seconds after it was put there."""

_ITEMS_AT_ONCE: Final = 100
"""Items that are written one batch after the other, while others are written in parallel."""


@dataclass(frozen=True, slots=True)
class MeasuredStore:
    """The tables, and what belongs to them.

    Attributes:
        resources: the tables, and a client that reaches them.
        endpoint: DynamoDB Local's URL.
        sqs_endpoint: the URL of the service with the queues.
        count_queue_url: the counter's queue.
        capacity: what the client's calls consume.
        deployment: the stack of the tables.
    """

    resources: Resources
    endpoint: str
    sqs_endpoint: str
    count_queue_url: str
    capacity: CapacityMeter
    deployment: Deployment

    def fill(
        self,
        workspace_id: int,
        rows: int,
        span: timedelta = SPAN,
        begin: datetime = FIRST_CREATED_AT,
        users: int = 17,
    ) -> None:
        """Writes rows without marks, as if they had always been there.

        Args:
            workspace_id: their workspace.
            rows: how many.
            span: the time from ``begin`` to the last row.
            begin: the time before the first row.
            users: how many users have run agents.
        """
        with TemporaryDirectory() as folder:
            write_large_data_set(Path(folder), rows, (workspace_id,), span, begin, users)
            for file in PAYLOAD_FILES:
                if not file.is_access:
                    table: str = getattr(self.resources.tables, file.table)
                    write = partial(write_batches, self.resources.dynamodb, table)
                    writes = _writes(Path(folder) / file.name, file)
                    for _ in map_in_parallel(write, batched(writes, _ITEMS_AT_ONCE, strict=False)):
                        pass

    def counter(self, clock: Callable[[], datetime] = lambda: COUNTED_AT) -> Counter:
        """Returns a counter of this store."""
        resources = self.resources
        return Counter(resources.dynamodb, resources.tables, resources.zone, clock)


@contextmanager
def running_store() -> Iterator[MeasuredStore]:
    """Runs DynamoDB Local, and the stack on it.

    Raises:
        StartError: one of them can't be started.
    """
    with DynamoDBLocal() as engine, Stack.start(dynamodb_endpoint=engine.url) as stack:
        resources = stack.resources
        sqs = stack.clients.sqs
        queue = sqs.get_queue_url(QueueName=stack.template.resources["CountQueue"].name)
        capacity = CapacityMeter(resources.dynamodb, resources.tables.rollups)
        yield MeasuredStore(
            resources,
            engine.url,
            sqs.meta.endpoint_url,
            queue["QueueUrl"],
            capacity,
            Deployment(stack),
        )


def _writes(path: Path, file: PayloadFile) -> Iterator[Any]:
    for _, item in read_stored_items(path, file):
        if isinstance(item, Rejection):
            raise TypeError(f"a made-up row is rejected: {item}")
        yield {"PutRequest": {"Item": item}}
