"""The real template's alarms on AWS's metrics: each fires in the case that its runbook lists.

They are fed with what AWS reports in that case, and evaluated as CloudWatch evaluates them.
``tests/functions/test_alarms.py`` does the same with what the functions print.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import pytest

from tests.deploy.stack import Stack
from tests.support.alarms import Alarms, metrics_of
from tests.support.metrics import MetricId, Metrics
from tests.support.queue_metrics import Message, put_queue_metrics
from workspace_usage.exporting.export import TIME_TO_PROGRESS

TOPIC: Final = "arn:aws:sns:us-east-1:123456789012:alarms"
PAGER: Final = "arn:aws:sns:us-east-1:123456789012:pager"
STACK: Final = Stack(AlarmTopicArn=TOPIC, PageTopicArn=PAGER)
ALARMS: Final = STACK.of_type("AWS::CloudWatch::Alarm")
COMPOSITES: Final = STACK.of_type("AWS::CloudWatch::CompositeAlarm")

BEGIN: Final = 24 * 60
"""The minute at which trouble begins. A day has passed before."""

CONCURRENCY: Final = MetricId.of("AWS/Lambda", "ConcurrentExecutions", {})


@dataclass(frozen=True)
class Load:
    """Requests of a minute.

    Attributes:
        fast: requests that got their answer in a tenth of a second.
        slow: requests that got it after three seconds.
        failed: requests that got a 5XX at once.
        timed_out: requests that got a 5XX after ten seconds.
    """

    fast: int = 0
    slow: int = 0
    failed: int = 0
    timed_out: int = 0

    def put(self, metrics: Metrics, minutes: Iterable[int]) -> None:
        """Adds what API Gateway reports: each request is a sample of each metric."""
        minutes = list(minutes)
        errors = self.failed + self.timed_out
        requests = self.fast + self.slow + errors
        metrics.put(api_metric("Count"), minutes, 1, requests)
        metrics.put(api_metric("5XXError"), minutes, 1, errors)
        metrics.put(api_metric("5XXError"), minutes, 0, requests - errors)
        metrics.put(api_metric("Latency"), minutes, 100, self.fast + self.failed)
        metrics.put(api_metric("Latency"), minutes, 3_000, self.slow)
        metrics.put(api_metric("Latency"), minutes, 10_000, self.timed_out)


def api_metric(name: str) -> MetricId:
    """Returns a metric of the API's stage."""
    return MetricId.of("AWS/ApiGateway", name, {"ApiName": "stack", "Stage": "v1"})


def function_metric(name: str, function: str) -> MetricId:
    """Returns a metric of one function."""
    return MetricId.of("AWS/Lambda", name, {"FunctionName": f"${{{function}}}"})


def rule_metric(name: str, rule: str) -> MetricId:
    """Returns a metric of a rule of the stack's bus. Those of other buses have one dimension."""
    dimensions = {"EventBusName": "${EventBus}", "RuleName": STACK.properties(rule)["Name"]}
    return MetricId.of("AWS/Events", name, dimensions)


def put_queue(metrics: Metrics, queue: str, messages: Iterable[Message]) -> None:
    """Adds what SQS reports of a queue."""
    visibility = STACK.properties(queue).get("VisibilityTimeout", 30) // 60
    put_queue_metrics(metrics, f"${{{queue}.QueueName}}", messages, visibility)


def retried(queue: str, sent: int, deleted: int) -> Message:
    """Returns a message that a function receives again and again, and doesn't apply."""
    visibility = STACK.properties(queue)["VisibilityTimeout"] // 60
    delay = STACK.properties(queue).get("DelaySeconds", 0) // 60
    return Message(sent, deleted, tuple(range(sent + delay, deleted, visibility)))


def waiting(queue: str) -> Callable[[Metrics, range], None]:
    """Returns trouble: nobody receives messages, of which one comes each minute."""
    return lambda metrics, trouble: put_queue(
        metrics, queue, (Message(minute, trouble.stop) for minute in trouble)
    )


