"""Outcomes as metrics and log lines: what happened and how often, without personal data."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from workspace_usage.errors import StoreUnavailable, UsageError


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Writes one function's metrics and log lines."""

    logger: Logger
    metrics: Metrics

    def count(self, metric: str, number: int = 1) -> None:
        """Adds ``number`` to a metric."""
        self.metrics.add_metric(metric, MetricUnit.Count, number)

    def count_fallback(self, operation: str) -> None:
        """Counts a call to AWS that is made again with botocore because the first attempt failed.

        Args:
            operation: the call's name. It is not used: the metric counts all operations together.
        """
        del operation
        self.count("CallsRepeated")

    def measure(
        self, message: str, figures: Mapping[str, int], ages: Mapping[str, timedelta] | None = None
    ) -> None:
        """Adds each figure to the metric of its name, and logs all of them as one line.

        Args:
            message: the log line's message.
            figures: numbers of things.
            ages: durations, which become whole seconds.
        """
        seconds = {name: round(age.total_seconds()) for name, age in (ages or {}).items()}
        for name, number in figures.items():
            self.count(name, number)
        for name, number in seconds.items():
            self.metrics.add_metric(name, MetricUnit.Seconds, number)
        self.logger.info(message, extra={**figures, **seconds})

    @contextmanager
    def recorded_failures(self) -> Iterator[None]:
        """Counts and logs the errors of a request, and lets them pass."""
        try:
            yield
        except StoreUnavailable as error:
            self.record_unavailable(error)
            raise
        except UsageError as error:
            self.logger.info("refused", extra={"reason": str(error)})
            self.count("Refused")
            raise

    def record_unavailable(self, error: StoreUnavailable) -> None:
        """Counts and logs that a table or a setting could not be read in time."""
        self.logger.error("unavailable", extra={"reason": str(error)})
        self.count("StoreUnavailable")
