"""CPU from a process's start to its first answer, from the packages that are deployed.

And from a snapshot of such a process, with SnapStart. What Lambda itself takes to restore one can't
be measured here: what is counted begins when Python runs again.
"""

from typing import Final

from benchmarks.deployment import CHAT_WORKSPACE, Deployment, authorizer_event, usage_event
from benchmarks.figures import Comparison, Spread
from benchmarks.packages import baseline, ours
from benchmarks.process import bare, cold, restored
from local.aws import CREDENTIALS
from local.functions.credentials_endpoint import CredentialsEndpoint

ROUNDS: Final = 11
POWERTOOLS: Final = "from aws_lambda_powertools import Logger, Metrics"
LIBRARIES: Final = {
    "usage": f"{POWERTOOLS}; import orjson, pydantic; pydantic.BaseModel",
    "authorizer": POWERTOOLS,
}
"""What each function imports of its layer, without a line of ours."""

TARGETS: Final = {"usage": 1.8, "authorizer": 2.5}


def measure(deployment: Deployment) -> list[Comparison]:
    """A comparison for each function; their rounds take turns."""
    events = {"usage": usage_event(CHAT_WORKSPACE, 20), "authorizer": authorizer_event()}
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


def after_restore(deployment: Deployment) -> dict[str, Spread]:
    """What each function takes for its first answer from a snapshot, credentials included."""
    events = {"usage": usage_event(CHAT_WORKSPACE, 20), "authorizer": authorizer_event()}
    given = {
        "AccessKeyId": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        "Token": "token",
    }
    spreads = {}
    with CredentialsEndpoint(given) as endpoint:
        for function, event in events.items():
            variables = {
                name: value
                for name, value in deployment.variables(function).items()
                if name not in CREDENTIALS
            }
            rounds = [
                restored(ours(function), {**variables, **endpoint.variables}, event).cpu
                for _ in range(ROUNDS)
            ]
            spreads[function] = Spread.of(rounds)
    return spreads


def floor() -> dict[str, Spread]:
    """What Python itself takes to start, and with the libraries that each function needs."""
    return {
        "Python alone": Spread.of([bare() for _ in range(ROUNDS)]),
        **{
            f"with the {function} function's libraries": Spread.of(
                [bare(ours(function), code) for _ in range(ROUNDS)]
            )
            for function, code in LIBRARIES.items()
        },
    }
