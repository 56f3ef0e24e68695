"""The capacity that a botocore client's calls consume, as DynamoDB reports it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_READS: Final = ("GetItem", "Query")
_WRITES: Final = ("BatchWriteItem", "DeleteItem", "PutItem", "TransactWriteItems")

_FACTORS: Final = {"TransactWriteItems": 2}
"""DynamoDB charges a transaction's writes twice; DynamoDB Local reports them once."""


@dataclass(slots=True)
class Capacity:
    """Units of capacity.

    Attributes:
        rows_read: read units of the tables of rows.
        rollups_read: read units of the table Rollups.
        rollups_written: write units of the table Rollups.
    """

    rows_read: float = 0
    rollups_read: float = 0
    rollups_written: float = 0


class CapacityMeter:
    """Adds up what a client's calls consume.

    Args:
        client: the client.
        rollups: the name of the table Rollups.
    """

    def __init__(self, client: "DynamoDBClient", rollups: str) -> None:
        self._rollups = rollups
        self._consumed = Capacity()
        for operation in (*_READS, *_WRITES):
            events = client.meta.events
            events.register(f"before-parameter-build.dynamodb.{operation}", _request_capacity)
            events.register(f"after-call.dynamodb.{operation}", self._add)

    def take(self) -> Capacity:
        """Returns what was consumed since the last time, and begins at zero."""
        consumed, self._consumed = self._consumed, Capacity()
        return consumed

    def _add(self, parsed: Any, model: Any, **_: object) -> None:
        reported = parsed.get("ConsumedCapacity", [])
        for capacity in reported if isinstance(reported, list) else [reported]:
            units = capacity["CapacityUnits"] * _FACTORS.get(model.name, 1)
            if capacity["TableName"] != self._rollups:
                if model.name in _READS:
                    self._consumed.rows_read += units
            elif model.name in _READS:
                self._consumed.rollups_read += units
            else:
                self._consumed.rollups_written += units


def _request_capacity(params: dict[str, Any], **_: object) -> None:
    params["ReturnConsumedCapacity"] = "TOTAL"
