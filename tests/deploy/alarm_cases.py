"""The cases of the runbooks of alarms on AWS's metrics, and what must not alarm."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.deploy.reported_metrics import (
    BLOCKED,
    STACK,
    Load,
    Trouble,
    concurrency,
    cut_off_counts,
    each,
    failing,
    function_metric,
    kept,
    load,
    load_after_hours,
    once,
    passing,
    rule_metric,
    waiting,
)


@dataclass(frozen=True)
class Case:
    """A case of a runbook.

    Attributes:
        alarm: the alarm that must fire.
        case: what happens.
        trouble: adds what AWS reports of it.
        fires_after: the minutes after which the alarm fires.
        ends_after: the minutes after the case's end after which the alarm is OK again.
        lasts: the minutes for which the case lasts.
    """

    alarm: str
    case: str
    trouble: Trouble
    fires_after: int
    ends_after: int
    lasts: int = 60


_EVENT_RULES: Final = ("EventRule", "AccessEventRule")
RETRY, ACCESS_RETRY = (rule_metric("RetryInvocationAttempts", rule) for rule in _EVENT_RULES)

CASES: Final = [
    Case("ServerErrorsAlarm", "the API is down", load(Load(failed=60)), 1, 3),
    Case("ServerErrorsAlarm", "of a few requests, each times out", load(Load(timed_out=1)), 5, 1),
    Case("ServerErrorsAlarm", "a canary fails", load(Load(fast=900, failed=100)), 1, 3),
    Case("SlowAnswersAlarm", "two of a hundred are slow", load(Load(fast=980, slow=20)), 11, 3),
    Case("SlowAnswersAlarm", "few callers, some wait", load(Load(fast=20, slow=1)), 15, 1),
    Case("FastBurnAlarm", "two of a hundred fail", load(Load(fast=980, failed=20)), 1, 2),
    Case("FastBurnAlarm", "two of a hundred are slow", load(Load(fast=980, slow=20)), 1, 2),
    Case("FastBurnAlarm", "they time out", load(Load(fast=980, timed_out=20)), 1, 2),
    Case("FastBurnAlarm", "some fail", load(Load(fast=975, slow=5, failed=20)), 1, 2),
    Case("FastBurnAlarm", "some are slow", load(Load(fast=975, slow=20, failed=5)), 1, 2),
    Case("FastBurnAlarm", "few callers, all get 5XX", load(Load(failed=1)), 10, 1),
    Case("FastBurnAlarm", "after hours", load_after_hours(Load(fast=980, slow=20)), 44, 2),
    Case("SlowBurnAlarm", "one of a hundred fails", load(Load(fast=990, failed=10)), 1, 12),
    Case("SlowBurnAlarm", "one of a hundred is slow", load(Load(fast=990, slow=10)), 1, 12),
    Case("SlowBurnAlarm", "some fail", load(Load(fast=987, slow=3, failed=10)), 1, 12),
    Case("SlowBurnAlarm", "some are slow", load(Load(fast=987, slow=10, failed=3)), 1, 12),
    Case(
        "SlowBurnAlarm",
        "after hours",
        load_after_hours(Load(fast=990, slow=10)),
        217,
        12,
        lasts=300,
    ),
    Case("ThrottledCallersAlarm", "a client asks in a loop", load(Load(fast=10_000)), 3, 3),
    *(
        Case(
            "ThrottledFunctionsAlarm",
            f"{name} is throttled",
            each(2, function_metric("Throttles", f"{name}Function")),
            6,
            19,
        )
        for name in ("Authorizer", "Recorder", "Counter", "Exporter")
    ),
    Case("ConcurrencyAlarm", "the account's functions use 900 of 1,000", concurrency(90), 3, 5),
    *(
        Case(
            "CrashedRunsAlarm",
            f"{name} runs out of time or memory",
            each(2, function_metric("Errors", f"{name}Function")),
            6,
            19,
        )
        for name in ("Recorder", "Exporter")
    ),
    Case("CrashedCountsAlarm", "one workspace's runs are cut off", cut_off_counts(), 91, 181, 360),
    Case("CrashedCountsAlarm", "others are counted", cut_off_counts(others=5), 91, 61, 360),
    *(
        Case("UndeliveredEventsAlarm", f"{name} of {rule}", once(rule_metric(name, rule)), 1, 14, 2)
        for name in ("FailedInvocations", "InvocationsFailedToBeSentToDlq")
        for rule in _EVENT_RULES
    ),
    Case("RetriedDeliveriesAlarm", "a revocation", each(5, ACCESS_RETRY), 11, 11),
    Case("RetriedDeliveriesAlarm", "many events", each(1, RETRY, 2), 15, 1),
    Case("BlockedAddressesAlarm", "an office asks too much", each(1, BLOCKED), 3, 5),
    Case("OldAccessEventsAlarm", "the recorder doesn't run", waiting("AccessEventQueue"), 4, 3),
    Case("OldAccessEventsAlarm", "it can't write", failing("AccessEventQueue", 1), 4, 3, lasts=6),
    Case("RetriedAccessEventsAlarm", "one is retried", failing("AccessEventQueue", 1), 6, 4),
    Case("RetriedAccessEventsAlarm", "all are retried", failing("AccessEventQueue"), 6, 4),
    Case("OldEventsAlarm", "the recorder is paused", waiting("EventQueue"), 9, 3),
    Case("OldCountRequestsAlarm", "the counter doesn't run", waiting("CountQueue"), 64, 3, 120),
    Case("OldCountRequestsAlarm", "a run was cut off", failing("CountQueue", 1), 64, 3, 90),
    Case("OldExportsAlarm", "the exporter doesn't run", waiting("ExportsQueue"), 34, 3),
    Case("RejectedEventsAlarm", "an event was rejected", kept("DeadLetterQueue"), 1, 3),
    Case("AbandonedExportsAlarm", "runs were killed", kept("ExportsDeadLetterQueue"), 1, 3),
]
"""At least one for each alarm on AWS's metrics."""


