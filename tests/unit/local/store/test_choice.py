"""Which DynamoDB a stack gets, and that the developer is told."""

from contextlib import ExitStack

import pytest

from local.errors import StartError
from local.store import choice
from local.store.choice import StoreChoice, StoreKind, choose_store

NAMED = "http://127.0.0.1:8000"


class Engine:
    """A stand-in for DynamoDB Local."""

    url = "http://127.0.0.1:1"

    def __init__(self, *, shared: bool) -> None:
        assert shared

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture(autouse=True)
def dynamodb_local(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is installed."""
    monkeypatch.setattr(choice, "why_unavailable", lambda: None)
    monkeypatch.setattr(choice, "DynamoDBLocal", Engine)


def chosen(
    named: str | None = None, wanted: StoreKind | None = None, *, has_moto_address: bool = False
) -> StoreChoice:
    with ExitStack() as parts:
        return choose_store(named, wanted, has_moto_address=has_moto_address, parts=parts)


def test_the_dynamodb_that_the_developer_chose_is_used() -> None:
    """The command line wins over the environment."""
    assert chosen(NAMED).endpoint == NAMED
    assert chosen(NAMED, StoreKind.MOTO).endpoint is None
    assert chosen(NAMED, StoreKind.DYNAMODB_LOCAL).endpoint == Engine.url
    assert chosen(wanted=StoreKind.MOTO) == StoreChoice(
        None, "The store is moto: it was asked for."
    )
    assert chosen(wanted=StoreKind.DYNAMODB_LOCAL, has_moto_address=True).endpoint == Engine.url


def test_dynamodb_local_is_used_if_it_is_installed() -> None:
    """Unless moto has an address: then clients expect all services there."""
    assert chosen() == StoreChoice(Engine.url, "The store is DynamoDB Local: it is here.")
    assert chosen(has_moto_address=True).endpoint is None


def test_without_dynamodb_local_moto_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is told. If DynamoDB Local was asked for, moto does not replace it."""
    monkeypatch.setattr(choice, "why_unavailable", lambda: "there is no Java here")
    assert chosen() == StoreChoice(None, "The store is moto: there is no Java here.")

    def fail(**_: object) -> None:
        raise StartError("there is no Java here")

    monkeypatch.setattr(choice, "DynamoDBLocal", fail)
    with pytest.raises(StartError, match="no Java"):
        chosen(wanted=StoreKind.DYNAMODB_LOCAL)
