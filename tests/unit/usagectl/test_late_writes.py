"""Late writes: each attempt has its marks, and a write that took too long is not believed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.support.loading import NAMES, Requests, Store, resources_of
from usagectl.late_writes import MAX_WRITE_ATTEMPTS, LateWrites, RowKey
from usagectl.resources import ONE_ATTEMPT
from workspace_usage.rollups.blocks import WRITE
from workspace_usage.rollups.items import state_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ROW = RowKey(11, "2026-01-05T19:35:21.000000Z#0#1")


class Deployment:
    """A deployment in memory, at a time that a test moves."""

    def __init__(self) -> None:
        self.now = NOW
        self.requests = Requests()
        self.store = Store()
        self.writes = LateWrites(resources_of(self.store, lambda: self.now, self.requests))

    def pass_time(self, seconds: float) -> None:
        """Lets time pass."""
        self.now += timedelta(seconds=seconds)

    def marks(self) -> dict[str, datetime]:
        """Returns when each mark was put."""
        _, marks = state_of(self.store.items.get(NAMES.rollups, {}).values())
        return {
            span: datetime.fromtimestamp(at / 1000, UTC) for span, at in marks.marked_at.items()
        }


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """A deployment; waits between attempts take a second of its time."""
    made = Deployment()
    monkeypatch.setattr("workspace_usage.aws.backoff.time.sleep", lambda _: made.pass_time(1))
    return made


def test_a_row_has_its_mark_before_it_is_written(deployment: Deployment) -> None:
    """Counting is requested before. A row of this moment needs neither."""
    seen: list[dict[str, datetime]] = []

    def attempt() -> bool:
        seen.append(deployment.marks())
        return True

    fresh = RowKey(12, "2026-03-01T11:59:30.000000Z#0#1")
    assert deployment.writes.write([ROW, fresh], attempt)
    assert seen == [{"2026-01-05T19": NOW}]
    assert deployment.requests.sent == [(11, None)]


def test_each_attempt_relies_on_a_mark_that_is_new_enough(deployment: Deployment) -> None:
    """The attempts may be minutes apart."""
    attempts = []

    def attempt() -> bool | None:
        marked_at = deployment.marks()["2026-01-05T19"]
        attempts.append(deployment.now - marked_at)
        deployment.pass_time(25)
        return True if len(attempts) == 8 else None

    assert deployment.writes.write([ROW], attempt)
    assert max(attempts) <= timedelta(seconds=30)
    assert deployment.now - NOW > timedelta(minutes=3)


@pytest.mark.parametrize("fails", [False, True])
def test_what_was_counted_while_a_write_stood_still_is_not_believed(
    deployment: Deployment, fails: bool
) -> None:
    """The laptop slept between the check and the end of the write, which may have had effect."""

    def attempt() -> bool:
        deployment.pass_time(3600)
        if fails:
            raise ClientError({"Error": {"Code": "ValidationException"}}, "PutItem")
        return True

    if fails:
        with pytest.raises(ClientError):
            deployment.writes.write([ROW], attempt)
    else:
        deployment.writes.write([ROW], attempt)
    assert deployment.marks() == {"2026-01-05T19": NOW + timedelta(hours=1)}
    assert len(deployment.requests.sent) == 2


def test_a_slow_check_is_repeated(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """The write has a minute from the check, so it must not begin when most of it is over."""
    put_item = deployment.store.put_item

    def put_slowly(**request: Any) -> Any:
        deployment.pass_time(50 if deployment.now == NOW else 0)
        return put_item(**request)

    monkeypatch.setattr(deployment.store, "put_item", put_slowly)
    deployment.writes.write([ROW], lambda: True)
    assert deployment.marks() == {"2026-01-05T19": NOW + timedelta(seconds=50)}


def test_rows_that_are_written_next_are_marked_by_days(deployment: Deployment) -> None:
    """Also when the marks are put again, while few rows are written at a time."""
    keys = [
        RowKey(11, f"2026-01-{day:02}T{hour:02}:00:00.000000Z#0#1")
        for day in range(1, 11)
        for hour in range(24)
    ]
    days = {f"2026-01-{day:02}" for day in range(1, 11)}
    deployment.writes.mark_chunk(keys)
    for key in keys[::7]:
        deployment.writes.write([key], lambda: True)
        deployment.pass_time(20)
    assert deployment.marks().keys() == days
    assert deployment.now - min(deployment.marks().values()) < timedelta(minutes=1)
    assert len(deployment.requests.sent) <= len(keys[::7])


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (ReadTimeoutError(endpoint_url="https://dynamodb"), MAX_WRITE_ATTEMPTS),
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem"), MAX_WRITE_ATTEMPTS),
        (ClientError({"Error": {"Code": "AccessDeniedException"}}, "PutItem"), 1),
    ],
)
def test_only_what_may_succeed_later_is_tried_again(
    deployment: Deployment, error: Exception, attempts: int
) -> None:
    """The client itself makes one attempt only."""
    made = []

    def fail() -> None:
        made.append(1)
        raise error

    with pytest.raises(type(error)):
        deployment.writes.write([ROW], fail)
    assert len(made) == attempts


def test_a_write_ends_within_the_time_that_marks_allow() -> None:
    """A client that writes rows makes one attempt, and waits less than a minute for it."""
    limits: Any = ONE_ATTEMPT
    assert limits.retries["total_max_attempts"] == 1
    assert 0 < limits.connect_timeout + limits.read_timeout < WRITE.total_seconds()
