"""The template's rules on a bus: each event comes into one queue, and only the platform's do."""

import json

from local.store.clients import Clients
from local.template.template import Template
from usagectl.send import Envelope, send
from workspace_usage.recording.events import EVENTS

ROWS = {"ExecutionRecorded", "ExecutionArchived", "ChatEdited"}


def kinds(clients: Clients, template: Template, queue: str) -> set[str]:
    """The kinds of the events that are in a queue."""
    found: set[str] = set()
    while True:
        answer = clients.sqs.receive_message(
            QueueUrl=template.resources[queue].ref, MaxNumberOfMessages=10
        )
        if not answer.get("Messages"):
            return found
        found |= {json.loads(message["Body"])["detail-type"] for message in answer["Messages"]}


def test_events_on_who_may_come_in_have_a_queue_of_their_own(
    clients: Clients, template: Template
) -> None:
    """What nobody knows goes with the rows, where it is rejected with a reason."""
    bus = template.resources["EventBus"].name
    own = [Envelope("tess", kind, "{}") for kind in (*EVENTS, "Unheard")]
    others = [Envelope("somebody", kind, "{}") for kind in EVENTS]
    assert send(clients.events, bus, own + others) == len(own + others)
    assert kinds(clients, template, "EventQueue") == {*ROWS, "Unheard"}
    assert kinds(clients, template, "AccessEventQueue") == EVENTS.keys() - ROWS
    assert kinds(clients, template, "DeadLetterQueue") == set()
