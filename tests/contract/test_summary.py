"""The summary's contract over real HTTP: it equals what the listing shows, added up."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final
from zoneinfo import ZoneInfo

import pytest

from local.stack import Stack
from tests.contract.service import PATH, Clock, Service
from tests.support.counting import CountedTables
from tests.support.generator import Member, write_dataset
from tests.support.oracle import Caller, Oracle
from tests.support.summary_oracle import GROUPINGS, INTERVALS, expected_summary, summary_question
from usagectl.loading.loader import Loader

pytestmark = pytest.mark.xdist_group("summary")

SUMMARY: Final = f"{PATH}/summary"
QUESTIONS: Final = 40


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with 1,500 rows, in New York. The data set of seed 3 has a min-date."""
    zone, folder = ZoneInfo("America/New_York"), tmp_path_factory.mktemp("dataset")
    members = write_dataset(folder, 3, datetime.now(UTC), zone)
    clock = Clock()
    with Stack.start(parameters={"TimeZone": str(zone)}, clock=clock) as stack:
        assert Loader(stack.resources).load(folder).rejected == 0
        service = Service(stack, clock, Oracle(folder, zone), members)
        yield service
        service.client.close()


@pytest.fixture(params=["read", "counted"])
def counted(request: pytest.FixtureRequest, service: Service) -> Service:
    """The service, before and after its rows are counted."""
    if request.param == "counted":
        stack = service.stack
        for workspace_id in (11, 12):
            tables = CountedTables(stack.clients, stack.template, service.oracle.zone)
            tables.count(workspace_id, age=timedelta(minutes=1))
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
    for number, grouping in enumerate(GROUPINGS):
        query = {"group_by": grouping, "interval": INTERVALS[number % 4], "limit": "3"}
        assert check(counted, counted.members[0], query) == 200