def failing(queue: str) -> Callable[[Metrics, range], None]:
    """Returns trouble: all messages fail. One comes each minute."""
    return lambda metrics, trouble: put_queue(
        metrics, queue, (retried(queue, minute, trouble.stop) for minute in trouble)
    )


def one_failing(queue: str) -> Callable[[Metrics, range], None]:
    """Returns trouble: one message fails again and again, and no other comes."""
    return lambda metrics, trouble: put_queue(
        metrics, queue, [retried(queue, trouble.start, trouble.stop)]
    )


def kept(queue: str) -> Callable[[Metrics, range], None]:
    """Returns trouble: a dead-letter queue has a message."""
    return lambda metrics, trouble: put_queue(
        metrics, queue, [Message(trouble.start, trouble.stop)]
    )


def each_minute(metric: MetricId, value: float) -> Callable[[Metrics, range], None]:
    """Returns trouble: a metric has a value in each minute."""
    return lambda metrics, trouble: metrics.put(metric, trouble, value)


def each(minutes: int, metric: MetricId) -> Callable[[Metrics, range], None]:
    """Returns trouble: something happens once in some minutes."""
    return lambda metrics, trouble: metrics.put(metric, trouble[::minutes], 1)


def once(metric: MetricId) -> Callable[[Metrics, range], None]:
    """Returns trouble: something happens once."""
    return lambda metrics, trouble: metrics.put(metric, trouble[:1], 1)


def load(**requests: int) -> Callable[[Metrics, range], None]:
    """Returns trouble: the API gets these requests each minute, and usual ones afterwards."""

    def put(metrics: Metrics, trouble: range) -> None:
        Load(**requests).put(metrics, trouble)
        Load(fast=100).put(metrics, range(trouble.stop, trouble.stop + 60))

    return put


def concurrency(share: int) -> Callable[[Metrics, range], None]:
    """Returns trouble: the account uses some percent of its quota, some of it reserved."""

    def put(metrics: Metrics, trouble: range) -> None:
        claimed = MetricId.of("AWS/Lambda", "ClaimedAccountConcurrency", {})
        metrics.put(claimed, trouble, 10 * share)
        metrics.put(CONCURRENCY, trouble, 5 * share)

    return put


@dataclass(frozen=True)
class Case:
    """A case of a runbook.

    Attributes:
        alarm: the alarm that must fire.
        case: what happens, as the runbook calls it.
        put: adds what AWS reports of it.
        fires_after: the minutes after which the alarm fires.
        lasts: the minutes for which the case lasts.
        ends_after: the minutes after which the alarm is OK again, counted from the case's end.
    """

    alarm: str
    case: str
    put: Callable[[Metrics, range], None]
    fires_after: int
    lasts: int = 60
    ends_after: int = 15


RECORDER_ERRORS: Final = function_metric("Errors", "RecorderFunction")

