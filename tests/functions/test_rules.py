"""The template's rules on a bus: each event of the platform reaches one queue, others none."""

import json
from typing import get_type_hints

from local.store.clients import Clients
from local.template.template import Template
from usagectl.send import Envelope, send
from workspace_usage.recording.changes import RowChange
from workspace_usage.recording.events import EVENTS

ROW_EVENTS = {
    name for name, event in EVENTS.items() if get_type_hints(event.to_change)["return"] is RowChange
}


def receive_kinds(clients: Clients, template: Template, queue: str) -> set[str]:
    """Takes all events from a queue, and returns their kinds."""
    kinds: set[str] = set()
    while True:
        response = clients.sqs.receive_message(
            QueueUrl=template.resources[queue].ref, MaxNumberOfMessages=10
        )
        if not response.get("Messages"):
            return kinds
        kinds |= {json.loads(message["Body"])["detail-type"] for message in response["Messages"]}


def test_events_of_tokens_and_members_have_their_own_queue(
    clients: Clients, template: Template
) -> None:
    """An unknown event goes to the queue of rows, where it is rejected with a reason."""
    bus = template.resources["EventBus"].name
    own = [Envelope("tess", kind, "{}") for kind in (*EVENTS, "Unheard")]
    others = [Envelope("somebody", kind, "{}") for kind in EVENTS]
    assert send(clients.events, bus, own + others) == len(own + others)
    assert len(ROW_EVENTS) < len(EVENTS)
    rule = "both rules of the template must name each event about tokens or members, and no other"
    assert receive_kinds(clients, template, "EventQueue") == {*ROW_EVENTS, "Unheard"}, rule
    assert receive_kinds(clients, template, "AccessEventQueue") == EVENTS.keys() - ROW_EVENTS
    assert receive_kinds(clients, template, "DeadLetterQueue") == set()
