"""The real template's sampling rule: a stated part of the requests to this stage is traced."""

from tests.deploy.stack import Stack


def test_the_rule_holds_for_this_stage_and_nothing_else() -> None:
    """A rule for all would change what other services of the account trace."""
    stack = Stack(StageName="v2")
    rule = stack.properties("TraceSamplingRule")["SamplingRule"]
    assert rule["ResourceARN"] == "arn:aws:apigateway:us-east-1::/restapis/${Api}/stages/v2"
    assert rule["ServiceType"] == "AWS::ApiGateway::Stage"
    everything = ("ServiceName", "Host", "HTTPMethod", "URLPath")
    assert {rule[name] for name in everything} == {"*"}


def test_traces_are_a_part_of_the_requests_however_few_these_are() -> None:
    """X-Ray's own rule traces the first request of each second."""
    rule = Stack(TraceRate="0.2").properties("TraceSamplingRule")["SamplingRule"]
    assert (rule["ReservoirSize"], rule["FixedRate"]) == (0, "0.2")
    assert rule["Priority"] < 10_000, "the default rule would come first"


def test_two_stacks_of_an_account_have_two_rules() -> None:
    """Names are unique, and have at most 32 characters. An API's id has ten."""
    name = Stack().properties("TraceSamplingRule")["SamplingRule"]["RuleName"]
    assert name == "usage-${Api}"


def test_without_traces_there_is_no_rule_and_the_stage_asks_for_none() -> None:
    """Without the rule, X-Ray's own one would hold."""
    for rate, is_on in (("0.05", True), ("0", False)):
        stack = Stack(TraceRate=rate)
        (stage,) = stack.of_type("AWS::ApiGateway::Stage").values()
        assert stage["TracingEnabled"] is is_on
        assert ("TraceSamplingRule" in stack.resources) is is_on
