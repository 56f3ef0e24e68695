"""Messages of a queue go to a function in batches, and each event's outcome is known."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from local.events.mapping import EventSourceMapping
from local.events.outcomes import MAX_OUTCOMES, Outcome, Outcomes, State
from local.events.poller import QueuePoller
from local.functions.invocation import Invoke, Result


class Queue:
    """An SQS queue with some messages, which it returns all at once."""

    def __init__(self, *bodies: str) -> None:
        self.messages = {f"m{number}": body for number, body in enumerate(bodies)}

    def receive_message(self, **_: object) -> dict[str, Any]:
        """Returns all messages."""
        return {
            "Messages": [
                {"MessageId": message_id, "ReceiptHandle": message_id, "Body": body}
                for message_id, body in self.messages.items()
            ]
        }

    def delete_message_batch(self, *, Entries: Sequence[dict[str, str]], **_: object) -> None:  # noqa: N803
        """Deletes messages."""
        for entry in Entries:
            del self.messages[entry["ReceiptHandle"]]


def polled(queue: Any, invoke: Invoke) -> Outcomes:
    """The outcomes of the events in a queue."""
    outcomes = Outcomes()
    mapping = EventSourceMapping(
        uuid="uuid",
        queue_url="url",
        queue_arn="arn",
        batch_size=10,
        reports_failures=True,
        is_enabled=True,
        function="Recorder",
        function_arn="function",
        invoke=invoke,
    )
    QueuePoller(mapping, queue, outcomes, lambda _: None).poll()
    return outcomes


def outcome(outcomes: Outcomes, event_id: str) -> Outcome | None:
    """The outcome of an event, or None if it is not known."""
    return outcomes.wait(event_id, ["arn"], 0).get("arn")


def logged(message: str, message_id: str, **extra: str) -> str:
    """A line of the recorder's log."""
    return json.dumps({"level": "INFO", "message": message, "message_id": message_id, **extra})


def test_each_event_of_a_batch_has_its_own_outcome() -> None:
    """Rejected and overtaken from the recorder's log, retried from its result."""
    queue = Queue("no event", "[]", *(json.dumps({"id": name}) for name in "abcd"))
    log = (
        "a line of a library",
        logged("rejected", "m3", reason="detail: field required"),
        logged("put back", "m4", reason="no table"),
        logged("overtaken", "m5"),
    )
    failures = {"batchItemFailures": [{"itemIdentifier": "m4"}]}
    outcomes = polled(queue, lambda *_: Result(json.dumps(failures).encode(), log=log))
    assert {name: outcome(outcomes, name) for name in "abcd"} == {
        "a": Outcome(State.APPLIED),
        "b": Outcome(State.REJECTED, "detail: field required"),
        "c": Outcome(State.RETRIED, "no table"),
        "d": Outcome(State.OVERTAKEN),
    }
    assert list(queue.messages) == ["m4"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Result.error("Sandbox.Timedout", "too slow"), "Sandbox.Timedout: too slow"),
        (Result(b'{"batchItemFailures": [{"itemIdentifier": "other"}]}'), ""),
    ],
)
def test_a_batch_stays_in_the_queue_if_its_function_fails(answer: Result, reason: str) -> None:
    """Also if it names a message that it did not get."""
    queue = Queue('{"id": "a"}')
    outcomes = polled(queue, lambda *_: answer)
    assert outcome(outcomes, "a") == Outcome(State.RETRIED, reason)
    assert list(queue.messages) == ["m0"]


def test_old_outcomes_are_deleted_and_new_ones_replace_them() -> None:
    """So a stack that runs for weeks doesn't need more and more memory."""
    outcomes = Outcomes()
    for number in range(MAX_OUTCOMES):
        outcomes.add(f"{number}", "arn", Outcome(State.RETRIED))
    outcomes.add("0", "arn", Outcome(State.APPLIED))
    outcomes.add("new", "arn", Outcome(State.APPLIED))
    assert outcome(outcomes, "0") == Outcome(State.APPLIED)
    assert outcome(outcomes, "1") is None
    assert outcome(outcomes, "2") == Outcome(State.RETRIED)


def test_closing_ends_all_waits() -> None:
    """Even long ones."""
    outcomes = Outcomes()
    outcomes.close()
    assert outcomes.wait("a", ["arn"], 1e6) == {}
