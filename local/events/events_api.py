"""Two ways to put events on the local event bus: EventBridge's PutEvents, and a path of our own.

``aws events put-events --endpoint-url http://127.0.0.1:3000 ...`` calls PutEvents. ``curl -d
@events/event-execution-recorded.json http://127.0.0.1:3000/_local/events`` sends an event to our
own path, whose response says what became of it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError, ParamValidationError

from local.events.outcomes import Outcome, Outcomes, State
from local.events.poller import QueuePoller
from local.events.rules import Rules
from local.exchange import JSON, Request, Response
from usagectl.json_text import to_json
from usagectl.send import Envelope
from workspace_usage.values import MAX_REASON_BYTES, InvalidValue, parse_json, shorten

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

EVENTS_PATH: Final = "/_local/events"

OUTCOME_TIMEOUT: Final = 10.0
"""Seconds that a response waits for the event's outcome."""

MAX_ENTRIES_BYTES: Final = 1_048_575
"""The most bytes that the entries of one PutEvents may have together."""

_TOO_LARGE: Final = "Total size of the entries in the request is over the limit."

_TARGET: Final = ("x-amz-target", "AWSEvents.PutEvents")
_AMAZON_JSON: Final = ("Content-Type", "application/x-amz-json-1.1")


class EventsApi:
    """Puts events on the bus.

    Args:
        client: reaches EventBridge.
        rules: the bus's rules.
        pollers: pass events on to functions.
        outcomes: what the functions did with the events.
        patience: seconds that a response waits for an outcome.
    """

    def __init__(
        self,
        client: "EventBridgeClient",
        rules: Rules,
        pollers: Iterable[QueuePoller],
        outcomes: Outcomes,
        patience: float = OUTCOME_TIMEOUT,
    ) -> None:
        self._client = client
        self._rules = rules
        self._pollers = {poller.mapping.queue_arn: poller for poller in pollers}
        self._outcomes = outcomes
        self._patience = patience

    def handles(self, request: Request) -> bool:
        """Whether a request puts events."""
        is_put_events = _TARGET in {(name.lower(), value) for name, value in request.headers}
        return request.method == "POST" and (
            request.path == EVENTS_PATH or (request.path == "/" and is_put_events)
        )

    def handle(self, request: Request) -> Response:
        """Returns EventBridge's response, or one that says what became of the event."""
        if request.path == EVENTS_PATH:
            try:
                return self._deliver(_parse(request.content))
            except InvalidValue as error:
                return _report(400, "refused", f"the event {error}")
        return self._put_events(request.content)

    def _put_events(self, content: bytes) -> Response:
        """Returns EventBridge's response to PutEvents, without waiting for outcomes."""
        try:
            parse_json(content)
            # Not parse_json's result: botocore takes times as floats, not as Decimals.
            request = json.loads(content)
            if isinstance(request, dict) and _size(request.get("Entries")) > MAX_ENTRIES_BYTES:
                return _refuse(_TOO_LARGE)
            result = self._client.put_events(**request)
        except InvalidValue as error:
            return _refuse(f"the request {error}")
        except ClientError as error:
            return _refuse(str(error))
        # botocore raises these for times that no calendar has.
        except (TypeError, ValueError, OverflowError, RuntimeError, ParamValidationError):
            return _refuse("the request must have Entries, each as PutEvents takes it")
        body = {name: result[name] for name in ("FailedEntryCount", "Entries")}
        return Response(200, (_AMAZON_JSON,), json.dumps(body).encode())

    def _deliver(self, event: Envelope) -> Response:
        """Puts an event on the bus, and waits for its outcomes.

        Raises:
            InvalidValue: EventBridge refuses it.
        """
        targets = self._rules.targets(event.source, event.detail_type)
        if not targets:
            return _report(422, "ignored", self._why_ignored(event))
        queues = [arn for arn in targets if arn in self._pollers]
        entries = [event.entry(self._rules.bus)]
        if _size(entries) > MAX_ENTRIES_BYTES:
            raise InvalidValue(f"is not taken by EventBridge: {_TOO_LARGE}")
        try:
            (entry,) = self._client.put_events(Entries=entries)["Entries"]
        except ClientError as error:
            raise InvalidValue(f"is not taken by EventBridge: {error}") from None
        if "EventId" not in entry:
            raise InvalidValue(f"is not taken by EventBridge: {entry.get('ErrorMessage')}")
        running = [arn for arn in queues if self._pollers[arn].state == "Enabled"]
        outcomes = self._outcomes.wait(entry["EventId"], running, self._patience)
        return _report_outcomes({self._pollers[arn]: outcomes.get(arn) for arn in queues})

    def _why_ignored(self, event: Envelope) -> str:
        source, known = shorten(event.source, 100), self._rules.sources
        if event.source not in known:
            return f"no rule takes events of source {source}, only of {', '.join(known)}"
        kind = shorten(event.detail_type, 100)
        return f"no rule takes events of source {source} with the detail-type {kind}"


def _parse(content: bytes) -> Envelope:
    """Parses an event in the format in which EventBridge delivers it.

    Raises:
        InvalidValue: it is not an event.
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
    return Envelope(source, detail_type, text)


def _size(entries: object) -> int:
    """Returns the bytes of PutEvents' entries as EventBridge counts them.

    See the EventBridge user guide, "Calculating PutEvents event entry size". What is not an entry
    counts nothing: botocore refuses it.
    """
    if not isinstance(entries, list):
        return 0
    return sum(_entry_size(entry) for entry in entries if isinstance(entry, dict))


def _entry_size(entry: Mapping[str, object]) -> int:
    resources = entry.get("Resources")
    texts = [entry.get(name) for name in ("Source", "DetailType", "Detail")]
    texts += resources if isinstance(resources, list) else []
    size = sum(len(text.encode("utf-8", "replace")) for text in texts if isinstance(text, str))
    return size + (14 if "Time" in entry else 0)


def _text(event: Mapping[str, object], name: str) -> str:
    value = event.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidValue(f"must have a text as its {name}")
    return value


def _report_outcomes(outcomes: Mapping[QueuePoller, Outcome | None]) -> Response:
    """Returns the response for an event's outcomes in all of its queues: the worst one counts."""
    for outcome in outcomes.values():
        if outcome is not None and outcome.state is State.REJECTED:
            return _report(422, "rejected", outcome.reason)
    for poller, outcome in outcomes.items():
        function = poller.mapping.function
        if outcome is None and poller.state != "Enabled":
            return _report(
                202,
                "waiting",
                f"{function} is paused: the event waits for it (usagectl recorder resume)",
            )
        if outcome is None:
            return _report(202, "waiting", f"{function} has not handled the event yet")
        if outcome.state is State.RETRIED:
            return _report(
                202, "waiting", f"{function} will retry the event later: {outcome.reason}"
            )
    if any(outcome.state is State.OVERTAKEN for outcome in outcomes.values() if outcome):
        return _report(200, "overtaken", "the event changed nothing: what is stored is newer")
    return _report(200, "applied", "the event was applied")


def _report(status: int, outcome: str, message: str) -> Response:
    content = {"status": outcome, "message": shorten(message, MAX_REASON_BYTES)}
    return Response(status, (JSON,), json.dumps(content, ensure_ascii=False).encode())


def _refuse(message: str) -> Response:
    content = {"__type": "ValidationException", "message": shorten(message, MAX_REASON_BYTES)}
    return Response(400, (_AMAZON_JSON,), json.dumps(content).encode())
