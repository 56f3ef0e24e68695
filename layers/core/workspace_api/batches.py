"""Batches of SQS messages: applies each part of a batch on its own, and says what is left.

A part is what is applied at once: a message, or what several messages ask for together.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aws_lambda_powertools import Logger

from workspace_usage.errors import StoreUnavailable

type Message = Mapping[str, Any]
"""A record of an SQS event; it has at least ``messageId`` and ``body``."""


@dataclass(frozen=True, slots=True)
class Unapplied[Part]:
    """The parts of a batch that were not applied.

    Attributes:
        failed: parts that failed with an unexpected error.
        unavailable: parts for which the store was unavailable, and those that were not tried
            because of that.
        late: parts that were not tried because there was no time.
    """

    failed: list[Part] = field(default_factory=list)
    unavailable: list[Part] = field(default_factory=list)
    late: list[Part] = field(default_factory=list)


def apply_batch[Part](
    parts: Iterable[Part],
    apply: Callable[[Part], object],
    has_time: Callable[[], bool],
    logger: Logger,
    log_fields: Callable[[Part], Mapping[str, object]],
    failures_of_one_part: tuple[type[StoreUnavailable], ...] = (),
) -> Unapplied[Part]:
    """Applies the parts of a batch in their order, and returns those that were not applied.

    Args:
        parts: the batch.
        apply: applies one part, or raises.
        has_time: returns whether there is time for one more part.
        logger: logs each failure.
        log_fields: returns the fields of a log line that name a part.
        failures_of_one_part: after one of these errors the batch continues. After any other
            StoreUnavailable the remaining parts would fail too, so they are not tried.
    """
    unapplied, is_store_available = Unapplied[Part](), True
    for part in parts:
        if not is_store_available:
            unapplied.unavailable.append(part)
            continue
        if not has_time():
            unapplied.late.append(part)
            continue
        try:
            apply(part)
        except StoreUnavailable as error:
            is_store_available = isinstance(error, failures_of_one_part)
            logger.warning("put back", extra={**log_fields(part), "reason": str(error)})
            unapplied.unavailable.append(part)
        except Exception:
            # The outermost edge: one part's failure must not stop the others.
            logger.exception("failed", extra=dict(log_fields(part)))
            unapplied.failed.append(part)
    return unapplied


def message_id_of(message: Message) -> Mapping[str, object]:
    """Returns the field of a log line that names a message."""
    return {"message_id": message["messageId"]}


def batch_response(retried: Iterable[Message]) -> dict[str, Any]:
    """Returns a function's response to a batch; SQS deletes the messages that it does not name.

    Args:
        retried: the messages that SQS must deliver again.
    """
    return {"batchItemFailures": [{"itemIdentifier": m["messageId"]} for m in retried]}
