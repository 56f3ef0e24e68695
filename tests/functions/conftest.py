"""The real template's tables in moto, and the functions loaded with its environment."""

from collections.abc import Iterator
from types import ModuleType

import boto3
import pytest
from moto import mock_aws

from local.provision import provision
from local.store import Clients
from local.template import Template, expand
from tests.support.functions import ROOT, environment_of, load
from workspace_usage import aws


@pytest.fixture(scope="session")
def template() -> Template:
    """The template with its defaults."""
    return expand(ROOT / "template.yaml", {})


@pytest.fixture
def clients(template: Template, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clients]:
    """Clients of moto's services, in which the template's tables, bucket and parameter are."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        aws._session.cache_clear()
        found = Clients(
            dynamodb=boto3.client("dynamodb"),
            events=boto3.client("events"),
            s3=boto3.client("s3"),
            sqs=boto3.client("sqs"),
            ssm=boto3.client("ssm"),
        )
        provision(template, found)
        yield found
        aws._session.cache_clear()


@pytest.fixture
def usage(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The usage function."""
    assert clients.dynamodb.list_tables()["TableNames"]
    return load("usage", environment_of(template, "UsageFunction"), monkeypatch)


@pytest.fixture
def authorizer(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The authorizer."""
    assert clients.dynamodb.list_tables()["TableNames"]
    return load("authorizer", environment_of(template, "AuthorizerFunction"), monkeypatch)


@pytest.fixture
def recorder(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The recorder."""
    assert clients.dynamodb.list_tables()["TableNames"]
    return load("recorder", environment_of(template, "RecorderFunction"), monkeypatch)
