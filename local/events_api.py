"""Ways onto the local event bus: EventBridge's PutEvents, and a path that takes an event as it is.

``aws events put-events --endpoint-url http://127.0.0.1:3000 ...`` reaches the first, and
``curl -d @events/event-execution-recorded.json http://127.0.0.1:3000/_local/events`` the second.
"""

import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError, ParamValidationError

from local.exchange import Request, Response

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

EVENTS_PATH: Final = "/_local/events"
_TARGET: Final = ("x-amz-target", "AWSEvents.PutEvents")


class EventsApi:
    """Passes events on to EventBridge.

    Args:
        client: reaches EventBridge.
        bus: the bus of events that don't name one.
    """

    def __init__(self, client: "EventBridgeClient", bus: str) -> None:
        self._client = client
        self._bus = bus

    def handles(self, request: Request) -> bool:
        """Whether a request is one of these."""
        is_put_events = _TARGET in {(name.lower(), value) for name, value in request.headers}
        return request.method == "POST" and (
            request.path == EVENTS_PATH or (request.path == "/" and is_put_events)
        )

    def handle(self, request: Request) -> Response:
        """EventBridge's answer, or a refusal of what is no event."""
        try:
            content = json.loads(request.body or "")
            if request.path == EVENTS_PATH:
                content = {"Entries": [self._entry(content)]}
            answer = self._client.put_events(**content)
        except (
            ValueError,
            TypeError,
            KeyError,
            RecursionError,
            ParamValidationError,
            ClientError,
        ):
            return _respond(
                400, {"message": "send an event like those in events/: source, detail-type, detail"}
            )
        return _respond(200, {name: answer[name] for name in ("FailedEntryCount", "Entries")})

    def _entry(self, event: dict[str, Any]) -> dict[str, str]:
        return {
            "EventBusName": self._bus,
            "Source": event["source"],
            "DetailType": event["detail-type"],
            "Detail": json.dumps(event["detail"]),
        }


def _respond(status: int, content: Any) -> Response:
    return Response(
        status, (("Content-Type", "application/x-amz-json-1.1"),), json.dumps(content).encode()
    )
