"""What AWS's services report in trouble, by the definitions of their metrics.

A trouble adds the samples of its minutes. Before and after it, nothing is reported, unless it says
otherwise.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from tests.deploy.stack import Stack
from tests.support.metrics import MetricId, Metrics
from tests.support.queue_metrics import Message, put_queue_metrics

STACK: Final = Stack()
CONCURRENCY: Final = MetricId.of("AWS/Lambda", "ConcurrentExecutions", {})
QUOTA: Final = 1_000
"""How many functions the account may run at the same time."""

BLOCKED: Final = MetricId.of(
    "AWS/WAFV2", "BlockedRequests", {"WebACL": "stack", "Region": "us-east-1", "Rule": "address"}
)
"""What the web ACL refuses because of its rule on addresses."""

type Trouble = Callable[[Metrics, range], None]
"""Adds what is reported of something that happens in some minutes."""


@dataclass(frozen=True)
class Load:
    """Requests of a minute.

    Attributes:
        fast: requests that got their answer in a tenth of a second.
        slow: requests that got it after ``slow_ms`` milliseconds.
        failed: requests that got a 5XX at once.
        timed_out: requests that got a 5XX after ten seconds.
        slow_ms: see ``slow``.
    """

    fast: int = 0
    slow: int = 0
    failed: int = 0
    timed_out: int = 0
    slow_ms: int = 1_100

    def put(self, metrics: Metrics, minutes: Iterable[int]) -> None:
        """Adds what API Gateway reports: each request is a sample of each metric."""
        minutes = list(minutes)
        errors = self.failed + self.timed_out
        requests = self.fast + self.slow + errors
        metrics.put(api_metric("Count"), minutes, 1, requests)
        metrics.put(api_metric("5XXError"), minutes, 1, errors)
        metrics.put(api_metric("5XXError"), minutes, 0, requests - errors)
        metrics.put(api_metric("Latency"), minutes, 100, self.fast + self.failed)
        metrics.put(api_metric("Latency"), minutes, self.slow_ms, self.slow)
        metrics.put(api_metric("Latency"), minutes, 10_000, self.timed_out)


USUAL: Final = Load(fast=1_000)
"""What callers usually ask in a minute."""


def api_metric(name: str) -> MetricId:
    """Returns a metric of the API's stage."""
    return MetricId.of("AWS/ApiGateway", name, {"ApiName": "stack", "Stage": "v1"})


def function_metric(name: str, function: str) -> MetricId:
    """Returns a metric of one function."""
    return MetricId.of("AWS/Lambda", name, {"FunctionName": f"${{{function}}}"})


def rule_metric(name: str, rule: str) -> MetricId:
    """Returns a metric of a rule. Rules of the account's default bus have no ``EventBusName``."""
    dimensions = {"EventBusName": "${EventBus}", "RuleName": STACK.properties(rule)["Name"]}
    return MetricId.of("AWS/Events", name, dimensions)


def load(requests: Load) -> Trouble:
    """Returns trouble with what callers ask each minute. Afterwards, it is as usual."""

    def put(metrics: Metrics, trouble: range) -> None:
        requests.put(metrics, trouble)
        USUAL.put(metrics, range(trouble.stop, trouble.stop + 120))

    return put


def load_after_hours(requests: Load, minutes: int | None = None) -> Trouble:
    """Returns trouble as ``load`` does, with twelve usual hours before it.

    Args:
        requests: what callers ask.
        minutes: after how many minutes it is as usual again, if not at the end.
    """

    def put(metrics: Metrics, trouble: range) -> None:
        USUAL.put(metrics, range(trouble.start - 12 * 60, trouble.start))
        requests.put(metrics, trouble[:minutes])
        USUAL.put(metrics, range(trouble[:minutes].stop, trouble.stop + 120))

    return put


def each(minutes: int, metric: MetricId, times: int = 1) -> Trouble:
    """Returns trouble: something happens once, or several times, in some minutes."""
    return lambda metrics, trouble: metrics.put(metric, trouble[::minutes], 1, times)


def once(metric: MetricId) -> Trouble:
    """Returns trouble: something happens once."""
    return lambda metrics, trouble: metrics.put(metric, trouble[:1], 1)


