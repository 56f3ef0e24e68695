"""Ways onto the local event bus: EventBridge's PutEvents, and a path that takes an event as it is.

``aws events put-events --endpoint-url http://127.0.0.1:3000 ...`` reaches the first, and
``curl -d @events/event-execution-recorded.json http://127.0.0.1:3000/_local/events`` the second,
which answers when it is known what became of the event.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, ParamValidationError

from local.event_source import EventSource
from local.exchange import Request, Response
from local.outcomes import Outcome, Outcomes, State
from local.responses import JSON
from local.rules import Rules
from usagectl.json_text import to_json
from workspace_usage.values import MAX_REASON_BYTES, InvalidValue, parse_json, shorten

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

EVENTS_PATH: Final = "/_local/events"

PATIENCE: Final = 10.0
"""Seconds that an answer waits for the function to be done with the event."""

_TARGET: Final = ("x-amz-target", "AWSEvents.PutEvents")
_AMAZON_JSON: Final = ("Content-Type", "application/x-amz-json-1.1")


class EventsApi:
    """Passes events on to EventBridge.

    Args:
        client: reaches EventBridge.
        rules: where events go.
        sources: what passes events on to functions.
        outcomes: what becomes of them there.
        patience: seconds that an answer waits for that.
    """

    def __init__(
        self,
        client: "EventBridgeClient",
        rules: Rules,
        sources: Iterable[EventSource],
        outcomes: Outcomes,
        patience: float = PATIENCE,
    ) -> None:
        self._client = client
        self._rules = rules
        self._sources = {source.mapped.queue_arn: source for source in sources}
        self._outcomes = outcomes
        self._patience = patience

    def handles(self, request: Request) -> bool:
        """Whether a request is one of these."""
        is_put_events = _TARGET in {(name.lower(), value) for name, value in request.headers}
        return request.method == "POST" and (
            request.path == EVENTS_PATH or (request.path == "/" and is_put_events)
        )

    def handle(self, request: Request) -> Response:
        """EventBridge's answer, or what became of the event."""
        if request.path == EVENTS_PATH:
            try:
                return self._deliver(_Event.parse(request.content))
            except InvalidValue as error:
                return _tell(400, "refused", f"the event {error}")
        return self._put(request.content)

    def _put(self, content: bytes) -> Response:
        """EventBridge's answer to PutEvents, at once."""
        try:
            parse_json(content)
            # The SDK's times are numbers, which its own client wants as floats.
            answer = self._client.put_events(**json.loads(content))
        except InvalidValue as error:
            return _refuse(f"the request {error}")
        except ClientError as error:
            return _refuse(str(error))
        # botocore says so of times that no calendar has.
        except (TypeError, ValueError, OverflowError, RuntimeError, ParamValidationError):
            return _refuse("the request must have Entries, each as PutEvents takes it")
        told = {name: answer[name] for name in ("FailedEntryCount", "Entries")}
        return Response(200, (_AMAZON_JSON,), json.dumps(told).encode())

    def _deliver(self, event: "_Event") -> Response:
        """Puts an event on the bus, and waits for what becomes of it.

        Raises:
            InvalidValue: EventBridge doesn't take it.
        """
        targets = self._rules.targets(event.source, event.detail_type)
        if not targets:
            return _tell(422, "ignored", self._why_ignored(event))
        queues = [arn for arn in targets if arn in self._sources]
        try:
            (entry,) = self._client.put_events(Entries=[event.entry(self._rules.bus)])["Entries"]
        except ClientError as error:
            raise InvalidValue(f"is not taken by EventBridge: {error}") from None
        if "EventId" not in entry:
            raise InvalidValue(f"is not taken by EventBridge: {entry.get('ErrorMessage')}")
        running = [arn for arn in queues if self._sources[arn].state == "Enabled"]
        outcomes = self._outcomes.wait(entry["EventId"], running, self._patience)
        return _answer({self._sources[arn]: outcomes.get(arn) for arn in queues})

    def _why_ignored(self, event: "_Event") -> str:
        source, known = shorten(event.source, 100), self._rules.sources
        if event.source not in known:
            return f"no rule takes events of source {source}, only of {', '.join(known)}"
        kind = shorten(event.detail_type, 100)
        return f"no rule takes events of source {source} with the detail-type {kind}"


@dataclass(frozen=True, slots=True)
class _Event:
    """An event in the form in which EventBridge delivers it; ``detail`` is JSON."""

    source: str
    detail_type: str
    detail: str

    @classmethod
    def parse(cls, content: bytes) -> "_Event":
        """Reads an event.

        Raises:
            InvalidValue: it isn't one.
        """
        event = parse_json(content)
        if not isinstance(event, dict):
            raise InvalidValue("must be a JSON object like those in events/")
        source, detail_type = (_text(event, name) for name in ("source", "detail-type"))
        detail = event.get("detail")
        if not isinstance(detail, dict):
            raise InvalidValue("must have an object as its detail")
        try:
            text = to_json(detail)
            "".join((source, detail_type, text)).encode()
        except UnicodeEncodeError:
            raise InvalidValue("must not have half a surrogate pair in a text") from None
        return cls(source, detail_type, text)

    def entry(self, bus: str) -> Any:
        """The event as PutEvents takes it."""
        return {
            "EventBusName": bus,
            "Source": self.source,
            "DetailType": self.detail_type,
            "Detail": self.detail,
        }


def _text(event: Mapping[str, object], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidValue(f"must have a text as its {name}")
    return value


def _answer(outcomes: Mapping[EventSource, Outcome | None]) -> Response:
    """What became of an event in all of its queues: the worst of it."""
    for outcome in outcomes.values():
        if outcome is not None and outcome.state is State.REJECTED:
            return _tell(422, "rejected", outcome.reason)
    for source, outcome in outcomes.items():
        function = source.mapped.function
        if outcome is None and source.state != "Enabled":
            return _tell(
                202,
                "waiting",
                f"{function} is paused: the event waits for it (usagectl recorder resume)",
            )
        if outcome is None:
            return _tell(202, "waiting", f"{function} has not come to it yet")
        if outcome.state is State.PUT_BACK:
            return _tell(
                202, "waiting", f"{function} put it back, and gets it again later: {outcome.reason}"
            )
    if any(outcome.state is State.OVERTAKEN for outcome in outcomes.values() if outcome):
        return _tell(200, "overtaken", "the event changed nothing: what is stored is newer")
    return _tell(200, "applied", "the event was applied")


def _tell(status: int, became: str, message: str) -> Response:
    content = {"status": became, "message": shorten(message, MAX_REASON_BYTES)}
    return Response(status, (JSON,), json.dumps(content, ensure_ascii=False).encode())


def _refuse(message: str) -> Response:
    content = {"__type": "ValidationException", "message": shorten(message, MAX_REASON_BYTES)}
    return Response(400, (_AMAZON_JSON,), json.dumps(content).encode())
