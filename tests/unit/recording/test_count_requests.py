"""Requests to count: what is sent, and which messages are understood."""

from datetime import timedelta
from typing import Any, cast

import pytest

from workspace_usage.recording.count_requests import CountQueue, parse_request
from workspace_usage.values import MAX_ID


class Client:
    """Takes messages."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def send_message(self, **message: Any) -> None:
        """Takes a message."""
        self.messages.append(message)


@pytest.mark.parametrize(
    ("after", "delay"),
    [
        (None, {}),
        (timedelta(), {"DelaySeconds": 0}),
        (timedelta(seconds=1.2), {"DelaySeconds": 2}),
        (timedelta(hours=1), {"DelaySeconds": 900}),
    ],
)
def test_a_request_is_sent_with_a_delay_that_sqs_accepts(
    after: timedelta | None, delay: dict[str, int]
) -> None:
    """It comes late rather than early. Without a delay of its own it has the queue's."""
    client = Client()
    CountQueue(cast(Any, client), "https://queue").request(11, after)
    [message] = client.messages
    assert parse_request(message.pop("MessageBody")) == 11
    assert message == {"QueueUrl": "https://queue", **delay}


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[" * 100_000,
        "[]",
        "7",
        "{}",
        '{"workspace_id": "11"}',
        '{"workspace_id": true}',
        '{"workspace_id": 11.0}',
        '{"workspace_id": 0}',
        f'{{"workspace_id": {MAX_ID + 1}}}',
    ],
)
def test_other_messages_are_not_requests(body: str) -> None:
    assert parse_request(body) is None
