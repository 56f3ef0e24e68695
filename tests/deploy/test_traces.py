"""The real template's sampling rule: a stated part of the requests to this stage is traced."""

from tests.deploy.stack import Stack


def test_the_rule_traces_the_stated_part_of_this_stage_s_requests_and_nothing_else() -> None:
    """However few these are: X-Ray's own rule traces the first request of each second.

    Names are unique in an account, and have at most 32 characters. An API's id has ten.
    """
    rule = dict(
        Stack(StageName="v2", TraceRate="0.2").properties("TraceSamplingRule")["SamplingRule"]
    )
    assert rule.pop("Priority") < 10_000, "the default rule would come first"
    everything = ("ServiceName", "Host", "HTTPMethod", "URLPath")
    assert rule == {
        "RuleName": "usage-${Api}",
        "Version": 1,
        "FixedRate": "0.2",
        "ReservoirSize": 0,
        "ResourceARN": "arn:aws:apigateway:us-east-1::/restapis/${Api}/stages/v2",
        "ServiceType": "AWS::ApiGateway::Stage",
        **dict.fromkeys(everything, "*"),
    }


def test_without_traces_there_is_no_rule_and_the_stage_asks_for_none() -> None:
    """Without the rule, X-Ray's own one would hold."""
    for rate, is_on in (("0.05", True), ("0", False)):
        stack = Stack(TraceRate=rate)
        (stage,) = stack.of_type("AWS::ApiGateway::Stage").values()
        assert stage["TracingEnabled"] is is_on
        assert ("TraceSamplingRule" in stack.resources) is is_on
