"""The metrics of a queue of SQS, as SQS defines them.

They are sampled once a minute. A metric is reported only while there are messages that it counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tests.support.metrics import MetricId, Metrics

MAX_RECEIVES: Final = 3
"""A message that was received so often no longer counts for the age of the oldest message."""


@dataclass(frozen=True, slots=True)
class Message:
    """What happens to a message, in minutes.

    Attributes:
        sent: when it comes.
        deleted: when it is deleted, or moved to another queue.
        received: when it is received.
    """

    sent: int
    deleted: int
    received: tuple[int, ...] = ()


def put_queue_metrics(
    metrics: Metrics, queue: str, messages: Iterable[Message], visibility: int
) -> None:
    """Adds what SQS reports of a queue.

    Args:
        metrics: where it is added.
        queue: the queue's name.
        messages: all messages that are ever in the queue.
        visibility: the minutes for which a message is in flight after it was received.
    """
    messages = list(messages)
    for minute in range(max((m.deleted for m in messages), default=0)):
        present = [m for m in messages if m.sent <= minute < m.deleted]
        ages = [60 * (minute - m.sent) for m in present if _receives(m, minute) < MAX_RECEIVES]
        in_flight = sum(any(r <= minute < r + visibility for r in m.received) for m in present)
        if ages:
            _put(metrics, queue, "ApproximateAgeOfOldestMessage", minute, max(ages))
        if in_flight:
            _put(metrics, queue, "ApproximateNumberOfMessagesNotVisible", minute, in_flight)
        if visible := len(present) - in_flight:
            _put(metrics, queue, "ApproximateNumberOfMessagesVisible", minute, visible)


def _receives(message: Message, minute: int) -> int:
    return sum(moment <= minute for moment in message.received)


def _put(metrics: Metrics, queue: str, name: str, minute: int, value: float) -> None:
    metrics.put(MetricId.of("AWS/SQS", name, {"QueueName": queue}), [minute], value)
