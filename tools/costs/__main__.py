"""Prints what the service costs: requests, events, exports, and a month, for dev and prod.

python -m tools.costs
"""

import sys
from collections.abc import Iterator

from tools.costs.data import Measured, Prices
from tools.costs.lines import Calculator
from tools.costs.stack import ENVIRONMENTS, StackCounts
from tools.deploy.environment import read_environment


def report() -> Iterator[str]:
    """Yields the tables line by line; docs/costs.md has the same."""
    prices = Prices.read()
    calculator = Calculator(prices, Measured.read())
    stacks = {
        name: StackCounts.of_parameters(read_environment(name).parameters) for name in ENVIRONMENTS
    }
    with_checks = StackCounts.of_parameters({"ChecksEnabled": "true"})
    tables = [
        *(calculator.requests(name, stack) for name, stack in stacks.items()),
        calculator.events(stacks["prod"]),
        calculator.export(stacks["prod"]),
        calculator.month(stacks),
        calculator.traffic_month(stacks),
        calculator.checks(with_checks),
    ]
    yield f"US dollars, {prices.region}, {prices.month}, without free tiers"
    for table in tables:
        yield ""
        yield from table.text()
    yield ""
    for name, stack in stacks.items():
        yield (
            f"{name}: {stack.metrics} custom metrics, {stack.alarm_metrics} metrics of alarms,"
            f" {stack.composite_alarms} composite alarms, {stack.polled_queues} polled queues"
        )


if __name__ == "__main__":
    sys.stdout.write("".join(f"{line}\n" for line in report()))
