"""DynamoDB Local, one process for all tests of this folder, and databases in it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from local.dynamodb.process import DynamoDBLocal, why_unavailable
from local.template.expand import expand
from local.template.template import Template
from tests.support.database import database
from tests.support.functions import ROOT

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture(scope="session")
def engine() -> Iterator[DynamoDBLocal]:
    """The running engine; where it can't run, the tests that need it say why."""
    reason = why_unavailable()
    if reason is not None:
        pytest.skip(reason)
    with DynamoDBLocal(is_brief=True) as running:
        yield running


@pytest.fixture(scope="session")
def template() -> Template:
    """The template with its defaults."""
    return expand(ROOT / "template.yaml", {})


@pytest.fixture
def client(engine: DynamoDBLocal, template: Template) -> Iterator["DynamoDBClient"]:
    """A client of an empty database."""
    with database(engine.url, template) as made:
        yield made
