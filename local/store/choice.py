"""Chooses the stack's DynamoDB: one that already runs, DynamoDB Local if it is here, or moto's.

moto always plays the other services.
"""

from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum

from local.dynamodb.process import DynamoDBLocal, why_unavailable


class StoreKind(StrEnum):
    """The kinds of DynamoDB that the stack can start."""

    MOTO = "moto"
    DYNAMODB_LOCAL = "dynamodb-local"


@dataclass(frozen=True, slots=True)
class StoreChoice:
    """The DynamoDB that was chosen.

    Attributes:
        endpoint: its URL, or None for moto's, which has the same URL as the other services.
        sentence: tells the developer which one it is, and why.
    """

    endpoint: str | None
    sentence: str


def choose_store(
    endpoint: str | None, wanted: StoreKind | None, *, has_moto_address: bool, parts: ExitStack
) -> StoreChoice:
    """Chooses the DynamoDB of a stack, and starts DynamoDB Local if that is chosen.

    Args:
        endpoint: the URL of a DynamoDB that already runs.
        wanted: the kind that the developer asked for; it wins over ``endpoint``.
        has_moto_address: whether moto was given an address, where clients expect all services.
        parts: stops DynamoDB Local when the stack stops.

    Raises:
        StartError: DynamoDB Local was asked for, or is here, and doesn't start.
    """
    if endpoint is not None and wanted is None:
        return StoreChoice(
            endpoint, f"The store is the DynamoDB at {endpoint}, as DYNAMODB_ENDPOINT says."
        )
    if wanted is None and has_moto_address:
        return StoreChoice(None, "The store is moto, since its address is given.")
    reason = "it was asked for" if wanted else why_unavailable()
    if wanted is StoreKind.DYNAMODB_LOCAL or reason is None:
        # Shared, like moto's: all clients see the same tables, with any credentials.
        engine = parts.enter_context(DynamoDBLocal(shared=True))
        return StoreChoice(engine.url, f"The store is DynamoDB Local: {reason or 'it is here'}.")
    return StoreChoice(None, f"The store is moto: {reason}.")
