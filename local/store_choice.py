"""Which DynamoDB the stack gets: one that is named, DynamoDB Local where it is there, or moto's.

The other services are always moto's.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum

from local.dynamodb import DynamoDBLocal, unavailable


class Store(StrEnum):
    """A DynamoDB on this machine."""

    MOTO = "moto"
    DYNAMODB_LOCAL = "dynamodb-local"


@dataclass(frozen=True, slots=True)
class Choice:
    """The DynamoDB that was chosen.

    Attributes:
        endpoint: its URL, or None for moto's, which answers where the other services do.
        sentence: which one it is and why, for a person.
    """

    endpoint: str | None
    sentence: str


def choose_store(
    named: str | None, wanted: Store | None, *, is_moto_placed: bool, parts: ExitStack
) -> Choice:
    """Returns the DynamoDB of a stack; one that has to be started is, and ends with ``parts``.

    Args:
        named: the URL of one that runs already.
        wanted: the one that was asked for.
        is_moto_placed: whether moto was given an address, at which clients expect all services.
        parts: what ends with the stack.

    Raises:
        StartError: DynamoDB Local was asked for, or is there, and doesn't start.
    """
    if named is not None:
        return Choice(named, f"The store is the DynamoDB at {named}.")
    if wanted is None and is_moto_placed:
        return Choice(None, "The store is moto, since its address is given.")
    reason = unavailable() if wanted is not Store.MOTO else "it was asked for"
    if wanted is Store.DYNAMODB_LOCAL or reason is None:
        engine = parts.enter_context(DynamoDBLocal())
        return Choice(engine.url, "The store is DynamoDB Local.")
    return Choice(None, f"The store is moto: {reason}.")
