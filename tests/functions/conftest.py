"""The real template's resources in moto, and the functions loaded with its environment."""

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from local.aws import CREDENTIALS, NO_CONFIGURATION, REGION
from local.moto.process import MotoServer
from local.store.clients import Clients, Endpoints
from local.template.expand import expand
from local.template.template import Template
from tests.support.aws_clients import forget_clients
from tests.support.functions import ROOT, environment_of, warm_function
from tests.support.provisioned import Provisioned, note_calls


@pytest.fixture(scope="session")
def template() -> Template:
    """The template with its defaults."""
    return expand(ROOT / "template.yaml", {})


@pytest.fixture(scope="session")
def endpoints() -> Iterator[Endpoints]:
    """Addresses of moto's services, which are called over HTTP as in Lambda."""
    # Queues are emptied more often than once in a minute.
    server = MotoServer(settings={"MOTO_SQS_ENFORCE_STRICT_QUEUE_PURGE_BEHAVIOUR": "false"})
    yield Endpoints.all_at(server.url())
    server.stop()


@pytest.fixture(scope="session")
def provisioned(endpoints: Endpoints, template: Template) -> Iterator[Provisioned]:
    """What the template declares, and nothing else."""
    with pytest.MonkeyPatch.context() as patch:
        made = Provisioned(template, endpoints)
        note_calls(made, patch)
        yield made
        made.close()


@pytest.fixture(scope="module", autouse=True)
def forgotten_clients() -> Iterator[None]:
    """Forgets the functions' clients of other modules, which may have other endpoints."""
    forget_clients()
    yield
    forget_clients()


@pytest.fixture
def clients(
    provisioned: Provisioned, endpoints: Endpoints, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Clients]:
    """Clients of services that have only what the template declares."""
    for name, value in {**endpoints.variables, **CREDENTIALS, **NO_CONFIGURATION}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    yield provisioned.clients
    provisioned.restore()


def module_of(name: str) -> Callable[..., ModuleType]:
    """Returns a fixture: the module of the function in ``functions/<name>``."""

    @pytest.fixture(name=name)
    def loaded(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        del clients  # They must be there: the function's environment leads to them.
        environment = environment_of(template, f"{name.capitalize()}Function")
        return warm_function(name, environment, monkeypatch)

    return loaded


usage = module_of("usage")
summary = module_of("summary")
exports = module_of("exports")
exporter = module_of("exporter")
authorizer = module_of("authorizer")
recorder = module_of("recorder")
counter = module_of("counter")
