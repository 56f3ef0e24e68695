"""The app setting ``usage_history_min_date``, which hides everything before its date.

It is a Systems Manager parameter of JSON text::

    {"enabled": true, "date": "2026-01-01"}
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final, Self

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import StoreUnavailable
from workspace_usage.rows.window import Window, midnight
from workspace_usage.values import InvalidValue, parse_date, parse_json

if TYPE_CHECKING:
    from workspace_usage.aws.reader import Reader

REFRESH_INTERVAL: Final = timedelta(minutes=1)
"""How long the setting is kept before it is read again."""


@dataclass(frozen=True, slots=True)
class MinDateSetting:
    """The setting's value.

    Attributes:
        enabled: whether it hides anything.
        date: the first day that is shown; None only while the setting isn't enabled.
    """

    enabled: bool
    date: date | None

    @classmethod
    def from_json(cls, value: object) -> Self:
        """Returns the setting in a JSON value.

        Raises:
            InvalidValue: the value isn't a setting; the reason names the field.
        """
        match value:
            case {"enabled": bool() as enabled, **others}:
                day = others.get("date")
            case _:
                raise InvalidValue("enabled: must be true or false")
        if day is None and not enabled:
            return cls(enabled, None)
        try:
            return cls(enabled, parse_date(day if isinstance(day, str) else ""))
        except InvalidValue as error:
            raise InvalidValue(f"date: {error}") from None

    def to_json(self) -> str:
        """Returns the JSON text that the parameter holds."""
        day = None if self.date is None else self.date.isoformat()
        return json.dumps({"enabled": self.enabled, "date": day})


def parse_min_date(text: str) -> date | None:
    """Returns the first day that the parameter's ``text`` lets be seen, or None for all days.

    While the setting isn't enabled, its date may be anything.

    Raises:
        StoreUnavailable: the text can't be understood.
    """
    try:
        match parse_json(text):
            case {"enabled": False}:
                return None
            case value:
                return MinDateSetting.from_json(value).date
    except InvalidValue as error:
        reason = f"usage_history_min_date can not be understood: {error}"
        raise StoreUnavailable(reason) from None


class MinDate:
    """The setting, read at most once a minute.

    While it can't be read, the last value that was read is used. If none was ever read, requests
    fail, because an answer might show too much.

    Args:
        reader: reads parameters.
        name: the parameter's name.
        zone: the time zone in which its date begins.
    """

    def __init__(self, reader: "Reader", name: str, zone: tzinfo) -> None:
        self._reader = reader
        self._name = name
        self._zone = zone
        self._earliest: datetime | None = None
        self._read_at: datetime | None = None

    def limit(self, window: Window, now: datetime, warn: Callable[[str], object]) -> Window:
        """Returns the part of a window that is shown; see ``earliest``."""
        earliest = self.earliest(now, warn)
        return window if earliest is None else window.not_before(earliest)

    def earliest(self, now: datetime, warn: Callable[[str], object]) -> datetime | None:
        """Returns the moment before which nothing is shown, or None if everything is shown.

        Args:
            now: the time of the question (aware); decides whether the setting is read again.
            warn: is called with a message when the setting can't be read and an old value is used.

        Raises:
            StoreUnavailable: the setting can't be read, and there is no old value.
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
            response = self._reader.get_parameter(Name=self._name)
        match response:
            case {"Parameter": {"Value": str() as text}}:
                day = parse_min_date(text)
                return None if day is None else midnight(day, self._zone)
        raise StoreUnavailable("GetParameter answered without a value")
