"""The local events API says what became of an event, whatever bytes it receives."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.errors import TemplateError
from local.events.events_api import EVENTS_PATH, EventsApi
from local.events.mapping import EventSourceMapping
from local.events.outcomes import Outcome, Outcomes, State
from local.events.poller import QueuePoller
from local.events.rules import Rule, Rules, rules_of
from local.exchange import Request
from local.functions.invocation import Result
from local.stack import TEMPLATE
from local.template.expand import expand
from local.template.template import Resource, Template
from workspace_usage.values import MAX_REASON_BYTES

EVENT = {"source": "tess", "detail-type": "ExecutionRecorded", "detail": {}}
FIRST, SECOND, ELSEWHERE = "arn:first", "arn:second", "arn:elsewhere"


class Bus:
    """EventBridge's PutEvents; it calls ``arrive`` with the event's id."""

    def __init__(self, arrive: Callable[[str], object]) -> None:
        self.entries: list[dict[str, Any]] = []
        self._arrive = arrive

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        """Takes events."""
        self.entries += Entries
        self._arrive("id-1")
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "id-1"}]}


def source(queue_arn: str, *, enabled: bool = True) -> QueuePoller:
    """The poller of a queue, not started."""
    mapping = EventSourceMapping(
        uuid=queue_arn,
        queue_url=queue_arn,
        queue_arn=queue_arn,
        batch_size=10,
        reports_failures=True,
        is_enabled=enabled,
        function="Recorder",
        function_arn="arn",
        invoke=lambda *_: Result(b""),
    )
    return QueuePoller(mapping, None, Outcomes(), lambda _: None)  # type: ignore[arg-type]


def answer(
    content: bytes,
    outcomes: Sequence[tuple[str, Outcome]] = (),
    *,
    enabled: bool = True,
) -> tuple[int, str, str]:
    """HTTP status, ``status`` and ``message`` of the response for an event that two queues get."""
    known = Outcomes()

    def arrive(event_id: str) -> None:
        for queue_arn, outcome in outcomes:
            known.add(event_id, queue_arn, outcome)

    rule = Rule({"source": ["tess"]}, (FIRST, SECOND, ELSEWHERE))
    sources = [source(FIRST), source(SECOND, enabled=enabled)]
    bus: Any = Bus(arrive)
    api = EventsApi(bus, Rules("bus", (rule,)), sources, known, patience=0.0)
    response = api.handle(Request("POST", EVENTS_PATH, content=content))
    said = json.loads(response.body)
    assert len(said["message"].encode()) <= MAX_REASON_BYTES
    return response.status, said["status"], said["message"]


APPLIED = Outcome(State.APPLIED)
OVERTAKEN = Outcome(State.OVERTAKEN)
REJECTED = Outcome(State.REJECTED, "detail: execution: field required")
RETRIED = Outcome(State.RETRIED, "the table does not answer")


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ([(FIRST, APPLIED), (SECOND, APPLIED)], (200, "applied", "applied")),
        ([(FIRST, APPLIED), (SECOND, OVERTAKEN)], (200, "overtaken", "is newer")),
        ([(FIRST, APPLIED), (SECOND, REJECTED)], (422, "rejected", REJECTED.reason)),
        ([(FIRST, REJECTED)], (422, "rejected", REJECTED.reason)),
        ([(FIRST, APPLIED), (SECOND, RETRIED)], (202, "waiting", RETRIED.reason)),
        ([(FIRST, APPLIED)], (202, "waiting", "not handled the event yet")),
        ([], (202, "waiting", "not handled the event yet")),
    ],
)
def test_the_response_is_the_worst_outcome_of_all_queues(
    outcomes: list[tuple[str, Outcome]], expected: tuple[int, str, str]
) -> None:
    """It doesn't wait for a target that leads to no function."""
    status, became, message = answer(json.dumps(EVENT).encode(), outcomes)
    assert (status, became) == expected[:2]
    assert expected[2] in message


