"""What of a template is left out for ministack. These tests need no emulator."""

import pytest

from tests.deployed.package import REFUSED_ALARM, UNDEPLOYED, Tree, without_refused

ALARM: Tree = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Errors"}}
COMPOSITE: Tree = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {}}


def test_refused_resources_are_left_out_with_their_outputs() -> None:
    """All others stay as they are."""
    resources = {"Alarm": ALARM, "Rate": REFUSED_ALARM, "Composite": COMPOSITE}
    outputs = {
        "Name": {"Value": {"Ref": "Alarm"}},
        "RateArn": {"Value": {"Fn::GetAtt": ["Rate", "Arn"]}},
        "Url": {"Value": {"Fn::Sub": "https://${AWS::Region}/${Composite}"}},
    }
    assert without_refused({"Description": "x", "Resources": resources, "Outputs": outputs}) == {
        "Description": "x",
        "Resources": {"Alarm": ALARM},
        "Outputs": {"Name": outputs["Name"]},
    }


@pytest.mark.parametrize(
    ("value", "deployed"),
    [
        ({"Ref": "Composite"}, UNDEPLOYED),
        ({"Fn::GetAtt": ["Composite", "Arn"]}, UNDEPLOYED),
        (
            {"Fn::Sub": "a ${Composite.Arn} ${Alarm.Arn}"},
            {"Fn::Sub": "a not-deployed ${Alarm.Arn}"},
        ),
        (
            {"Fn::Sub": "${CompositeTwo} ${!Composite}"},
            {"Fn::Sub": "${CompositeTwo} ${!Composite}"},
        ),
        (
            {"Fn::Sub": ["${Composite} ${a}", {"a": {"Ref": "Composite"}}]},
            {"Fn::Sub": ["not-deployed ${a}", {"a": UNDEPLOYED}]},
        ),
        ([{"Ref": "Alarm"}, "Composite", 1], [{"Ref": "Alarm"}, "Composite", 1]),
    ],
)
def test_what_uses_a_refused_resource_stays(value: Tree, deployed: Tree) -> None:
    """It only loses the reference, and does not wait for the resource."""
    user = {"Type": "AWS::SNS::Topic", "DependsOn": ["Composite", "Alarm"]}
    template = {
        "Resources": {
            "Alarm": ALARM,
            "Composite": COMPOSITE,
            "User": {**user, "Properties": {"DisplayName": value}},
        },
        "Outputs": {},
    }
    assert without_refused(template)["Resources"]["User"] == {
        **user,
        "DependsOn": ["Alarm"],
        "Properties": {"DisplayName": deployed},
    }
