"""One service for all tests of the contract, and members who ask it."""

from collections.abc import Iterator

import pytest

from tests.contract.service import Service, start
from tests.support.generator import Member


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The stack with its default parameters."""
    yield from start(tmp_path_factory.mktemp("dataset"))


@pytest.fixture
def everyone(service: Service) -> Member:
    """A member of workspace 11 who sees everyone."""
    return service.members[0]


@pytest.fixture
def own(service: Service) -> Member:
    """A member of workspace 11 who sees their own runs only."""
    return service.members[1]


@pytest.fixture(autouse=True)
def cold_cache(request: pytest.FixtureRequest) -> None:
    """No test sees what another one cached."""
    if "service" in request.fixturenames:
        request.getfixturevalue("service").clock.now += 1000