CASES: Final = [
    Case("ServerErrorsAlarm", "the API is down", load(failed=60), 1),
    Case("ServerErrorsAlarm", "a few requests, all time out", load(timed_out=1), 5),
    Case("ServerErrorsAlarm", "a canary fails", load(fast=90, failed=10), 1),
    Case("SlowAnswersAlarm", "two of a hundred are slow", load(fast=98, slow=2), 11),
    Case("FastBurnAlarm", "two of a hundred fail", load(fast=98, failed=2), 5, ends_after=5),
    Case("FastBurnAlarm", "two of a hundred are slow", load(fast=98, slow=2), 5, ends_after=5),
    Case("FastBurnAlarm", "they fail and are slow", load(fast=98, timed_out=2), 5, ends_after=5),
    Case("FastBurnAlarm", "few callers, all get 5XX", load(failed=1), 10, ends_after=5),
    Case("SlowBurnAlarm", "one of a hundred fails", load(fast=99, failed=1), 10, 360, 30),
    Case("SlowBurnAlarm", "one of a hundred is slow", load(fast=99, slow=1), 10, 360, 30),
    Case("ThrottledCallersAlarm", "a client asks in a loop", load(fast=10_000), 3, 60, 10),
    *(
        Case(
            "ThrottledFunctionsAlarm",
            f"{f} is throttled",
            each(2, function_metric("Throttles", f)),
            6,
            ends_after=25,
        )
        for f in ("AuthorizerFunction", "RecorderFunction", "CounterFunction", "ExporterFunction")
    ),
    Case("ConcurrencyAlarm", "the account's functions use 900 of 1,000", concurrency(90), 3),
    Case(
        "CrashedRunsAlarm",
        "the recorder runs out of memory",
        each(3, RECORDER_ERRORS),
        6,
        ends_after=25,
    ),
    Case(
        "CrashedRunsAlarm",
        "the exporter times out",
        each(4, function_metric("Errors", "ExporterFunction")),
        6,
        ends_after=25,
    ),
    Case(
        "CrashedRunsAlarm",
        "the counter can't be loaded",
        each(2, function_metric("Errors", "CounterFunction")),
        6,
        ends_after=25,
    ),
    *(
        Case("UndeliveredEventsAlarm", f"{name} of {rule}", once(rule_metric(name, rule)), 1)
        for name in ("FailedInvocations", "InvocationsFailedToBeSentToDlq")
        for rule in ("EventRule", "AccessEventRule")
    ),
    Case("OldAccessEventsAlarm", "the recorder doesn't run", waiting("AccessEventQueue"), 4),
    Case("OldAccessEventsAlarm", "tables don't answer", one_failing("AccessEventQueue"), 4, 6),
    Case("RetriedAccessEventsAlarm", "one is retried", one_failing("AccessEventQueue"), 6),
    Case("RetriedAccessEventsAlarm", "all are retried", failing("AccessEventQueue"), 6),
    Case("OldEventsAlarm", "the recorder is paused", waiting("EventQueue"), 9),
    Case("OldCountRequestsAlarm", "the counter doesn't run", waiting("CountQueue"), 64, 120),
    Case("OldCountRequestsAlarm", "a run was cut off", one_failing("CountQueue"), 64, 90),
    Case("OldExportsAlarm", "the exporter doesn't run", waiting("ExportsQueue"), 34),
    Case("RejectedEventsAlarm", "an event is in the queue", kept("DeadLetterQueue"), 1),
    Case("AbandonedExportsAlarm", "a run was killed five times", kept("ExportsDeadLetterQueue"), 1),
]
"""At least one for each alarm on AWS's metrics."""

NO_CASES: Final[Mapping[str, list[Callable[[Metrics, range], None]]]] = {
    "ServerErrorsAlarm": [
        load(fast=96, failed=4),
        lambda metrics, trouble: Load(failed=4).put(metrics, trouble[:1]),
    ],
    "SlowAnswersAlarm": [
        load(fast=996, slow=4),
        load(fast=1, slow=1),
        lambda metrics, trouble: load(slow=100)(metrics, trouble[:6]),
    ],
    "FastBurnAlarm": [
        load(fast=990, failed=10),
        load(fast=990, slow=14, failed=14),
        lambda metrics, trouble: Load(timed_out=9).put(metrics, trouble[:1]),
    ],
    "SlowBurnAlarm": [
        load(fast=995, failed=5),
        lambda metrics, trouble: Load(timed_out=9).put(metrics, trouble[:1]),
    ],
    "ThrottledCallersAlarm": [load(fast=9_000)],
    "ThrottledFunctionsAlarm": [once(function_metric("Throttles", "AuthorizerFunction"))],
    "ConcurrencyAlarm": [concurrency(70)],
    "CrashedRunsAlarm": [once(RECORDER_ERRORS)],
    "OldAccessEventsAlarm": [
        lambda metrics, trouble: put_queue(
            metrics, "AccessEventQueue", [Message(minute, minute + 2) for minute in trouble]
        )
    ],
    "RetriedAccessEventsAlarm": [
        lambda metrics, trouble: put_queue(
            metrics,
            "AccessEventQueue",
            [Message(minute, minute + 1, (minute,)) for minute in trouble[::2]],
        )
    ],
    "OldEventsAlarm": [
        lambda metrics, trouble: put_queue(
            metrics, "EventQueue", [Message(minute, minute + 5) for minute in trouble]
        )
    ],
    # It waits for its delay and for a run of other workspaces, and is in one itself.
    "OldCountRequestsAlarm": [
        lambda metrics, trouble: put_queue(
            metrics, "CountQueue", [Message(m, m + usual_minutes_of_a_request()) for m in trouble]
        )
    ],
    # Two of its runs were killed, and the third one writes it.
    "OldExportsAlarm": [
        lambda metrics, trouble: put_queue(
            metrics, "ExportsQueue", [Message(m, m + 12, (m, m + 4, m + 8)) for m in trouble]
        )
    ],
}
"""What passes by itself, or is usual: the alarm must not fire."""


