"""Checks how many functions may run at once in the account: a new account may have only ten."""

from collections.abc import Iterator
from typing import Final

from tools.deploy.findings import Finding, failure, fine, warning
from tools.deploy.target import Target

_SUBJECT: Final = "Lambda's concurrency"

_UNRESERVED_MINIMUM: Final = 100
"""What functions without a reservation must still be able to use, or Lambda refuses to reserve."""

_ENOUGH: Final = 100
"""Callers notice a lower limit: a request needs two functions, and queues need ten and more."""


def check_concurrency(target: Target) -> Iterator[Finding]:
    """Says whether the account's limit leaves enough for what the template reserves."""
    limits = target.client("lambda").get_account_settings()["AccountLimit"]
    limit = limits["ConcurrentExecutions"]
    to_reserve = sum(_reservations(target))
    advice = (
        f"ask for more: `aws service-quotas request-service-quota-increase --region {target.region}"
        " --service-code lambda --quota-code L-B99A9384 --desired-value 1000`"
    )
    instead = 'or write "ReservedConcurrency=false" into samconfig.toml'
    if to_reserve and limits["UnreservedConcurrentExecutions"] - to_reserve < _UNRESERVED_MINIMUM:
        yield failure(
            _SUBJECT,
            f"the template reserves {to_reserve} of the account's {limit}, and Lambda refuses if"
            f" less than {_UNRESERVED_MINIMUM} stay unreserved; {advice}, {instead}",
        )
    elif limit < _ENOUGH:
        yield warning(
            _SUBJECT,
            f"at most {limit} functions run at once in this account, and callers get 503 beyond"
            f" that; {advice}",
        )
    else:
        yield fine(_SUBJECT, f"{limit} at once, {to_reserve} to be reserved")


def _reservations(target: Target) -> Iterator[int]:
    """Yields what each function will reserve that reserves nothing yet."""
    deployed = (
        target.deployed_ids
        if target.deployed_parameters.get("ReservedConcurrency") == "true"
        else frozenset()
    )
    for logical_id, function in target.template.resources("AWS::Serverless::Function"):
        reserved = target.template.resolve(function, "ReservedConcurrentExecutions")
        if reserved is not None and logical_id not in deployed:
            yield int(reserved)
