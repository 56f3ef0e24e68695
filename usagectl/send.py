"""Sends events to a deployment's bus, as a producer would."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import batched
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from usagectl.dataset import to_json
from usagectl.errors import CommandError
from workspace_usage.recording.events import parse_event
from workspace_usage.values import InvalidValue, parse_json

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

AT_ONCE: Final = 10
"""Events in one call: the most that PutEvents takes."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event on its way: who sends it, of which kind, and its detail as JSON text."""

    source: str
    detail_type: str
    detail: str


def read_event(path: Path) -> Envelope:
    """The event in a file, in the form in which EventBridge delivers it.

    Raises:
        CommandError: the file can't be read, or its event would be rejected.
    """
    try:
        envelope: Any = parse_json(path.read_bytes())
        parse_event(envelope, datetime.now(UTC))
        if not isinstance(envelope.get("source"), str) or not envelope["source"]:
            raise InvalidValue("source: must be a text, the one that the deployment's rules take")
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None
    except InvalidValue as error:
        raise CommandError(f"{path}: {error}.") from None
    return Envelope(envelope["source"], envelope["detail-type"], to_json(envelope["detail"]))


def send(client: "EventBridgeClient", bus: str, events: Sequence[Envelope]) -> int:
    """Puts events on the bus, in their order; returns their number.

    Raises:
        CommandError: the bus did not take one of them; those before it are sent.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the bus doesn't answer.
    """
    number = 0
    for some in batched(events, AT_ONCE, strict=False):
        answer = client.put_events(
            Entries=[
                {
                    "EventBusName": bus,
                    "Source": event.source,
                    "DetailType": event.detail_type,
                    "Detail": event.detail,
                }
                for event in some
            ]
        )
        for entry in answer["Entries"]:
            if "ErrorCode" in entry:
                raise CommandError(
                    f"The bus refuses event {number + 1:,} of {len(events):,}: "
                    f"{entry['ErrorCode']}; those before it are sent."
                )
            number += 1
    return number