def _usual_minutes_of_a_count_request() -> int:
    """Returns for how long a request to count may be in its queue.

    It waits for its delay and for a run of other workspaces, and is in one itself.
    """
    queue, counter = STACK.properties("CountQueue"), STACK.properties("CounterFunction")
    return int(queue["DelaySeconds"] + 2 * counter["Timeout"]) // 60


NO_CASES: Final[Mapping[str, list[Trouble]]] = {
    "ServerErrorsAlarm": [
        load(Load(fast=960, failed=40)),
        load_after_hours(Load(fast=10, failed=4), minutes=1),
    ],
    "SlowAnswersAlarm": [
        load(Load(fast=990, slow=9)),
        load(Load(slow=1_000, slow_ms=900)),
        load(Load(fast=1, slow=1)),
        load_after_hours(Load(slow=1_000), minutes=6),
    ],
    "FastBurnAlarm": [
        load(Load(fast=990, failed=10)),
        load(Load(fast=980, failed=13, slow=13)),
        load(Load(slow=1_000, slow_ms=1_000)),
        load_after_hours(Load(fast=880, failed=120), minutes=5),
        lambda metrics, trouble: Load(timed_out=9).put(metrics, trouble[:1]),
    ],
    "SlowBurnAlarm": [
        load(Load(fast=995, failed=5)),
        load_after_hours(Load(fast=940, failed=60), minutes=30),
        lambda metrics, trouble: Load(timed_out=9).put(metrics, trouble[:1]),
    ],
    "ThrottledCallersAlarm": [
        load(Load(fast=9_000)),
        load_after_hours(Load(fast=20_000), minutes=2),
    ],
    "ThrottledFunctionsAlarm": [once(function_metric("Throttles", "AuthorizerFunction"))],
    "ConcurrencyAlarm": [concurrency(70)],
    "BlockedAddressesAlarm": [once(BLOCKED)],
    "CrashedCountsAlarm": [once(function_metric("Errors", "CounterFunction"))],
    "RetriedDeliveriesAlarm": [
        each(30, ACCESS_RETRY),
        each(1, RETRY),
    ],
    "CrashedRunsAlarm": [once(function_metric("Errors", "RecorderFunction"))],
    "OldAccessEventsAlarm": [passing("AccessEventQueue", minutes=3)],
    "RetriedAccessEventsAlarm": [passing("AccessEventQueue", 1, received=(0,), every=2)],
    "OldEventsAlarm": [passing("EventQueue", minutes=6)],
    "OldCountRequestsAlarm": [passing("CountQueue", _usual_minutes_of_a_count_request())],
    # The first two runs were killed, and the third one writes it.
    "OldExportsAlarm": [passing("ExportsQueue", 12, received=(0, 4, 8))],
}
"""What passes by itself, or is usual."""
