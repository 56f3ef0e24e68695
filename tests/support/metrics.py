"""Metrics as CloudWatch keeps them: the samples of each minute, and statistics of them."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final


@dataclass(frozen=True, slots=True)
class MetricId:
    """What names a metric. CloudWatch doesn't add up metrics with other dimensions."""

    namespace: str
    name: str
    dimensions: frozenset[tuple[str, str]]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> "MetricId":
        """Returns the metric with these dimensions."""
        return cls(namespace, name, frozenset(dimensions.items()))


class Metrics:
    """The samples of metrics, by minutes. A minute without samples has no data point."""

    def __init__(self) -> None:
        self._samples: dict[MetricId, dict[int, list[tuple[float, int]]]] = defaultdict(dict)

    def put(self, metric: MetricId, minutes: Iterable[int], value: float, samples: int = 1) -> None:
        """Adds samples of the same value in each of some minutes."""
        if samples > 0:
            for minute in minutes:
                self._samples[metric].setdefault(minute, []).append((value, samples))

    def put_printed(self, printed: str, minutes: Iterable[int], times: int = 1) -> None:
        """Adds the metrics that a function has printed (EMF), as if it did so in some minutes.

        Args:
            printed: the lines.
            minutes: when they were printed.
            times: how often in each of these minutes.
        """
        minutes = list(minutes)
        for line in printed.splitlines():
            blob = json.loads(line)
            for directive in blob.get("_aws", {}).get("CloudWatchMetrics", ()):
                for names in directive["Dimensions"]:
                    dimensions = {name: str(blob[name]) for name in names}
                    for definition in directive["Metrics"]:
                        name = definition["Name"]
                        metric = MetricId.of(directive["Namespace"], name, dimensions)
                        values = blob[name] if isinstance(blob[name], list) else [blob[name]]
                        for value in values:
                            self.put(metric, minutes, value, times)

    def statistic(self, metric: MetricId, statistic: str, begin: int, end: int) -> float | None:
        """Returns a statistic of the minutes from ``begin`` to before ``end``.

        Args:
            metric: the metric.
            statistic: a name such as ``Sum``, ``p99`` or ``PR(:1000)``.
            begin: the first minute.
            end: the minute after the last one.

        Returns:
            None if there are no samples.
        """
        by_minute = self._samples.get(metric, {})
        samples = [s for minute in range(begin, end) for s in by_minute.get(minute, ())]
        return _compute(statistic, samples) if samples else None


_PERCENTILE: Final = re.compile(r"p(\d+(?:\.\d+)?)")
_PERCENTILE_RANK: Final = re.compile(r"PR\((\d*):(\d*)\)")


def _compute(statistic: str, samples: list[tuple[float, int]]) -> float:
    number = sum(times for _, times in samples)
    total = sum(value * times for value, times in samples)
    match statistic:
        case "SampleCount":
            return number
        case "Sum":
            return total
        case "Average":
            return total / number
        case "Minimum":
            return min(value for value, _ in samples)
        case "Maximum":
            return max(value for value, _ in samples)
    if found := _PERCENTILE.fullmatch(statistic):
        return _percentile(samples, float(found[1]))
    found = _PERCENTILE_RANK.fullmatch(statistic)
    assert found, f"CloudWatch has no statistic {statistic}, or it is not known here"
    # The lower bound is exclusive, the upper one inclusive.
    low, high = float(found[1] or "-inf"), float(found[2] or "inf")
    return 100 * sum(times for value, times in samples if low < value <= high) / number


def _percentile(samples: list[tuple[float, int]], percent: float) -> float:
    """Returns the smallest value that is not less than ``percent`` % of all values."""
    rank = ceil(percent / 100 * sum(times for _, times in samples))
    for value, times in sorted(samples):
        rank -= times
        if rank <= 0:
            return value
    raise AssertionError("a percentile is at most 100")
