"""The service's time, whatever the clock of the operator's machine says."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from usagectl.errors import CommandError
from usagectl.service_clock import ServiceClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class Service:
    """DynamoDB, as far as its responses have a date."""

    def __init__(self) -> None:
        self.elapsed = 5_000.0
        self.headers = {"date": format_datetime(NOON, usegmt=True)}
        self.calls = 0
        self.meta = SimpleNamespace(events=self, endpoint_url="https://dynamodb.example")

    def register(self, event: str, handler: Any) -> None:
        """Takes the handler of responses, as botocore does."""
        assert event == "response-received.dynamodb"
        self._handler = handler

    def get_item(self, **_: object) -> None:
        """Responds."""
        self.calls += 1
        self._handler(event_name="", response_dict={"headers": self.headers}, exception=None)

    def pass_time(self, duration: timedelta) -> None:
        """Lets time pass without a response."""
        self.elapsed += duration.total_seconds()


@pytest.fixture
def service() -> Service:
    """A service at noon."""
    return Service()


@pytest.fixture
def clock(service: Service) -> ServiceClock:
    """The clock of the service."""
    return ServiceClock(cast(Any, service), "rollups", lambda: service.elapsed)


@pytest.fixture(params=[-10, 10])
def wrong_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's machine is ten minutes off."""
    off = NOON + timedelta(minutes=request.param)
    monkeypatch.setattr("time.time", off.timestamp)


@pytest.mark.usefixtures("wrong_machine")
def test_the_time_is_that_of_the_responses(service: Service, clock: ServiceClock) -> None:
    """One call is enough; from then on elapsed time is added."""
    assert NOON <= clock() <= NOON + SECOND
    service.pass_time(timedelta(hours=3))
    assert NOON <= clock() - timedelta(hours=3) <= NOON + SECOND
    assert service.calls == 1


def test_a_response_that_was_long_on_its_way_does_not_set_the_clock_back(
    service: Service, clock: ServiceClock
) -> None:
    """A mark would be too old by the same time."""
    clock()
    service.pass_time(timedelta(seconds=12))
    service.get_item()
    assert timedelta() <= clock() - NOON - timedelta(seconds=12) <= SECOND


def test_a_machine_that_counts_seconds_too_fast_does_not_run_ahead(
    service: Service, clock: ServiceClock
) -> None:
    """A drift of a few seconds a day is forgotten."""
    clock()
    for minute in range(1, 600):
        service.pass_time(timedelta(seconds=60.006))
        now = NOON + timedelta(minutes=minute)
        service.headers["date"] = format_datetime(now, usegmt=True)
        service.get_item()
        assert timedelta() <= clock() - now <= 2 * SECOND


@pytest.mark.parametrize("headers", [{}, {"date": "yesterday"}])
def test_without_a_date_there_is_no_time(
    service: Service, clock: ServiceClock, headers: dict[str, str]
) -> None:
    """The machine's own clock is not a substitute."""
    service.headers = headers
    with pytest.raises(CommandError, match=r"dynamodb\.example does not tell the time"):
        clock()