def usual_minutes_of_a_request() -> int:
    """Returns for how long a request to count may be in its queue."""
    queue, counter = STACK.properties("CountQueue"), STACK.properties("CounterFunction")
    return int(queue["DelaySeconds"] + 2 * counter["Timeout"]) // 60


def alarms_on(metrics: Metrics) -> Alarms:
    """Returns the template's alarms. The account may run 1,000 functions at the same time."""
    return Alarms(ALARMS, COMPOSITES, metrics, {CONCURRENCY: 1_000})


def put_busy_day(metrics: Metrics) -> None:
    """Adds what AWS reports of a day without trouble: 600 requests a minute, and events."""
    day = range(BEGIN - 12 * 60, BEGIN + 2 * 60)
    Load(fast=600).put(metrics, day)
    Load(slow=1).put(metrics, day[::10])
    Load(failed=1).put(metrics, day[::20])
    for function in ("AuthorizerFunction", "RecorderFunction", "CounterFunction"):
        for name in ("Throttles", "Errors"):
            metrics.put(function_metric(name, function), day, 0, 100)
    concurrency(30)(metrics, day)
    for queue in ("EventQueue", "AccessEventQueue", "CountQueue", "ExportsQueue"):
        delay = STACK.properties(queue).get("DelaySeconds", 0) // 60
        put_queue(
            metrics, queue, (Message(m, m + delay + 1, (m + delay,)) for m in day[:: 7 + delay])
        )


@pytest.fixture(scope="module")
def busy_day() -> Metrics:
    """A day without trouble, which tests must not change."""
    metrics = Metrics()
    put_busy_day(metrics)
    return metrics


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alarm}: {case.case}")
def test_an_alarm_fires_in_its_case_and_ends(case: Case) -> None:
    """Not before the stated minute, and not before the case at all."""
    metrics, trouble = Metrics(), range(BEGIN, BEGIN + case.lasts)
    case.put(metrics, trouble)
    alarms = alarms_on(metrics)
    states = {minute: alarms.state(case.alarm, minute) for minute in trouble}
    assert next((m - BEGIN for m, state in states.items() if state == "ALARM"), None) == (
        case.fires_after
    )
    assert alarms.state(case.alarm, trouble.stop + case.ends_after) == "OK"


@pytest.mark.parametrize("alarm", NO_CASES)
def test_an_alarm_does_not_fire_for_what_passes_or_is_usual(alarm: str) -> None:
    for put in NO_CASES[alarm]:
        metrics, hours = Metrics(), range(BEGIN, BEGIN + 7 * 60)
        put(metrics, hours)
        alarms = alarms_on(metrics)
        assert all(alarms.state(alarm, minute) == "OK" for minute in hours[::3])


@pytest.mark.parametrize("alarm", [a for a in [*ALARMS, *COMPOSITES] if "Window" not in a])
def test_an_alarm_is_ok_on_a_busy_day_and_in_a_quiet_night(alarm: str, busy_day: Metrics) -> None:
    """In the night there are no data, because nothing runs; one request fails after ten seconds."""
    night = Metrics()
    Load(timed_out=1).put(night, [BEGIN])
    for metrics in (busy_day, night):
        alarms = alarms_on(metrics)
        assert all(alarms.state(alarm, m) == "OK" for m in range(BEGIN, BEGIN + 120, 7))


