"""Which DynamoDB the stack gets: one that is named, DynamoDB Local where it is there, or moto's.

The other services are always moto's.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum

from local.dynamodb.process import DynamoDBLocal, why_unavailable


class StoreKind(StrEnum):
    """A DynamoDB on this machine."""

    MOTO = "moto"
    DYNAMODB_LOCAL = "dynamodb-local"


@dataclass(frozen=True, slots=True)
class StoreChoice:
    """The DynamoDB that was chosen.

    Attributes:
        endpoint: its URL, or None for moto's, which answers where the other services do.
        sentence: which one it is and why, for a person.
    """

    endpoint: str | None
    sentence: str


def choose_store(
    named: str | None, wanted: StoreKind | None, *, is_moto_placed: bool, parts: ExitStack
) -> StoreChoice:
    """Returns the DynamoDB of a stack; one that has to be started is, and ends with ``parts``.

    Args:
        named: the URL of one that runs already.
        wanted: the one that was asked for, even if another is named.
        is_moto_placed: whether moto was given an address, at which clients expect all services.
        parts: what ends with the stack.

    Raises:
        StartError: DynamoDB Local was asked for, or is there, and doesn't start.
    """
    if named is not None and wanted is None:
        return StoreChoice(
            named, f"The store is the DynamoDB at {named}, as DYNAMODB_ENDPOINT says."
        )
    if wanted is None and is_moto_placed:
        return StoreChoice(None, "The store is moto, since its address is given.")
    reason = "it was asked for" if wanted else why_unavailable()
    if wanted is StoreKind.DYNAMODB_LOCAL or reason is None:
        # Shared, as moto's is: whoever has the address sees the tables, with any credentials.
        engine = parts.enter_context(DynamoDBLocal(shared=True))
        return StoreChoice(engine.url, f"The store is DynamoDB Local: {reason or 'it is here'}.")
    return StoreChoice(None, f"The store is moto: {reason}.")
