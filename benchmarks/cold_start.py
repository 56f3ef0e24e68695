"""CPU from a process's start to its first answer, from the packages that are deployed."""

from typing import Final

from benchmarks.deployment import CHAT, Deployment, authorizer_event, usage_event
from benchmarks.figures import Comparison, Spread
from benchmarks.packages import baseline, ours
from benchmarks.process import bare, cold

ROUNDS: Final = 11
TARGETS: Final = {"usage": 1.8, "authorizer": 2.5}


def measure(deployment: Deployment) -> list[Comparison]:
    """A comparison for each function; their rounds take turns."""
    events = {"usage": usage_event(CHAT, 20), "authorizer": authorizer_event()}
    comparisons = []
    for function, event in events.items():
        variables = deployment.variables(function)
        rounds = [
            (
                cold(baseline(function), variables, event).cpu,
                cold(ours(function), variables, event).cpu,
            )
            for _ in range(ROUNDS)
        ]
        theirs, our = zip(*rounds, strict=True)
        comparisons.append(Comparison(function, theirs, our, TARGETS[function]))
    return comparisons


def floor() -> Spread:
    """What Python itself takes to start."""
    return Spread.of([bare() for _ in range(ROUNDS)])
