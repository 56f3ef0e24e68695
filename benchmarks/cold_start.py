"""Measures the CPU of cold starts: from a process's start to its first response.

Also of starts from a snapshot, with SnapStart. The time that Lambda itself needs to restore one
can't be measured here: the measurement begins when Python runs again.
"""

from typing import Final

from benchmarks.deployment import CHAT_WORKSPACE, Deployment, authorizer_event, usage_event
from benchmarks.figures import Comparison, Spread
from benchmarks.packages import baseline, ours
from benchmarks.process import run_cold, run_python, run_restored
from local.aws import CREDENTIALS
from local.functions.credentials_endpoint import CredentialsEndpoint

COLD_ROUNDS: Final = 11
_POWERTOOLS: Final = "from aws_lambda_powertools import Logger, Metrics"
IMPORTS: Final = {
    "usage": f"{_POWERTOOLS}; import orjson, pydantic; pydantic.BaseModel",
    "authorizer": _POWERTOOLS,
}
"""What each function imports from its layer, without any of its own code."""

TARGET_RATIOS: Final = {"usage": 1.8, "authorizer": 2.5}


def measure(deployment: Deployment) -> list[Comparison]:
    """Returns a comparison for each function; baseline and ours take turns in each round."""
    events = {"usage": usage_event(CHAT_WORKSPACE, 20), "authorizer": authorizer_event()}
    comparisons = []
    for function, event in events.items():
        variables = deployment.variables(function)
        rounds = [
            (
                run_cold(baseline(function), variables, event).cpu,
                run_cold(ours(function), variables, event).cpu,
            )
            for _ in range(COLD_ROUNDS)
        ]
        theirs, our = zip(*rounds, strict=True)
        comparisons.append(Comparison(function, theirs, our, TARGET_RATIOS[function]))
    return comparisons


def after_restore(deployment: Deployment) -> dict[str, Spread]:
    """Returns each function's CPU from a snapshot to its first response, credentials included."""
    events = {"usage": usage_event(CHAT_WORKSPACE, 20), "authorizer": authorizer_event()}
    credentials = {
        "AccessKeyId": CREDENTIALS["AWS_ACCESS_KEY_ID"],
        "SecretAccessKey": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        "Token": "token",
    }
    spreads = {}
    with CredentialsEndpoint(credentials) as endpoint:
        for function, event in events.items():
            variables = {
                name: value
                for name, value in deployment.variables(function).items()
                if name not in CREDENTIALS
            }
            rounds = [
                run_restored(ours(function), {**variables, **endpoint.variables}, event).cpu
                for _ in range(COLD_ROUNDS)
            ]
            spreads[function] = Spread.of(rounds)
    return spreads


def floor() -> dict[str, Spread]:
    """Returns the CPU of starting Python, alone and with each function's libraries."""
    return {
        "Python alone": Spread.of([run_python() for _ in range(COLD_ROUNDS)]),
        **{
            f"with the {function} function's libraries": Spread.of(
                [run_python(ours(function), code) for _ in range(COLD_ROUNDS)]
            )
            for function, code in IMPORTS.items()
        },
    }
