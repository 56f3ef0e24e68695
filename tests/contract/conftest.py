"""The services that the tests of the contract share.

A service takes seconds of CPU time to start. Its tests have its name as their ``xdist_group``, so
that one process runs them all.
"""

from collections.abc import Iterator

import pytest

from local.log import JsonLog
from tests.contract.service import ORIGIN, Service, deployed
from tests.support.generator import Member


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service whose template has the default parameters. No test changes its rows."""
    with deployed(tmp_path_factory.mktemp("contract")) as running:
        yield running


@pytest.fixture(scope="session")
def operated_log() -> list[str]:
    """The lines of all logs of the operated service."""
    return []


@pytest.fixture(scope="session")
def operated(
    tmp_path_factory: pytest.TempPathFactory, operated_log: list[str]
) -> Iterator[Service]:
    """A service like the first one. Events and commands change what is in it."""
    folder, log = tmp_path_factory.mktemp("operated"), JsonLog(operated_log.append)
    with deployed(folder, rows=500, log=log) as running:
        yield running


@pytest.fixture(scope="session")
def restricted_log() -> list[str]:
    """The lines of all logs of the restricted service."""
    return []


@pytest.fixture(scope="session")
def restricted(
    tmp_path_factory: pytest.TempPathFactory, restricted_log: list[str]
) -> Iterator[Service]:
    """A service without rows, which answers few requests, and checks itself.

    Tests delete tables of it, and make them again.
    """
    with deployed(
        tmp_path_factory.mktemp("restricted"),
        rows=0,
        log=JsonLog(restricted_log.append),
        AllowedOrigin=ORIGIN,
        ChecksEnabled="true",
        DefaultLocale="es",
        RequestsPerAddress="60",
        RequestsPerToken="10",
        ThrottleBurst="15",
        ThrottleRate="15",
        WebAclEnabled="true",
    ) as running:
        yield running


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service in New York, in Portuguese, without a cache, whose tokens live for two days.

    The data set of seed 3 has a minimal date.
    """
    with deployed(
        tmp_path_factory.mktemp("elsewhere"),
        seed=3,
        CacheEnabled="false",
        DefaultLocale="pt_BR",
        TimeZone="America/New_York",
        TokenLifetimeMinutes=str(2 * 24 * 60),
    ) as running:
        yield running


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
    """Lets time pass, so that no test gets another test's cached answers, or used-up limits."""
    for name in ("service", "operated", "restricted", "elsewhere"):
        if name in request.fixturenames:
            request.getfixturevalue(name).clock.now += 1000
