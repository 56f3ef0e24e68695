"""Gradual deployments: CodeDeploy moves callers to new versions, and back if an alarm is on."""

import json
import re
from typing import Any, Final

import pytest

from tests.deploy.stack import Stack, read_template, transformed_template
from tests.deploy.versions import PUBLISHED, versions

TYPES: Final = tuple(read_template()["Parameters"]["DeploymentType"]["AllowedValues"])
GRADUAL: Final = tuple(kind for kind in TYPES if kind != "AllAtOnce")
ALARMS: Final = ("ServerErrorsAlarm", "UnavailableStoreAlarm")


def references(tree: Any) -> set[str]:
    """Returns the logical ids of the resources to which a part of a resolved template refers."""
    return set(re.findall(r"\$\{(\w+)[.}]", json.dumps(tree)))


def dependencies(stack: Stack) -> dict[str, set[str]]:
    """Returns what each resource waits for, by their logical ids."""
    found = {name: references(resource) for name, resource in stack.resources.items()}
    for name, resource in stack.resources.items():
        named = resource.get("DependsOn") or []
        found[name] |= {named} if isinstance(named, str) else set(named)
        found[name] &= stack.resources.keys()
    return found


def test_by_default_there_is_nothing_of_codedeploy() -> None:
    """A small deployment has no more resources than it needs."""
    stack = Stack()
    assert "CodeDeploy" not in json.dumps(stack.resources)
    assert "codedeploy" not in json.dumps(stack.resources)
    assert "DeploymentRole" not in stack.resources


@pytest.mark.parametrize("kind", GRADUAL)
def test_each_function_behind_the_api_is_moved_in_the_chosen_way(kind: str) -> None:
    """Those with an alias. ``$LATEST`` of the others changes at once."""
    stack = Stack(DeploymentType=kind)
    groups = stack.of_type("AWS::CodeDeploy::DeploymentGroup")
    assert groups.keys() == {f"{function}DeploymentGroup" for function in PUBLISHED}
    for function in PUBLISHED:
        group = groups[f"{function}DeploymentGroup"]
        assert group["DeploymentConfigName"] == f"CodeDeployDefault.Lambda{kind}"
        assert group["ServiceRoleArn"] == "${DeploymentRole.Arn}"
        assert stack.resources[f"{function}Aliaslive"]["UpdatePolicy"] == {
            "CodeDeployLambdaAliasUpdate": {
                "ApplicationName": "${ServerlessDeploymentApplication}",
                "DeploymentGroupName": f"${{{function}DeploymentGroup}}",
            }
        }
    assert "CodeDeployServiceRole" not in stack.resources


def test_a_deployment_goes_back_on_what_callers_notice() -> None:
    """The API's 5XX and an unavailable store. Lambda's errors include each 401."""
    stack = Stack(DeploymentType="Canary10Percent10Minutes")
    for group in stack.of_type("AWS::CodeDeploy::DeploymentGroup").values():
        assert group["AutoRollbackConfiguration"]["Enabled"] is True
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        assert group["AlarmConfiguration"] == {
            "Enabled": True,
            "Alarms": [{"Name": f"${{{alarm}}}"} for alarm in ALARMS],
        }
    for alarm in ALARMS:
        assert "AWS/Lambda" not in json.dumps(stack.properties(alarm))


def test_without_alarms_a_deployment_is_gradual_and_goes_back_on_request_only() -> None:
    """There is no reference to an alarm that does not exist."""
    stack = Stack(DeploymentType="Linear10PercentEvery1Minute", AlarmsEnabled="false")
    for group in stack.of_type("AWS::CodeDeploy::DeploymentGroup").values():
        assert group["AlarmConfiguration"] == {}


@pytest.mark.parametrize("kind", GRADUAL)
def test_a_deployment_takes_longer_than_the_alarms_need(kind: str) -> None:
    """They look at five minutes, and a tenth of the requests has to be enough to see it."""
    match = re.fullmatch(r"(Canary|Linear)10Percent(?:Every)?(\d+)Minutes?", kind)
    assert match is not None
    minutes = int(match[2]) * (1 if match[1] == "Canary" else 10)
    assert minutes >= 10


@pytest.mark.parametrize("kind", TYPES)
def test_no_resource_waits_for_itself(kind: str) -> None:
    """The API waits for the authorizer's alias, which waits for CodeDeploy's group and its alarms.

    CloudFormation refuses a circle.
    """
    waits = dependencies(Stack(DeploymentType=kind, WebAclEnabled="true"))
    while done := {name for name, needed in waits.items() if not needed}:
        waits = {name: needed - done for name, needed in waits.items() if name not in done}
    assert not waits


def test_the_way_of_a_deployment_publishes_nothing() -> None:
    """No version is new because of it."""
    gradual = transformed_template("Canary10Percent10Minutes")
    assert versions(gradual) == versions(transformed_template())


def test_every_choice_is_in_the_mapping_that_sam_reads() -> None:
    mapping = read_template()["Mappings"]["DeploymentTypes"]
    assert tuple(mapping) == TYPES
    for kind, found in mapping.items():
        assert found == {"IsGradual": "true" if kind in GRADUAL else "false"}


def test_codedeploy_may_move_these_aliases_and_read_alarms() -> None:
    """SAM's own role could move every alias, publish to every topic and invoke functions.

    The trust has no condition, since it isn't documented what CodeDeploy sends.
    """
    role = Stack(DeploymentType="Canary10Percent10Minutes").properties("DeploymentRole")
    assert "ManagedPolicyArns" not in role
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust == {
        "Effect": "Allow",
        "Principal": {"Service": "codedeploy.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    (policy,) = role["Policies"]
    move, read = policy["PolicyDocument"]["Statement"]
    assert set(move["Resource"]) == {
        arn
        for function in PUBLISHED
        for arn in (f"${{{function}.Arn}}", f"${{{function}.Arn}}:live")
    }
    assert set(move["Action"]) == {
        "lambda:GetAlias",
        "lambda:UpdateAlias",
        "lambda:GetProvisionedConcurrencyConfig",
    }
    assert (read["Action"], read["Resource"]) == ("cloudwatch:DescribeAlarms", "*")
