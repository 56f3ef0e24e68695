"""Sends events to a deployment's bus, as the platform does."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from usagectl.errors import CommandError
from usagectl.json_text import to_json
from workspace_usage.recording.events import parse_event
from workspace_usage.values import InvalidValue, parse_json

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

MAX_CALL_EVENTS: Final = 10
"""The most events that PutEvents takes in one call."""

MAX_CALL_BYTES: Final = 1_048_575
"""The most bytes that PutEvents takes, of one event and of all events of a call: less than 1 MB."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event to send: who sends it, of which kind it is, and its detail as JSON text."""

    source: str
    detail_type: str
    detail: str

    @property
    def size(self) -> int:
        """Its bytes, as EventBridge counts them."""
        return sum(len(text.encode()) for text in (self.source, self.detail_type, self.detail))

    def entry(self, bus: str) -> "PutEventsRequestEntryTypeDef":
        """Returns the event as an entry of PutEvents."""
        return {
            "EventBusName": bus,
            "Source": self.source,
            "DetailType": self.detail_type,
            "Detail": self.detail,
        }


def read_event(path: Path) -> Envelope:
    """Returns the event in a file, which has the form in which EventBridge delivers it.

    Raises:
        CommandError: the file can't be read, or EventBridge or the recorder would not take its
            event.
    """
    try:
        event: Any = parse_json(path.read_bytes())
        parse_event(event, datetime.now(UTC))
        if not isinstance(event.get("source"), str) or not event["source"]:
            raise InvalidValue("source: must be a text, the one that the deployment's rules accept")
        envelope = Envelope(event["source"], event["detail-type"], to_json(event["detail"]))
        _check_size(envelope)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from None
    except UnicodeEncodeError:
        raise CommandError(f"{path}: must not contain half of a surrogate pair.") from None
    except InvalidValue as error:
        raise CommandError(f"{path}: {error}.") from None
    return envelope


def _check_size(envelope: Envelope) -> None:
    if envelope.size > MAX_CALL_BYTES:
        raise InvalidValue(
            f"the event has {envelope.size:,} bytes; EventBridge takes at most {MAX_CALL_BYTES:,}"
        )


def send(client: "EventBridgeClient", bus: str, events: Sequence[Envelope]) -> int:
    """Puts events on the bus, in their order. Returns their number.

    Raises:
        CommandError: the bus did not take one of them; those before it are sent.
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: the bus doesn't answer.
    """
    sent = 0
    for call_events in _calls(events):
        response = client.put_events(Entries=[event.entry(bus) for event in call_events])
        for entry in response["Entries"]:
            if "ErrorCode" in entry:
                raise CommandError(
                    f"The bus refuses event {sent + 1:,} of {len(events):,}: "
                    f"{entry['ErrorCode']}; those before it are sent."
                )
            sent += 1
    return sent


def _calls(events: Iterable[Envelope]) -> Iterator[list[Envelope]]:
    """Yields events in their order, as many at a time as one call takes."""
    call_events: list[Envelope] = []
    for event in events:
        size = sum(other.size for other in call_events) + event.size
        if len(call_events) == MAX_CALL_EVENTS or size > MAX_CALL_BYTES:
            yield call_events
            call_events = []
        call_events.append(event)
    if call_events:
        yield call_events
