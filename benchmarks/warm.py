"""CPU of one request in a process that has answered others, of both functions."""

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

ROUNDS: Final = 9
REQUESTS: Final = 25
"""Requests of one round, whose CPU is added up: from each in turn."""

WARM_UP: Final = 6
"""Rounds of every case before anything is measured."""

CASES: Final = (
    ("20 chats", CHAT_WORKSPACE, 20, 2.5),
    ("100 chats", CHAT_WORKSPACE, 100, 5.0),
    ("20 media", MEDIA_WORKSPACE, 20, 2.5),
    ("100 media", MEDIA_WORKSPACE, 100, 8.0),
)
"""What is asked for, and how many times as much the baseline should take."""


def measure(deployment: Deployment) -> list[Comparison]:
    """All comparisons, each of many rounds; first it is made sure that the answers are the same.

    Raises:
        AssertionError: they are not.
    """
    comparisons = []
    variables = deployment.variables("usage")
    with running(baseline("usage"), variables) as theirs, running(ours("usage"), variables) as us:
        # The store compiles what it does often while it does it, next to what is measured here.
        for _ in range(WARM_UP):
            for _, workspace, per_page, _ in CASES:
                spend(theirs, us, usage_event(workspace, per_page))
        for name, workspace, per_page, target in CASES:
            event = usage_event(workspace, per_page)
            body = page(us.ask(event).answer)
            assert body == page(theirs.ask(event).answer), name  # noqa: S101 - else not comparable
            assert len(body["items"]) == per_page, name  # noqa: S101 - else not comparable
            comparisons.append(compare(name, theirs, us, event, target))
    variables = deployment.variables("authorizer")
    with (
        running(baseline("authorizer"), variables) as theirs,
        running(ours("authorizer"), variables) as us,
    ):
        event = authorizer_event()
        assert allowed(us.ask(event).answer) == allowed(theirs.ask(event).answer)  # noqa: S101
        comparisons.append(compare("authorizer", theirs, us, event))
    return comparisons


def floor(deployment: Deployment) -> dict[str, Spread]:
    """What a request takes that reads nothing, since its query is invalid."""
    event = usage_event(CHAT_WORKSPACE, 0)
    with running(ours("usage"), deployment.variables("usage")) as us:
        rounds = [
            sum(us.ask(event).cpu for _ in range(REQUESTS)) / REQUESTS
            for _ in range(WARM_UP + ROUNDS)
        ]
    return {"an invalid query, without a call": Spread.of(rounds[WARM_UP:])}


def compare(
    name: str, theirs: Process, us: Process, event: object, target: float | None = None
) -> Comparison:
    """CPU per request, round by round; requests take turns, and so have the same noise."""
    rounds = [spend(theirs, us, event) for _ in range(ROUNDS)]
    return Comparison(name, tuple(a for a, _ in rounds), tuple(b for _, b in rounds), target)


def spend(theirs: Process, us: Process, event: object) -> tuple[float, float]:
    """Seconds of CPU for a request of each, on average over a round."""
    turns = [(theirs.ask(event).cpu, us.ask(event).cpu) for _ in range(REQUESTS)]
    return sum(a for a, _ in turns) / REQUESTS, sum(b for _, b in turns) / REQUESTS


def page(response: Mapping[str, Any]) -> Any:
    """A response's page, comparable: numbers exact, links without what the second changes."""
    assert response["statusCode"] == 200, response  # noqa: S101 - else not comparable
    body = json.loads(response["body"], parse_float=Decimal)
    for item in body["items"]:
        item["link"] = re.sub(r"X-Amz-(Date|Signature)=[^&]+", "", item["link"] or "")
        item["link"] = sorted(re.split("[?&]", item["link"]))
    return body


def allowed(policy: Mapping[str, Any]) -> object:
    """What a policy says: its effect and its context."""
    effects = {statement["Effect"] for statement in policy["policyDocument"]["Statement"]}
    return effects, policy["context"]