def concurrency(percent: int) -> Trouble:
    """Returns trouble: some of the account's quota is used, half of it by reservations."""

    def put(metrics: Metrics, trouble: range) -> None:
        claimed = MetricId.of("AWS/Lambda", "ClaimedAccountConcurrency", {})
        metrics.put(claimed, trouble, QUOTA * percent / 100)
        metrics.put(CONCURRENCY, trouble, QUOTA * percent / 200)

    return put


def put_queue(metrics: Metrics, queue: str, messages: Iterable[Message]) -> None:
    """Adds what SQS reports of a queue."""
    visibility = STACK.properties(queue).get("VisibilityTimeout", 30) // 60
    put_queue_metrics(metrics, f"${{{queue}.QueueName}}", messages, visibility)


def delay_of(queue: str) -> int:
    """Returns the minutes after which a message is delivered for the first time."""
    return int(STACK.properties(queue).get("DelaySeconds", 0)) // 60


def waiting(queue: str) -> Trouble:
    """Returns trouble: nobody receives messages, of which one comes each minute."""
    return lambda metrics, trouble: put_queue(
        metrics, queue, (Message(minute, trouble.stop) for minute in trouble)
    )


def failing(queue: str, times: int | None = None) -> Trouble:
    """Returns trouble: messages are retried, and fail again. One comes each minute.

    Args:
        queue: the queue.
        times: how many messages come.
    """
    every = STACK.properties(queue)["VisibilityTimeout"] // 60

    def put(metrics: Metrics, trouble: range) -> None:
        end = trouble.stop
        messages = (Message(m, end, tuple(range(m + delay_of(queue), end, every))) for m in trouble)
        put_queue(metrics, queue, list(messages)[:times])

    return put


def cut_off_counts(others: int | None = None) -> Trouble:
    """Returns trouble: each run for one workspace is cut off. SQS delivers its request again.

    Args:
        others: the minutes between runs for other workspaces, which succeed, or None for no runs.
    """
    errors = function_metric("Errors", "CounterFunction")
    every = STACK.properties("CountQueue")["VisibilityTimeout"] // 60

    def put(metrics: Metrics, trouble: range) -> None:
        failing("CountQueue", 1)(metrics, trouble)
        metrics.put(errors, trouble[::every], 1)
        if others is not None:
            metrics.put(errors, range(trouble.start, trouble.stop + 360, others), 0)

    return put


def passing(queue: str, minutes: int, received: tuple[int, ...] = (), every: int = 1) -> Trouble:
    """Returns no trouble: messages are deleted after some minutes.

    Args:
        queue: the queue.
        minutes: for how long each message is in the queue.
        received: at which of these minutes it is received.
        every: a message comes once in so many minutes.
    """
    return lambda metrics, trouble: put_queue(
        metrics,
        queue,
        (Message(m, m + minutes, tuple(m + r for r in received)) for m in trouble[::every]),
    )


def kept(queue: str) -> Trouble:
    """Returns trouble: a dead-letter queue has a message."""
    return lambda metrics, trouble: put_queue(
        metrics, queue, [Message(trouble.start, trouble.stop)]
    )


def put_checks(metrics: Metrics, minutes: range) -> None:
    """Adds the runs of the checks on a schedule. They find nothing."""
    for name in ("ChecksFailed", "ApiChecksFailed"):
        metric = MetricId.of("WorkspaceUsage/stack", name, {"service": "doctor"})
        metrics.put(metric, minutes[::5], 0)


def put_busy_day(metrics: Metrics, day: range) -> None:
    """Adds what is reported without trouble: requests, events, counting and exports."""
    USUAL.put(metrics, day)
    Load(slow=1).put(metrics, day[::10])
    Load(failed=1).put(metrics, day[::20])
    for function in ("Authorizer", "Recorder", "Counter", "Exporter"):
        for name in ("Throttles", "Errors"):
            metrics.put(function_metric(name, f"{function}Function"), day, 0, 100)
    concurrency(30)(metrics, day)
    put_checks(metrics, day)
    for queue in ("EventQueue", "AccessEventQueue", "CountQueue", "ExportsQueue"):
        delay = delay_of(queue)
        passing(queue, delay + 1, (delay,), every=7 + delay)(metrics, day)
