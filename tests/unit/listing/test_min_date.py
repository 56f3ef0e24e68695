"""The setting is kept for a minute, longer if it can't be read; without it, nothing is shown."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.strategies import any_text, json_values, zones
from workspace_usage.errors import StoreUnavailable
from workspace_usage.listing.min_date import (
    REFRESH_INTERVAL,
    MinDate,
    MinDateSetting,
    parse_min_date,
)
from workspace_usage.rows.window import midnight
from workspace_usage.values import InvalidValue

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
ENABLED = '{"enabled": true, "date": "2026-01-01"}'
DISABLED = '{"enabled": false, "date": null}'
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
FAILURES: list[BotoCoreError | ClientError] = [
    ClientError({"Error": {"Code": "ThrottlingException"}}, "GetParameter"),
    ClientError({"Error": {"Code": "ParameterNotFound"}}, "GetParameter"),
    ReadTimeoutError(endpoint_url="https://ssm"),
]


class Parameter:
    """Systems Manager with one parameter, which can be told to fail."""

    def __init__(self, value: str = ENABLED) -> None:
        self.value = value
        self.failure: Exception | None = None
        self.response: Any = None
        self.names: list[str] = []

    def get_parameter(self, *, Name: str) -> Any:  # noqa: N803  AWS's name
        self.names.append(Name)
        if self.failure is not None:
            raise self.failure
        if self.response is not None:
            return self.response
        return {"Parameter": {"Name": Name, "Value": self.value}}


def min_date(parameter: Parameter) -> MinDate:
    return MinDate(cast(Any, parameter), "/usage/min-date", UTC)


def never(message: str) -> None:
    raise AssertionError(f"warned: {message}")


def test_history_begins_at_midnight_of_the_date_in_the_zone() -> None:
    parameter = Parameter()
    assert min_date(parameter).earliest(NOW, never) == NEW_YEAR
    assert parameter.names == ["/usage/min-date"]
    zone = ZoneInfo("America/Sao_Paulo")
    there = MinDate(cast(Any, parameter), "x", zone).earliest(NOW, never)
    assert there == NEW_YEAR + timedelta(hours=3)


def test_a_setting_that_is_not_enabled_hides_nothing() -> None:
    assert min_date(Parameter(DISABLED)).earliest(NOW, never) is None


@pytest.mark.parametrize("value", [ENABLED, DISABLED])
def test_it_is_read_once_a_minute(value: str) -> None:
    parameter = Parameter(value)
    setting = min_date(parameter)
    for age in (0, 1, 30, 59):
        setting.earliest(NOW + age * SECOND, never)
    setting.earliest(NOW + REFRESH_INTERVAL - timedelta(microseconds=1), never)
    assert len(parameter.names) == 1
    setting.earliest(NOW + REFRESH_INTERVAL, never)
    assert len(parameter.names) == 2


def test_a_change_is_seen_a_minute_later() -> None:
    parameter = Parameter(DISABLED)
    setting = min_date(parameter)
    setting.earliest(NOW, never)
    parameter.value = ENABLED
    assert setting.earliest(NOW + REFRESH_INTERVAL - SECOND, never) is None
    assert setting.earliest(NOW + REFRESH_INTERVAL, never) == NEW_YEAR
    parameter.value = DISABLED
    assert setting.earliest(NOW + 2 * REFRESH_INTERVAL, never) is None


def test_it_is_read_again_after_the_clock_was_put_back() -> None:
    parameter = Parameter()
    setting = min_date(parameter)
    setting.earliest(NOW, never)
    setting.earliest(NOW - timedelta(days=1), never)
    assert len(parameter.names) == 2


@pytest.mark.parametrize("failure", FAILURES)
def test_without_a_value_there_is_no_answer(failure: Exception) -> None:
    parameter = Parameter()
    parameter.failure = failure
    setting = min_date(parameter)
    for age in (0, 1, 60):
        with pytest.raises(StoreUnavailable):
            setting.earliest(NOW + age * SECOND, never)
    parameter.failure = None
    assert setting.earliest(NOW + 61 * SECOND, never) == NEW_YEAR


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(("value", "earliest"), [(ENABLED, NEW_YEAR), (DISABLED, None)])
def test_an_old_value_is_used_while_the_setting_cannot_be_read(
    failure: Exception, value: str, earliest: datetime | None
) -> None:
    parameter, warnings = Parameter(value), list[str]()
    setting = min_date(parameter)
    setting.earliest(NOW, never)
    parameter.failure = failure
    assert setting.earliest(NOW + REFRESH_INTERVAL, warnings.append) == earliest
    (warning,) = warnings
    assert warning.startswith("usage_history_min_date is old: ")
    # It is read again a minute later: not every request calls a service that throttles.
    assert setting.earliest(NOW + REFRESH_INTERVAL + SECOND, never) == earliest
    assert len(parameter.names) == 2
    assert setting.earliest(NOW + 2 * REFRESH_INTERVAL, warnings.append) == earliest
    assert len(warnings) == 2


MALFORMED = [
    "",
    "null",
    "true",
    "[]",
    "{}",
    '"enabled"',
    "2026-01-01",
    "{",
    "NaN",
    "[" * 500,
    "[" * 8_192,
    '{"enabled": true, "date": "2026-01-01", "note": 1e99999999999999999999}',
    '{"enabled": true, "date": "2026-01-01", "note": ' + "1" * 5_000 + "}",
    '{"enabled": true}',
    '{"date": "2026-01-01"}',
    '{"enabled": true, "date": null}',
    '{"enabled": "true", "date": "2026-01-01"}',
    '{"enabled": 1, "date": "2026-01-01"}',
    '{"enabled": null}',
    '{"enabled": true, "date": 20260101}',
    '{"enabled": true, "date": ""}',
    '{"enabled": true, "date": "2026-02-30"}',
    '{"enabled": true, "date": "20250105"}',
    '{"enabled": true, "date": "2025-W02-3"}',
    '{"enabled": true, "date": "2026-1-1"}',
    '{"enabled": true, "date": ["2026-01-01"]}',
    '{"enabled": true, "date": "01.01.2026"}',
]


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_setting_counts_as_one_that_cannot_be_read(text: str) -> None:
    """It may have been meant to hide something, so showing everything might show too much."""
    with pytest.raises(StoreUnavailable, match=r"^usage_history_min_date can not be understood: "):
        parse_min_date(text)
    parameter, warnings = Parameter(text), list[str]()
    with pytest.raises(StoreUnavailable):
        min_date(parameter).earliest(NOW, never)
    parameter.value = ENABLED
    setting = min_date(parameter)
    setting.earliest(NOW, never)
    parameter.value = text
    assert setting.earliest(NOW + REFRESH_INTERVAL, warnings.append) == NEW_YEAR
    assert len(warnings) == 1


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"Parameter": None},
        {"Parameter": {}},
        {"Parameter": {"Value": 1}},
        {"Parameter": []},
        [],
    ],
)
def test_a_response_without_a_value_counts_as_one_that_cannot_be_read(response: Any) -> None:
    parameter, warnings = Parameter(), list[str]()
    parameter.response = response
    with pytest.raises(StoreUnavailable):
        min_date(parameter).earliest(NOW, never)
    parameter.response = None
    setting = min_date(parameter)
    setting.earliest(NOW, never)
    parameter.response = response
    assert setting.earliest(NOW + REFRESH_INTERVAL, warnings.append) == NEW_YEAR
    assert len(warnings) == 1


@given(st.dates(), zones())
@example(date.min, "Asia/Tokyo")
@example(date.max, "America/New_York")
def test_any_date_can_be_set(day: date, zone: str) -> None:
    here = ZoneInfo(zone)
    text = f'{{"enabled": true, "date": "{day}"}}'
    setting = MinDate(cast(Any, Parameter(text)), "x", here)
    assert setting.earliest(NOW, never) == midnight(day, here)


@given(st.booleans(), st.dates())
def test_what_is_written_is_what_is_read(enabled: bool, day: date) -> None:
    """By the service, which asks from which day on something is shown, and by the import."""
    setting = MinDateSetting(enabled, day)
    assert parse_min_date(setting.to_json()) == (day if enabled else None)
    assert MinDateSetting.from_json(json.loads(setting.to_json())) == setting


@pytest.mark.parametrize("value", [None, "", "2026-02-30", 1, ["2026-01-01"]])
def test_the_date_of_a_disabled_setting_does_not_matter(value: object) -> None:
    """But what is imported has to be right: a date that can't be read may be a mistake."""
    setting = {"enabled": False, "date": value}
    assert parse_min_date(json.dumps(setting)) is None
    if value is not None:
        with pytest.raises(InvalidValue, match=r"^date: "):
            MinDateSetting.from_json(setting)


settings = st.fixed_dictionaries(
    {}, optional={"enabled": st.booleans() | json_values(), "date": json_values()}
)


@given(any_text() | json_values().map(json.dumps) | settings.map(json.dumps))
def test_any_text_is_a_setting_or_is_refused(text: str) -> None:
    try:
        first_day = parse_min_date(text)
    except StoreUnavailable:
        return
    assert first_day is None or isinstance(first_day, date)
