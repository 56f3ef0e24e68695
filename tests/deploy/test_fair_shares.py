"""One caller can't starve the others: the web ACL, and concurrency of functions behind queues."""

import json
import re
from typing import Any, Final

import pytest

from tests.deploy.documented import without
from tests.deploy.stack import Stack, read_template
from workspace_usage.access.tokens import BearerToken

BEHIND_QUEUES: Final = ("RecorderFunction", "CounterFunction", "ExporterFunction")


def rules(**parameters: str) -> dict[str, Any]:
    """Returns the statements of the web ACL's rules, by their names."""
    found = Stack(WebAclEnabled="true", **parameters).properties("WebAcl")["Rules"]
    return {rule["Name"]: rule["Statement"]["RateBasedStatement"] for rule in found}


def test_by_default_there_is_no_web_acl() -> None:
    """It costs money each month."""
    assert "WAFv2" not in json.dumps(Stack().resources)


def test_the_web_acl_protects_the_stage() -> None:
    """In the region of the API, which is regional. All that no rule refuses passes.

    A custom response of the web ACL would win over the gateway response WAF_FILTERED. Samples of
    requests have all their headers, tokens included, and so would a log have.
    """
    stack = Stack(WebAclEnabled="true")
    acl = dict(stack.properties("WebAcl"))
    rules_of_acl = [without(rule, "Statement") for rule in acl.pop("Rules")]

    def visibility(metric: str) -> dict[str, Any]:
        return {
            "CloudWatchMetricsEnabled": True,
            "SampledRequestsEnabled": False,
            "MetricName": metric,
        }

    assert without(acl, "Description") == {
        "Name": "stack",
        "Scope": "REGIONAL",
        "DefaultAction": {"Allow": {}},
        "VisibilityConfig": visibility("stack"),
    }
    assert rules_of_acl == [
        {
            "Name": name,
            "Priority": priority,
            "Action": {"Block": {}},
            "VisibilityConfig": visibility(name),
        }
        for priority, name in enumerate(("address", "token"))
    ]
    assert not stack.of_type("AWS::WAFv2::LoggingConfiguration")
    assert stack.properties("WebAclAssociation") == {
        "WebACLArn": "${WebAcl.Arn}",
        "ResourceArn": "arn:aws:apigateway:us-east-1::/restapis/${Api}/stages/${ApiStage}",
    }


def test_requests_are_counted_by_address_and_by_token_for_a_minute() -> None:
    """The parameters set both limits.

    The header is the only key of the token's rule. WAF leaves out requests that lack a key:
    preflights, the page and its files come without the header.
    """
    steps = ["COMPRESS_WHITE_SPACE", "LOWERCASE"]
    header = {
        "Name": "authorization",
        "TextTransformations": [{"Priority": n, "Type": step} for n, step in enumerate(steps)],
    }
    assert rules(RequestsPerToken="70", RequestsPerAddress="90") == {
        "address": {"AggregateKeyType": "IP", "Limit": "90", "EvaluationWindowSec": 60},
        "token": {
            "AggregateKeyType": "CUSTOM_KEYS",
            "CustomKeys": [{"Header": header}],
            "Limit": "70",
            "EvaluationWindowSec": 60,
        },
    }


def test_one_token_may_send_a_small_part_of_what_the_stage_takes() -> None:
    """And one address, which many callers may share, less than half."""
    limits = {name: float(rule["Limit"]) for name, rule in rules().items()}
    assert limits["token"] <= stage_rate() / 10
    assert limits["token"] < limits["address"] < stage_rate() / 2


def test_all_spellings_of_one_token_take_less_than_half_of_what_the_stage_takes() -> None:
    """There are four that the authorizer accepts, and that the rule counts by themselves."""
    spellings = [
        f"{scheme} {token}"
        for scheme in ("Bearer", "bearer", "Bearer  Bearer", "BEARER bearer")
        for token in ("7|secret", "secret")
    ]
    assert len({BearerToken.from_header(spelling).digest for spelling in spellings}) == 1
    # As the rule's transformations change them.
    keys = {re.sub(r"\s+", " ", spelling).lower() for spelling in spellings}
    assert len(keys) == 4
    limits = {name: float(rule["Limit"]) for name, rule in rules().items()}
    assert len(keys) * limits["token"] < stage_rate() / 2
    assert limits["address"] < len(keys) * limits["token"]


def stage_rate() -> float:
    """Returns how many requests a minute the stage takes."""
    return 60 * float(Stack().properties("ApiStage")["MethodSettings"][0]["ThrottlingRateLimit"])


def most_at_once(stack: Stack, function: str) -> int:
    """Returns how many batches all queues together pass to a function at the same time."""
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping").values()
    return sum(
        mapping["ScalingConfig"]["MaximumConcurrency"]
        for mapping in mappings
        if mapping["FunctionName"] == f"${{{function}}}"
    )


@pytest.mark.parametrize("function", BEHIND_QUEUES)
def test_reserved_concurrency_is_what_the_queues_use_at_most(function: str) -> None:
    """With less, batches are refused, and each refusal counts as a receipt of their messages."""
    stack = Stack(ReservedConcurrency="true")
    assert stack.properties(function)["ReservedConcurrentExecutions"] == most_at_once(
        stack, function
    )
    assert Stack().properties(function)["ReservedConcurrentExecutions"] is None


def test_the_parameter_says_how_much_is_reserved() -> None:
    """An account must keep 100 for functions that reserve nothing."""
    stack = Stack(ReservedConcurrency="true")
    reserved = {
        name: function["ReservedConcurrentExecutions"]
        for name, function in stack.of_type("AWS::Lambda::Function").items()
        if "ReservedConcurrentExecutions" in function
    }
    assert reserved.keys() == set(BEHIND_QUEUES)
    text = read_template()["Parameters"]["ReservedConcurrency"]["Description"]
    total = sum(reserved.values())
    assert f" {total} of" in text
    assert f" {total + 100}," in text
