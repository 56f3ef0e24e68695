"""What costs how much: requests, events, exports, and a month, from prices and measured figures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from tools.costs.data import Measured, Prices, Work
from tools.costs.stack import StackCounts
from tools.costs.tables import Line, Table
from workspace_usage.recording.recorder import NEW_ROWS_PER_COUNT_REQUEST

MILLION: Final = 1_000_000
HOURS_A_MONTH: Final = 730


@dataclass(frozen=True, slots=True)
class Mix:
    """Requests of several kinds.

    Attributes:
        name: what the table calls it.
        shares: the share of each kind, by its section in ``measured.toml``.
        cached: the share of answers from the cache, if the stack has one.
    """

    name: str
    shares: Mapping[str, float]
    cached: float = 0


MIXES: Final = (
    Mix("pages of 20", {"page_of_20": 1}),
    Mix("pages of 100", {"page_of_100": 1}),
    Mix("summaries", {"summary": 1}),
    Mix("mixed", {"page_of_20": 0.6, "page_of_100": 0.1, "summary": 0.3}, cached=0.3),
)


@dataclass(frozen=True, slots=True)
class Calculator:
    """Computes dollars from prices and measured figures."""

    prices: Prices
    measured: Measured

    def requests(self, environment: str, stack: StackCounts) -> Table:
        """Returns what a million requests of each mix cost in an environment."""
        costs = [self._million_requests(mix, stack) for mix in MIXES]
        lines = [Line(name, [cost[name] for cost in costs]) for name in costs[0]]
        return Table(f"{environment}: a million requests", [mix.name for mix in MIXES], lines)

    def _million_requests(self, mix: Mix, stack: StackCounts) -> dict[str, float]:
        cached = mix.cached if stack.cache_size else 0
        authorizer, request = self.measured.authorizer, self.measured.request
        answers = [(share, self.measured.answers[kind]) for kind, share in mix.shares.items()]
        computed = [(share * (1 - cached), work) for share, work in answers]
        access_log = [request.access_log_bytes] if stack.has_access_log else []
        log_bytes = (
            self._log_bytes(access_log)
            + self._log_bytes(authorizer.log_lines, runs=1)
            + sum(share * self._log_bytes(work.log_lines, runs=1) for share, work in computed)
        )
        sent = sum(share * (work.answer_bytes + request.header_bytes) for share, work in answers)
        of = self.prices.of
        return {
            "API Gateway": of(api_request=MILLION),
            "Lambda, authorizer": MILLION * self._run(authorizer, stack.gigabytes),
            "Lambda, answers": MILLION
            * sum(share * self._run(work, stack.gigabytes) for share, work in computed),
            "DynamoDB, authorizer": of(read_unit=MILLION * authorizer.read_units),
            "DynamoDB, answers": of(
                read_unit=MILLION * sum(share * work.read_units for share, work in computed)
            ),
            "logs": of(log_byte=MILLION * log_bytes),
            "traces": of(trace=MILLION * stack.trace_rate),
            "egress": of(egress_byte=MILLION * sent),
            "web ACL": of(web_acl_request=MILLION * stack.web_acls),
        }

    def events(self, stack: StackCounts) -> Table:
        """Returns what a million events cost, if each comes alone or ten come together."""
        batch = self.measured.event.batch
        costs = [self._million_events(size, stack) for size in (1, batch)]
        lines = [Line(name, [cost[name] for cost in costs]) for name in costs[0]]
        return Table("a million events", ["alone", f"in runs of {batch}"], lines)

    def _million_events(self, batch: int, stack: StackCounts) -> dict[str, float]:
        event, counting = self.measured.event, self.measured.counting
        of = self.prices.of
        billed = ceil(batch * (event.cpu_ms + event.wait_ms)) / 1000
        run = of(lambda_invocation=1, lambda_gb_second=billed * stack.gigabytes)
        # EventBridge sends each event. Lambda receives and deletes a batch. A request to count is
        # sent, received and deleted.
        queue_requests = 1 + 2 / batch + 3 / NEW_ROWS_PER_COUNT_REQUEST
        return {
            "EventBridge": of(event=MILLION),
            "SQS": of(queue_request=MILLION * queue_requests),
            "Lambda": MILLION / batch * run,
            "DynamoDB, reads": of(read_unit=MILLION * event.read_units),
            "DynamoDB, writes": of(write_unit=MILLION * event.write_units),
            "logs": of(log_byte=MILLION / batch * self._log_bytes(event.log_lines, runs=1)),
            "counting": of(
                read_unit=counting.read_units,
                write_unit=counting.write_units,
                lambda_gb_second=counting.seconds * stack.gigabytes,
            ),
        }

    def export(self, stack: StackCounts) -> Table:
        """Returns what an export of a million rows costs."""
        export = self.measured.export
        parts = ceil(export.megabytes / export.part_megabytes)
        of = self.prices.of
        lines = [
            Line("DynamoDB, reads", [of(read_unit=export.read_units)]),
            Line("Lambda", [of(lambda_gb_second=export.seconds * stack.gigabytes)]),
            # An upload is begun and completed, beside its parts.
            Line("S3, writing the file", [of(file_write=parts + 2)]),
            Line("SQS", [of(queue_request=export.queue_requests)]),
            Line("egress", [of(egress_byte=export.megabytes * MILLION)]),
        ]
        return Table("an export of a million rows", ["CSV"], lines, digits=6)

    def month(self, stacks: Mapping[str, StackCounts]) -> Table:
        """Returns what a month without traffic costs in each environment."""
        costs = [self._month(stack) for stack in stacks.values()]
        lines = [Line(name, [cost[name] for cost in costs]) for name in costs[0]]
        return Table("a month without traffic", [*stacks], lines)

    def _month(self, stack: StackCounts) -> dict[str, float]:
        polling, of = self.measured.polling, self.prices.of
        seconds = HOURS_A_MONTH * 3600
        polls = stack.polled_queues * polling.connections * seconds / polling.seconds
        cache = self.prices.cache_hours[stack.cache_size] if stack.cache_size else 0
        return {
            "cache": HOURS_A_MONTH * cache,
            "snapshots": of(snapshot_gb_second=stack.snapshot_gigabytes * seconds),
            "alarms": of(alarm_metric=stack.alarm_metrics - stack.check_alarm_metrics),
            "composite alarms": of(composite_alarm=stack.composite_alarms),
            "dashboard": of(dashboard=stack.dashboards),
            "web ACL": of(web_acl=stack.web_acls, web_acl_rule=stack.web_acl_rules),
            "polling of queues": of(queue_request=polls),
            "checks on a schedule": float(sum(self.checks(stack).sums())),
        }

    def traffic_month(self, stacks: Mapping[str, StackCounts]) -> Table:
        """Returns what a month with some traffic in each hour costs, without the traffic itself."""
        idle = [float(amount) for amount in self.month(stacks).sums()]
        metrics = [
            self.prices.of(metric=stack.metrics - stack.check_metrics) for stack in stacks.values()
        ]
        lines = [Line("as without traffic", idle), Line("custom metrics", metrics)]
        return Table("a month with all metrics", [*stacks], lines)

    def checks(self, stack: StackCounts) -> Table:
        """Returns what a month of the checks on a schedule costs."""
        check, runs, of = self.measured.check, stack.checks_a_month, self.prices.of
        authorizer, page = self.measured.authorizer, self.measured.answers["page_of_20"]
        requests = runs * check.api_requests
        seconds = check.billed_ms / 1000
        own_lambda = runs * of(
            lambda_invocation=1, lambda_gb_second=seconds * stack.check_gigabytes
        )
        lines = [
            Line("Lambda", [own_lambda]),
            Line("DynamoDB, reads", [of(read_unit=runs * check.read_units)]),
            Line("SQS", [of(queue_request=runs * check.queue_requests)]),
            Line("KMS", [of(key_request=runs * check.key_requests)]),
            Line("logs", [of(log_byte=runs * self._log_bytes(check.log_lines, runs=1))]),
            Line(
                "the requests to the API",
                [
                    of(api_request=requests)
                    + requests * self._run(authorizer, stack.gigabytes)
                    + runs * self._run(page, stack.gigabytes)
                ],
            ),
            Line("custom metrics", [of(metric=stack.check_metrics)]),
            Line("alarms", [of(alarm_metric=stack.check_alarm_metrics)]),
        ]
        return Table("a month of checks", ["dollars"], lines)

    def _run(self, work: Work, gigabytes: float) -> float:
        """Returns what one invocation for some work costs."""
        seconds = ceil(work.cpu_ms + work.wait_ms) / 1000
        return self.prices.of(lambda_invocation=1, lambda_gb_second=seconds * gigabytes)

    def _log_bytes(self, lines: Sequence[int], runs: int = 0) -> float:
        """Returns the bytes that CloudWatch bills for lines, and for Lambda's own lines of runs."""
        log = self.measured.log
        all_lines = [*lines, *(log.lambda_lines * runs)]
        return float(sum(all_lines) + len(all_lines) * log.bytes_per_line)
