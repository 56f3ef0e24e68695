"""The service that the tests of the contract share, and two of its members."""

from collections.abc import Iterator

import pytest

from tests.contract.service import Service, start
from tests.support.generator import Member


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose template has the default parameters."""
    yield from start(tmp_path_factory.mktemp("dataset"))


@pytest.fixture
def everyone(service: Service) -> Member:
    """A member of workspace 11 who sees everyone's rows."""
    return service.members[0]


@pytest.fixture
def own(service: Service) -> Member:
    """A member of workspace 11 who sees only their own rows."""
    return service.members[1]


@pytest.fixture(autouse=True)
def empty_cache(request: pytest.FixtureRequest) -> None:
    """Lets all cached answers expire, so that no test gets another test's answer."""
    if "service" in request.fixturenames:
        request.getfixturevalue("service").clock.now += 1000
