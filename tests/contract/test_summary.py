"""The summary's contract over real HTTP: it equals what the listing shows, added up."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import pytest

from tests.contract.service import PATH, Service
from tests.support.counting import CountedTables
from tests.support.generator import Member
from tests.support.oracle import Caller
from tests.support.summary_oracle import GROUPINGS, INTERVALS, expected_summary, summary_question
from workspace_usage.rollups.counter import MIN_ROWS

pytestmark = pytest.mark.xdist_group("elsewhere")

SUMMARY: Final = f"{PATH}/summary"
QUESTIONS: Final = 20

SOME_GROUPINGS: Final = GROUPINGS[::4]
"""Each fourth of all groupings: those of two dimensions, of one and of none are among them."""


@pytest.fixture
def service(elsewhere: Service) -> Service:
    """A service in New York."""
    return elsewhere


@pytest.fixture(params=["read", "counted"])
def counted(request: pytest.FixtureRequest, service: Service) -> Service:
    """The service, before and after its rows are counted."""
    if request.param == "counted":
        stack = service.stack
        tables = CountedTables(stack.clients, stack.template, service.oracle.zone)
        tables.count(11, age=timedelta(minutes=1))
        assert tables.counted_rows(11) > MIN_ROWS
    service.clock.now += 1000
    return service


def check(service: Service, member: Member, query: dict[str, str]) -> int:
    """Compares the answer to a question with the listing's items, added up; returns its status."""
    caller = Caller(member.workspace_id, member.user_id, member.sees_everyone)
    status, expected = expected_summary(service.oracle, caller, query, datetime.now(UTC))
    answer = service.ask(member, query, path=SUMMARY)
    assert answer.status == status, query
    if status == 422:
        assert answer.body["errors"].keys() == expected, query
    elif status == 200:
        assert answer.body == expected, query
        assert names(answer.body) == names(expected), "another order"
    return status


def names(value: object) -> list[str]:
    """Returns the names of all fields in their order."""
    match value:
        case dict():
            return [name for field in value for name in (field, *names(value[field]))]
        case list():
            return [name for part in value for name in names(part)]
    return []


def test_sums_are_those_of_the_listing_s_rows(counted: Service) -> None:
    """For random questions of members of all kinds, whether the rows are counted or not."""
    random = Random(4)
    statuses = [
        check(counted, random.choice(counted.members), summary_question(random, datetime.now(UTC)))
        for _ in range(QUESTIONS)
    ]
    assert set(statuses) == {200, 403, 422}
    for number, grouping in enumerate(SOME_GROUPINGS):
        query = {"group_by": grouping, "interval": INTERVALS[number % 4], "limit": "3"}
        assert check(counted, counted.members[0], query) == 200
