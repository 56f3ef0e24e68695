"""SnapStart: what a function does before a snapshot is taken, and after it is restored."""

import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType

import pytest
import snapshot_restore_py

from local.aws import CREDENTIALS
from local.functions.credentials_endpoint import CredentialsEndpoint
from local.store.clients import Clients
from local.template.template import Template
from tests.support.authorizer import authorize, put_membership, put_token
from tests.support.aws_clients import forget_clients
from tests.support.functions import environment_of, load_function
from tests.support.usage import EVERYONE, answer, proxy_event, put_row
from workspace_usage.aws import clients, connections, sigv4
from workspace_usage.aws.credentials import current_credentials
from workspace_usage.aws.session import botocore_session
from workspace_usage.rows import window
from workspace_usage.rows.row import Source

CREDENTIALS_SERVED = {"AccessKeyId": "first", "SecretAccessKey": "secret", "Token": "token"}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[CredentialsEndpoint]:
    """The only place where there are credentials."""
    with CredentialsEndpoint(CREDENTIALS_SERVED) as endpoint:
        for name in CREDENTIALS:
            monkeypatch.delenv(name, raising=False)
        for name, value in endpoint.variables.items():
            monkeypatch.setenv(name, value)
        yield endpoint


@pytest.fixture(autouse=True)
def no_hooks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No function has registered a hook, and nothing is cached."""
    for name in ("_before_snapshot_registry", "_after_restore_registry"):
        monkeypatch.setattr(snapshot_restore_py, name, [])
    connections.tls_context.cache_clear()
    window.zone_fingerprint.cache_clear()
    sigv4.signing_key.cache_clear()
    forget_clients()
    yield
    forget_clients()


type Load = Callable[[str], ModuleType]


@pytest.fixture
def snapshot_of(
    clients: Clients,
    template: Template,
    endpoint: CredentialsEndpoint,
    monkeypatch: pytest.MonkeyPatch,
) -> Load:
    """Loads a function, and takes a snapshot of it."""
    assert clients.dynamodb.list_tables()["TableNames"]

    def take(name: str) -> ModuleType:
        environment = environment_of(template, f"{name.capitalize()}Function")
        module = load_function(name, environment, monkeypatch)
        take_snapshot()
        return module

    assert endpoint.requests == 0
    return take


def take_snapshot() -> None:
    """Does what Lambda's runtime does before: each hook runs once, the last one first."""
    registered = snapshot_restore_py.get_before_snapshot()
    while registered:
        function, arguments, options = registered.pop()
        function(*arguments, **options)


def restore() -> None:
    """Does what Lambda's runtime does after."""
    for function, arguments, options in snapshot_restore_py.get_after_restore():
        function(*arguments, **options)


@pytest.mark.parametrize("function", ["usage", "authorizer"])
def test_a_snapshot_holds_nothing_that_could_be_stale(
    snapshot_of: Load, endpoint: CredentialsEndpoint, function: str
) -> None:
    """No credentials were fetched, no client was made, and nothing was signed."""
    snapshot_of(function)
    assert endpoint.requests == 0
    assert vars(botocore_session())["_credentials"] is None
    assert clients._client.cache_info().currsize == 0
    assert sigv4.signing_key.cache_info().currsize == 0


def test_a_snapshot_of_the_listing_has_read_nothing(snapshot_of: Load) -> None:
    """It holds no setting and no connection."""
    listing = snapshot_of("usage").listing()
    assert listing.min_date._read_at is None
    for reader in (listing.min_date._reader, listing.store._reader):
        assert reader._pool._idle == []


@pytest.mark.parametrize("function", ["usage", "authorizer"])
def test_a_snapshot_holds_what_takes_long(snapshot_of: Load, function: str) -> None:
    """The certificate authorities, botocore's session, and the objects that requests share."""
    module = snapshot_of(function)
    assert connections.tls_context.cache_info().currsize == 1
    assert botocore_session.cache_info().currsize == 1
    shared = module.listing if function == "usage" else module.authorization
    assert shared.cache_info().currsize == 1
    assert window.zone_fingerprint.cache_info().currsize == (function == "usage"), (
        "of the zone's days"
    )


def test_a_restored_listing_answers(
    snapshot_of: Load, clients: Clients, template: Template, endpoint: CredentialsEndpoint
) -> None:
    """With credentials that it fetches once, and keeps until they age."""
    put_row(clients, template, Source.CURRENT, 1)
    usage = snapshot_of("usage")
    restore()
    for _ in range(2):
        status, body = answer(usage, proxy_event(EVERYONE))
        assert (status, [item["id"] for item in body["items"]]) == (200, [1])
    assert endpoint.requests == 1


def test_a_restored_authorizer_decides(
    snapshot_of: Load, clients: Clients, template: Template, endpoint: CredentialsEndpoint
) -> None:
    """Its credentials are fetched once, too."""
    put_token(clients, template)
    put_membership(clients, template)
    authorizer = snapshot_of("authorizer")
    restore()
    for _ in range(2):
        assert authorize(authorizer)[0] == "Allow"
    assert endpoint.requests == 1


@pytest.mark.usefixtures("clients")
def test_credentials_are_renewed_before_they_expire(endpoint: CredentialsEndpoint) -> None:
    """If they expire in a few minutes, new ones are fetched and used."""
    endpoint.lifetime = timedelta(minutes=5)
    assert current_credentials() == ("first", "secret", "token")
    endpoint.lifetime = timedelta(hours=6)
    endpoint.credentials = CREDENTIALS_SERVED | {"AccessKeyId": "second"}
    assert current_credentials() == ("second", "secret", "token")
    endpoint.credentials = CREDENTIALS_SERVED | {"AccessKeyId": "third"}
    assert current_credentials() == ("second", "secret", "token")


@pytest.mark.parametrize("function", ["usage", "authorizer"])
def test_environments_of_one_snapshot_have_different_random_numbers(
    snapshot_of: Load, function: str
) -> None:
    """Although they start from the same state."""
    snapshot_of(function)
    state = random.getstate()
    numbers = set()
    for _ in range(5):
        random.setstate(state)
        restore()
        numbers.add(random.random())
    assert len(numbers) == 5


def test_the_recorder_has_no_snapshot_hooks(
    clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is deployed without SnapStart."""
    assert clients.dynamodb.list_tables()["TableNames"]
    load_function("recorder", environment_of(template, "RecorderFunction"), monkeypatch)
    assert snapshot_restore_py.get_before_snapshot() == []
    assert snapshot_restore_py.get_after_restore() == []
