"""The real template's resources in moto, and the functions loaded with its environment."""

from collections.abc import Callable, Iterator
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


def module_of(name: str) -> Callable[..., ModuleType]:
    """Returns a fixture: the module of the function in ``functions/<name>``."""

    @pytest.fixture(name=name)
    def loaded(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        assert clients.dynamodb.list_tables()["TableNames"]
        environment = environment_of(template, f"{name.capitalize()}Function")
        return load_function(name, environment, monkeypatch)

    return loaded


usage = module_of("usage")
summary = module_of("summary")
exports = module_of("exports")
exporter = module_of("exporter")
authorizer = module_of("authorizer")
recorder = module_of("recorder")
counter = module_of("counter")
