"""Batches of SQS messages: each message by itself, and which of them are to be delivered again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger

from workspace_usage.errors import StoreUnavailable

type Message = Mapping[str, Any]
"""A record of an SQS event, with its ``messageId`` and ``body``."""


def apply_batch(
    messages: Sequence[Message],
    apply: Callable[[Message], None],
    has_time: Callable[[], bool],
    logger: Logger,
    single: tuple[type[StoreUnavailable], ...] = (),
) -> list[str]:
    """Applies messages, and returns the ids of those to retry.

    Args:
        messages: the batch.
        apply: applies one message, or raises.
        has_time: whether there is time for one more message.
        logger: is told of each failure.
        single: failures that concern one message alone. After any other StoreUnavailable the rest
            of the batch would fail as well, and is not tried.
    """
    retried: list[str] = []
    is_store_available = True
    for message in messages:
        message_id = message["messageId"]
        if not is_store_available or not has_time():
            retried.append(message_id)
            continue
        try:
            apply(message)
        except StoreUnavailable as error:
            is_store_available = isinstance(error, single)
            logger.warning("put back", extra={"message_id": message_id, "reason": str(error)})
            retried.append(message_id)
        except Exception:
            # The outermost edge: one message's failure must not stop the others.
            logger.exception("failed", extra={"message_id": message_id})
            retried.append(message_id)
    return retried


def batch_response(retried: Sequence[str]) -> dict[str, Any]:
    """Returns a function's response to a batch: SQS deletes all messages but those ``retried``."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in retried]}
