"""Batches of SQS messages: applies each message on its own, and names those to deliver again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger

from workspace_usage.errors import StoreUnavailable

type Message = Mapping[str, Any]
"""A record of an SQS event; it has at least ``messageId`` and ``body``."""


def apply_batch(
    messages: Sequence[Message],
    apply: Callable[[Message], None],
    has_time: Callable[[], bool],
    logger: Logger,
    failures_of_one_message: tuple[type[StoreUnavailable], ...] = (),
) -> list[str]:
    """Applies messages in their order, and returns the ids of those to retry.

    Args:
        messages: the batch.
        apply: applies one message, or raises.
        has_time: returns whether there is time for one more message.
        logger: logs each failure.
        failures_of_one_message: after one of these errors the batch continues. After any other
            StoreUnavailable the remaining messages would fail too, so they are not tried, and SQS
            delivers them again.
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
            is_store_available = isinstance(error, failures_of_one_message)
            logger.warning("put back", extra={"message_id": message_id, "reason": str(error)})
            retried.append(message_id)
        except Exception:
            # The outermost edge: one message's failure must not stop the others.
            logger.exception("failed", extra={"message_id": message_id})
            retried.append(message_id)
    return retried


def batch_response(retried: Sequence[str]) -> dict[str, Any]:
    """Returns a function's response to a batch; SQS deletes the messages that it does not name.

    Args:
        retried: the ids of the messages that SQS must deliver again.
    """
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in retried]}
