"""The real template's resources in moto, and the functions loaded with its environment."""

from collections.abc import Iterator
from types import ModuleType

import httpx
import pytest

from local.aws import CREDENTIALS, NO_CONFIGURATION, REGION
from local.moto.process import MotoServer
from local.store.clients import Clients, Endpoints
from local.store.provision import provision
from local.template.expand import expand
from local.template.template import Template
from tests.support.aws_clients import forget_clients
from tests.support.functions import ROOT, environment_of, load_function


@pytest.fixture(scope="session")
def template() -> Template:
    """The template with its defaults."""
    return expand(ROOT / "template.yaml", {})


@pytest.fixture(scope="session")
def endpoints() -> Iterator[Endpoints]:
    """Addresses of moto's services, which are called over HTTP as in Lambda."""
    server = MotoServer()
    yield Endpoints.all_at(server.url())
    server.stop()


@pytest.fixture
def clients(
    endpoints: Endpoints, template: Template, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Clients]:
    """Clients of services that have only what the template declares."""
    httpx.post(f"{endpoints.dynamodb}/moto-api/reset").raise_for_status()
    for name, value in {**endpoints.variables, **CREDENTIALS, **NO_CONFIGURATION}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    forget_clients()
    clients = Clients.at(endpoints)
    provision(template, clients)
    yield clients
    for client in (clients.dynamodb, clients.events, clients.s3, clients.sqs, clients.ssm):
        client.close()
    forget_clients()


@pytest.fixture
def usage(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The usage function's module."""
    assert clients.dynamodb.list_tables()["TableNames"]
    return load_function("usage", environment_of(template, "UsageFunction"), monkeypatch)


@pytest.fixture
def summary(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The summary function's module."""
    assert clients.dynamodb.list_tables()["TableNames"]
    return load_function("summary", environment_of(template, "SummaryFunction"), monkeypatch)


@pytest.fixture
def exports(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The exports function's module."""
    assert clients.dynamodb.list_tables()["TableNames"]
    return load_function("exports", environment_of(template, "ExportsFunction"), monkeypatch)


@pytest.fixture
def exporter(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The exporter's module."""
    assert clients.dynamodb.list_tables()["TableNames"]
    return load_function("exporter", environment_of(template, "ExporterFunction"), monkeypatch)


@pytest.fixture
def authorizer(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The authorizer's module."""
    assert clients.dynamodb.list_tables()["TableNames"]
    return load_function("authorizer", environment_of(template, "AuthorizerFunction"), monkeypatch)


@pytest.fixture
def recorder(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The recorder's module."""
    assert clients.dynamodb.list_tables()["TableNames"]
    return load_function("recorder", environment_of(template, "RecorderFunction"), monkeypatch)


@pytest.fixture
def counter(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The counter's module."""
    assert clients.dynamodb.list_tables()["TableNames"]
    return load_function("counter", environment_of(template, "CounterFunction"), monkeypatch)
