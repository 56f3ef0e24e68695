"""The history of workspaces, as the functions read it: from which tables, and for how long."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import orjson

from workspace_api.settings import HistorySettings
from workspace_usage.aws.reader import DYNAMODB, SSM, Reader
from workspace_usage.errors import StoreUnavailable
from workspace_usage.listing.min_date import MinDate
from workspace_usage.rollups.reading import Counts
from workspace_usage.rows.store import Meter, Store

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

TIME_TO_ANSWER: Final = 4_000
"""Milliseconds that one more read and the answer may take. If less time is left, reading stops."""


@dataclass(frozen=True, slots=True)
class History:
    """What answers are read from.

    Attributes:
        store: the tables of rows.
        counts: the table of their counts.
        min_date: the app setting that hides older rows.
    """

    store: Store
    counts: Counts
    min_date: MinDate

    @classmethod
    def connect(cls, settings: HistorySettings, on_fallback: Callable[[str], object]) -> Self:
        """Returns the history that a function's settings name.

        Args:
            settings: the function's environment.
            on_fallback: is called with the operation's name when botocore makes a failed call
                again.
        """
        reader = Reader.for_service(DYNAMODB, settings.aws, orjson.loads, on_fallback)
        ssm = Reader.for_service(SSM, settings.aws, on_fallback=on_fallback)
        return cls(
            store=Store(reader, settings.tables.by_source),
            counts=Counts(reader, settings.tables.rollups, settings.time_zone),
            min_date=MinDate(ssm, settings.min_date_parameter, settings.time_zone),
        )


def start_meter(context: "LambdaContext") -> Meter:
    """Returns a meter that stops reading when too little of an invocation's time is left."""

    def check_time() -> None:
        if context.get_remaining_time_in_millis() < TIME_TO_ANSWER:
            raise StoreUnavailable("the function's time is up before all is read")

    return Meter(check_time)


def costs_of(meter: Meter) -> dict[str, int]:
    """Returns what was read for an answer, as metrics by their names."""
    return {
        "RowsRead": meter.rows.total(),
        "CallsMade": meter.calls.total() + meter.lookups,
        **{f"{source.capitalize()}RowsRead": rows for source, rows in meter.rows.items()},
    }