def test_the_response_says_that_an_event_waits_for_a_paused_recorder() -> None:
    """And how to resume the recorder."""
    content = json.dumps(EVENT).encode()
    status, became, message = answer(content, [(FIRST, APPLIED)], enabled=False)
    assert (status, became) == (202, "waiting")
    assert "Recorder is paused" in message
    assert "usagectl recorder resume" in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is not JSON"),
        (b"\xff", "is not UTF-8"),
        (b"[" * 100_000, "is nested too deeply"),
        (b"[]", "must be a JSON object"),
        (b'{"source": 1}', "must have a text as its source"),
        (b'{"source": "", "detail-type": "X", "detail": {}}', "must have a text as its source"),
        (b'{"source": "tess", "detail": {}}', "must have a text as its detail-type"),
        (b'{"source": "tess", "detail-type": "X"}', "must have an object as its detail"),
        (b'{"source": "tess", "detail-type": "X", "detail": {"a": NaN}}', "NaN"),
        (
            b'{"source": "tess", "detail-type": "X", "detail": {"a": 1e99999999999999999999}}',
            "out of range",
        ),
        (b'{"source": "tess", "detail-type": "X", "detail": {"a": "\\ud800"}}', "surrogate"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_not_an_event_is_400_with_the_reason(content: bytes, reason: str) -> None:
    """Any error has its own reason."""
    status, became, message = answer(content)
    assert (status, became) == (400, "refused")
    assert reason in message


@given(st.binary(max_size=200))
def test_any_bytes_get_a_response(content: bytes) -> None:
    """On both paths."""
    assert answer(content)[0] == 400
    bus: Any = Bus(lambda _: None)
    api = EventsApi(bus, Rules("bus", ()), [], Outcomes())
    assert api.handle(Request("POST", "/", content=content)).status == 400


def test_the_response_says_that_no_rule_takes_an_event() -> None:
    """It names the sources that rules take, or the detail-type that none takes."""
    content = json.dumps({**EVENT, "source": "toss"}).encode()
    assert answer(content) == (
        422,
        "ignored",
        "no rule takes events of source toss, only of tess",
    )


def test_numbers_reach_the_bus_with_all_of_their_digits() -> None:
    """A float would lose digits."""
    bus: Any = Bus(lambda _: None)
    rules = Rules("bus", (Rule({"source": ["tess"]}, (ELSEWHERE,)),))
    content = b'{"source": "tess", "detail-type": "X", "detail": {"a": 0.12345678901234567890}}'
    api = EventsApi(bus, rules, [], Outcomes())
    assert api.handle(Request("POST", EVENTS_PATH, content=content)).status == 200
    (entry,) = bus.entries
    assert entry == {
        "EventBusName": "bus",
        "Source": "tess",
        "DetailType": "X",
        "Detail": '{"a": 0.12345678901234567890}',
    }


@pytest.mark.parametrize(("size", "status"), [(1_048_575, 200), (1_048_576, 400)])
def test_entries_that_are_too_large_for_eventbridge_are_refused(size: int, status: int) -> None:
    """Counted as EventBridge counts them, and all entries of a call together."""
    bus: Any = Bus(lambda _: None)
    rules = Rules("bus", (Rule({"source": ["tess"]}, (ELSEWHERE,)),))
    api = EventsApi(bus, rules, [], Outcomes())
    rest = size - len('tessExecutionRecorded{"a": ""}')
    event = {**EVENT, "detail": {"a": "é" * (rest // 2) + "." * (rest % 2)}}
    entries = [
        {"Source": "tess", "DetailType": "a", "Detail": "é" * 1000, "Time": 1},
        {"Source": "a", "DetailType": "é", "Detail": "." * (size - 2025), "Resources": ["é", "a"]},
    ]
    put_events = (("X-Amz-Target", "AWSEvents.PutEvents"),)
    for request in (
        Request("POST", EVENTS_PATH, content=json.dumps(event).encode()),
        Request("POST", "/", "", put_events, json.dumps({"Entries": entries}).encode()),
    ):
        response = api.handle(request)
        is_refused = b"over the limit" in response.body
        assert (response.status, is_refused) == (status, status == 400)


# --- Rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "takes"),
    [
        ({"source": ["tess"]}, True),
        ({"source": ["toss", "tess"]}, True),
        ({"source": ["toss"]}, False),
        ({"source": ["tess"], "detail-type": ["Other"]}, False),
        ({"source": [{"prefix": "te"}]}, True),
        ({"source": [{"prefix": "x"}]}, False),
        ({"source": ["tess"], "detail-type": [{"anything-but": ["Other"]}]}, True),
        ({"source": ["tess"], "detail-type": [{"anything-but": ["Other", "Kind"]}]}, False),
        ({"detail-type": [{"anything-but": "Kind"}]}, False),
    ],
)
def test_a_rule_matches_as_in_eventbridge(pattern: dict[str, Any], takes: bool) -> None:
    """Texts, ``prefix`` and ``anything-but``."""
    assert Rule(pattern, ()).matches("tess", "Kind") is takes


@pytest.mark.parametrize(
    "pattern",
    [
        {"detail": {"a": ["b"]}},
        {"source": [{"suffix": "s"}]},
        {"source": [{"anything-but": {"prefix": "t"}}]},
        {"source": [1]},
    ],
)
def test_an_unsupported_pattern_is_refused(pattern: dict[str, Any]) -> None:
    """It is never ignored."""
    template = expand(TEMPLATE, {})
    rule = Resource("Odd", "AWS::Events::Rule", "odd", "odd", "odd", {"EventPattern": pattern})
    changed = Template(template.folder, {**template.resources, "Odd": rule}, template.outputs)
    with pytest.raises(TemplateError, match=r"^Odd: "):
        rules_of(changed)


def test_the_template_s_rules_lead_every_event_of_the_platform_to_a_queue() -> None:
    """Events of unknown kinds, too: the recorder rejects them with a reason."""
    template = expand(TEMPLATE, {"EventSource": "tess"})
    rules = rules_of(template)
    assert rules.sources == ["tess"]
    for kind in ("ExecutionRecorded", "AccessTokenRevoked", "Unheard"):
        (arn,) = rules.targets("tess", kind)
        assert arn in {queue.arn for queue in template.of_type("AWS::SQS::Queue")}
    assert rules.targets("toss", "ExecutionRecorded") == []
