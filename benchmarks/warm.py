"""Measures the CPU of a warm request, of both functions."""

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from benchmarks.deployment import (
    CHAT_WORKSPACE,
    MEDIA_WORKSPACE,
    Deployment,
    authorizer_event,
    usage_event,
)
from benchmarks.figures import Comparison, Spread
from benchmarks.packages import baseline, ours
from benchmarks.process import Process, running

WARM_ROUNDS: Final = 9
REQUESTS_PER_ROUND: Final = 25
"""Requests of each side in a round, in turns."""

WARM_UP_ROUNDS: Final = 6
"""Rounds of each case before anything is measured."""

WARM_CASES: Final = (
    ("20 chats", CHAT_WORKSPACE, 20, 2.5),
    ("100 chats", CHAT_WORKSPACE, 100, 5.0),
    ("20 media", MEDIA_WORKSPACE, 20, 2.5),
    ("100 media", MEDIA_WORKSPACE, 100, 8.0),
)
"""Name, workspace, rows of the page, and the ratio that the baseline's CPU to ours should reach."""


def measure(deployment: Deployment) -> list[Comparison]:
    """Returns all comparisons, after it has checked that both sides answer the same.

    Raises:
        AssertionError: the answers differ.
    """
    comparisons = []
    variables = deployment.variables("usage")
    with running(baseline("usage"), variables) as theirs, running(ours("usage"), variables) as us:
        # The store's Java compiles its code while it runs, and would disturb the measurement.
        for _ in range(WARM_UP_ROUNDS):
            for _, workspace, per_page, _ in WARM_CASES:
                measure_round(theirs, us, usage_event(workspace, per_page))
        for name, workspace, per_page, target in WARM_CASES:
            event = usage_event(workspace, per_page)
            body = page(us.invoke(event).result)
            assert body == page(theirs.invoke(event).result), name  # noqa: S101 - else not comparable
            assert len(body["items"]) == per_page, name  # noqa: S101 - else not comparable
            comparisons.append(compare(name, theirs, us, event, target))
    variables = deployment.variables("authorizer")
    with (
        running(baseline("authorizer"), variables) as theirs,
        running(ours("authorizer"), variables) as us,
    ):
        event = authorizer_event()
        assert allowed(us.invoke(event).result) == allowed(theirs.invoke(event).result)  # noqa: S101
        comparisons.append(compare("authorizer", theirs, us, event))
    return comparisons


def floor(deployment: Deployment) -> dict[str, Spread]:
    """Returns the CPU of a request with an invalid query, which reads nothing."""
    event = usage_event(CHAT_WORKSPACE, 0)
    with running(ours("usage"), deployment.variables("usage")) as us:
        rounds = [
            sum(us.invoke(event).cpu for _ in range(REQUESTS_PER_ROUND)) / REQUESTS_PER_ROUND
            for _ in range(WARM_UP_ROUNDS + WARM_ROUNDS)
        ]
    return {"an invalid query, without a call": Spread.of(rounds[WARM_UP_ROUNDS:])}


def compare(
    name: str, theirs: Process, us: Process, event: object, target: float | None = None
) -> Comparison:
    """Compares the CPU of a request. Both sides take turns, so noise affects both."""
    rounds = [measure_round(theirs, us, event) for _ in range(WARM_ROUNDS)]
    return Comparison(name, tuple(a for a, _ in rounds), tuple(b for _, b in rounds), target)


def measure_round(theirs: Process, us: Process, event: object) -> tuple[float, float]:
    """Returns the mean seconds of CPU of a request in one round: the baseline's, and ours."""
    turns = [(theirs.invoke(event).cpu, us.invoke(event).cpu) for _ in range(REQUESTS_PER_ROUND)]
    return sum(a for a, _ in turns) / REQUESTS_PER_ROUND, sum(
        b for _, b in turns
    ) / REQUESTS_PER_ROUND


def page(response: Mapping[str, Any]) -> Any:
    """Returns a response's page to compare: exact numbers, links without date and signature."""
    assert response["statusCode"] == 200, response  # noqa: S101 - else not comparable
    body = json.loads(response["body"], parse_float=Decimal)
    for item in body["items"]:
        item["link"] = re.sub(r"X-Amz-(Date|Signature)=[^&]+", "", item["link"] or "")
        item["link"] = sorted(re.split("[?&]", item["link"]))
    return body


def allowed(policy: Mapping[str, Any]) -> object:
    """Returns a policy's effects and context."""
    effects = {statement["Effect"] for statement in policy["policyDocument"]["Statement"]}
    return effects, policy["context"]