def test_each_alarm_on_metrics_of_aws_has_a_case() -> None:
    on_ours = {
        alarm
        for alarm, properties in ALARMS.items()
        if any(metric.namespace == "WorkspaceUsage" for metric in metrics_of(properties))
    }
    windows = {f"{burn}Burn{window}WindowAlarm" for burn in _BURNS for window in ("Long", "Short")}
    cases = {case.alarm for case in CASES}
    assert cases | on_ours | windows | {"CallersNoticeAlarm"} == ALARMS.keys() | COMPOSITES.keys()


_BURNS: Final = ("Fast", "Slow")


@pytest.mark.parametrize("burn", _BURNS)
def test_a_burn_alarm_ends_soon_after_the_trouble(burn: str) -> None:
    """Its long window does not."""
    metrics = Metrics()
    put_busy_day(metrics)
    load(failed=600)(metrics, range(BEGIN, BEGIN + 30))
    alarms = alarms_on(metrics)
    assert (
        alarms.state(f"{burn}BurnLongWindowAlarm", BEGIN + 65)
        == ("OK" if burn == "Fast" else "ALARM")
        or alarms.state(f"{burn}BurnLongWindowAlarm", BEGIN + 59) == "ALARM"
    )
    assert alarms.state(f"{burn}BurnAlarm", BEGIN + 29) == "ALARM"
    assert alarms.state(f"{burn}BurnAlarm", BEGIN + 65) == "OK"


@pytest.mark.parametrize(
    ("put", "member"),
    [
        (load(fast=94, failed=6), "ServerErrorsAlarm"),
        (load(fast=984, slow=16), "SlowAnswersAlarm"),
        (load(fast=98, slow=2), "FastBurnAlarm"),
        (load(fast=993, slow=7), "SlowBurnAlarm"),
        (
            each_minute(MetricId.of("WorkspaceUsage", "StoreUnavailable", {"service": "usage"}), 5),
            "UnavailableStoreAlarm",
        ),
    ],
)
def test_what_callers_notice_pages(put: Callable[[Metrics, range], None], member: str) -> None:
    metrics, trouble = Metrics(), range(BEGIN, BEGIN + 60)
    put(metrics, trouble)
    alarms = alarms_on(metrics)
    assert alarms.state(member, trouble[-1]) == "ALARM"
    assert alarms.state("CallersNoticeAlarm", trouble[-1]) == "ALARM"
    without = replace(alarms, metrics=Metrics())
    assert without.state("CallersNoticeAlarm", trouble[-1]) == "OK"


def test_an_export_that_waits_is_told_before_it_counts_as_failed() -> None:
    [case] = [case for case in CASES if case.alarm == "OldExportsAlarm"]
    assert timedelta(minutes=case.fires_after) < TIME_TO_PROGRESS


PAGES: Final = {"CallersNoticeAlarm", "OldAccessEventsAlarm", "RetriedAccessEventsAlarm"}
"""What must not wait until the morning."""


@pytest.mark.parametrize("alarm", [*ALARMS, *COMPOSITES])
def test_an_alarm_tells_a_topic_when_it_begins_and_when_it_ends(alarm: str) -> None:
    """Windows of the burn alarms tell nobody. Without topics, no alarm does."""
    expected = [] if "Window" in alarm else [PAGER] if alarm in PAGES else [TOPIC]
    for stack, topics in (
        (STACK, expected),
        (Stack(AlarmTopicArn=TOPIC), [TOPIC] if expected else []),
        (Stack(), []),
    ):
        properties = stack.properties(alarm)
        for actions in ("AlarmActions", "OKActions"):
            assert (properties.get(actions) or []) == topics
        assert stack.resources[alarm]["Condition"] == "HasAlarms"


@pytest.mark.parametrize("alarm", [*ALARMS, *COMPOSITES])
def test_an_alarm_s_description_names_its_section(alarm: str) -> None:
    """A window's one names that of its burn alarm."""
    section = alarm.replace("LongWindow", "").replace("ShortWindow", "")
    assert STACK.properties(alarm)["AlarmDescription"].endswith(
        f" See docs/operations.md, {section}."
    )
