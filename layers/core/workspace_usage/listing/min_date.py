"""The app setting ``usage_history_min_date``: before its date, nothing is shown.

It is a Systems Manager parameter of JSON text::

    {"enabled": true, "date": "2026-01-01"}
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.window import midnight
from workspace_usage.values import InvalidValue, parse_date, parse_json

if TYPE_CHECKING:
    from workspace_usage.aws.reader import Reader

REFRESH_INTERVAL: Final = timedelta(minutes=1)
"""How long the setting is believed before it is read again."""


class MinDate:
    """The setting, read at most once a minute.

    While it can't be read, the last value that could be counts; a deployment that never could read
    it does not answer, since the answer might show too much.
    """

    def __init__(self, reader: "Reader", name: str, zone: tzinfo) -> None:
        self._reader = reader
        self._name = name
        self._zone = zone
        self._earliest: datetime | None = None
        self._read_at: datetime | None = None

    def earliest(self, now: datetime, warn: Callable[[str], object]) -> datetime | None:
        """The moment before which nothing is shown; None when the setting is not enabled.

        ``warn`` hears of it when an old value has to serve.

        Raises:
            StoreUnavailable: the setting can't be read, and never was.
        """
        if self._read_at is None or not timedelta() <= now - self._read_at < REFRESH_INTERVAL:
            try:
                self._earliest = self._read()
            except StoreUnavailable as error:
                if self._read_at is None:
                    raise
                warn(f"usage_history_min_date is old: {error}")
            self._read_at = now
        return self._earliest

    def _read(self) -> datetime | None:
        with aws_errors_as_unavailable():
            answer = self._reader.get_parameter(Name=self._name)
        match answer:
            case {"Parameter": {"Value": str() as text}}:
                return parse_min_date(text, self._zone)
        raise StoreUnavailable("GetParameter answered without a value")


def parse_min_date(text: str, zone: tzinfo) -> datetime | None:
    """Returns the moment that the setting's JSON ``text`` names: midnight of its date in ``zone``.

    None when it isn't enabled.

    Raises:
        StoreUnavailable: the text can't be understood.
    """
    try:
        day = _enabled_day(parse_json(text))
    except InvalidValue as error:
        reason = f"usage_history_min_date can not be understood: {error}"
        raise StoreUnavailable(reason) from None
    return None if day is None else midnight(day, zone)


def _enabled_day(setting: object) -> date | None:
    match setting:
        case {"enabled": False}:
            return None
        case {"enabled": True, "date": str() as day}:
            return parse_date(day)
    raise InvalidValue("enabled must be true or false, and date a text")
