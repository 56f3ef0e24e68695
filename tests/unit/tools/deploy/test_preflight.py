"""Each trap of a deployment is found before it, and its finding says what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.deploy.stack import read_template
from tests.support.aws_answers import AwsAnswers
from tools.deploy.findings import Finding, Severity
from tools.deploy.fixed_names import NAMED_TYPES
from tools.deploy.preflight import check_all
from tools.deploy.target import Target

type Targets = Callable[..., Target]

STACK = "workspace-usage-prod"
SETTING = f"/{STACK}/usage-history-min-date"

NEVER_TAKEN = {"AWS::Serverless::Api", "AWS::Events::Rule", "AWS::Serverless::LayerVersion"}
"""Types whose names can't be taken.

Any number of APIs may have one, the bus is the stack's, and a layer gets one more version.
"""


def stack(name: str, status: str, **more: Any) -> dict[str, Any]:
    """Returns a response of DescribeStacks."""
    described = {"StackName": name, "CreationTime": "2026-11-26T00:00:00Z", "StackStatus": status}
    return {"Stacks": [{**described, **more}]}


def summaries(kind: str | None = None) -> dict[str, Any]:
    """Returns a response of ListStackResources: all resources of the template, or of a type."""
    return {
        "StackResourceSummaries": [
            {
                "LogicalResourceId": logical_id,
                "ResourceType": resource["Type"],
                "ResourceStatus": "CREATE_COMPLETE",
                "LastUpdatedTimestamp": "2026-11-26T00:00:00Z",
            }
            for logical_id, resource in read_template()["Resources"].items()
            if kind in {None, resource["Type"]}
        ]
    }


def findings(target: Target) -> list[Finding]:
    """Returns what matters of the checks' findings."""
    return [found for found in check_all(target) if found.severity is not Severity.FINE]


def only_failure(target: Target) -> str:
    """Returns the text of the only finding that matters, which is a failure."""
    (found,) = findings(target)
    assert found.severity is Severity.FAILURE
    return found.text


def only_warning(target: Target) -> str:
    """Returns the text of the only finding that matters, which is a warning."""
    (found,) = findings(target)
    assert found.severity is Severity.WARNING
    return found.text


def test_nothing_is_found_if_all_is_well(target: Targets) -> None:
    """The account and the region are named, since they may be the wrong ones."""
    found = list(check_all(target()))
    assert {finding.severity for finding in found} == {Severity.FINE}
    assert "123456789012, us-east-1" in found[0].text


def test_without_credentials_nothing_else_is_checked(aws: AwsAnswers, target: Targets) -> None:
    aws.refuse("sts", "GetCallerIdentity", "ExpiredToken", "The security token is expired")
    assert "aws sso login" in only_failure(target())
    assert len(list(check_all(target()))) == 1


def test_a_missing_permission_is_a_warning(aws: AwsAnswers, target: Targets) -> None:
    """A deploy role may be able to deploy without it."""
    aws.refuse("lambda", "GetAccountSettings", "AccessDeniedException", "not authorized")
    assert "could not be checked" in only_warning(target())


def test_the_logging_role_is_missing(aws: AwsAnswers, target: Targets) -> None:
    """Without an access log it isn't needed."""
    aws.answer("apigateway", "GetAccount", {})
    text = only_failure(target())
    assert "--template-file deploy/api-gateway-logging.yaml" in text
    assert findings(target(AccessLog="false")) == []


@pytest.mark.parametrize(
    ("region", "severity"),
    [
        ("ap-east-2", Severity.FAILURE),
        ("us-gov-west-1", Severity.WARNING),
        ("sa-east-1", Severity.FINE),
    ],
)
def test_a_region_without_snapstart(target: Targets, region: str, severity: Severity) -> None:
    """Functions without snapshots can be deployed there."""
    (found,) = [found for found in check_all(target(region)) if found.subject == "SnapStart"]
    assert found.severity is severity
    assert ("SnapStart=None" in found.text) is (severity is not Severity.FINE)
    assert findings(target(region, SnapStart="None")) == []


def test_a_new_account_runs_few_functions_at_once(aws: AwsAnswers, target: Targets) -> None:
    """The template's reservations fail then; without any, callers get 503."""
    limits = {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
    aws.answer("lambda", "GetAccountSettings", {"AccountLimit": limits})
    cautious = target()
    functions = cautious.template.document["Resources"]
    for function in functions.values():
        function.get("Properties", {}).pop("ReservedConcurrentExecutions", None)
    assert "--quota-code L-B99A9384" in only_warning(cautious)
    functions["RecorderFunction"]["Properties"]["ReservedConcurrentExecutions"] = 5
    text = only_failure(cautious)
    assert "reserves 5" in text
    assert "ReservedConcurrency=false" in text


@pytest.mark.parametrize("reserves", ["true", "false"])
def test_functions_that_are_deployed_may_reserve_for_the_first_time(
    aws: AwsAnswers, target: Targets, reserves: str
) -> None:
    """What they have reserved already is not asked for again."""
    limits = {"ConcurrentExecutions": 120, "UnreservedConcurrentExecutions": 100}
    aws.answer("lambda", "GetAccountSettings", {"AccountLimit": limits})
    parameters = [{"ParameterKey": "ReservedConcurrency", "ParameterValue": reserves}]
    aws.answer(
        "cloudformation", "DescribeStacks", stack(STACK, "UPDATE_COMPLETE", Parameters=parameters)
    )
    aws.answer("cloudformation", "ListStackResources", summaries("AWS::Serverless::Function"))
    (found,) = [found for found in check_all(target()) if found.subject == "Lambda's concurrency"]
    assert found.severity is (Severity.FINE if reserves == "true" else Severity.FAILURE)


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("ROLLBACK_COMPLETE", "aws cloudformation delete-stack"),
        ("UPDATE_ROLLBACK_FAILED", "aws cloudformation continue-update-rollback"),
        ("UPDATE_IN_PROGRESS", "wait"),
    ],
)
def test_a_stack_that_cannot_be_deployed(
    aws: AwsAnswers, target: Targets, status: str, advice: str
) -> None:
    aws.answer("cloudformation", "DescribeStacks", stack(STACK, status))
    aws.answer("cloudformation", "ListStackResources", {"StackResourceSummaries": []})
    (found,) = [found for found in findings(target()) if found.subject == "stack"]
    assert found.severity is Severity.FAILURE
    assert advice in found.text


def test_a_change_set_waits(aws: AwsAnswers, target: Targets) -> None:
    """It may be an import. Otherwise it does no harm: sam makes another one."""
    aws.answer("cloudformation", "DescribeStacks", stack(STACK, "REVIEW_IN_PROGRESS"))
    texts = [found.text for found in findings(target()) if found.severity is Severity.WARNING]
    assert "change set that was not executed" in texts[0]


@pytest.mark.parametrize("is_deleted", [True, False])
def test_sam_s_bucket_was_deleted(aws: AwsAnswers, target: Targets, *, is_deleted: bool) -> None:
    """Its stack remembers it, so that sam uploads into nothing."""
    outputs = [{"OutputKey": "SourceBucket", "OutputValue": "sams-bucket"}]
    aws.answer(
        "cloudformation",
        "DescribeStacks",
        stack("aws-sam-cli-managed-default", "CREATE_COMPLETE", Outputs=outputs),
    )
    aws.answer("cloudformation", "ListStackResources", {"StackResourceSummaries": []})
    aws.answer("s3", "HeadBucket", {})
    if is_deleted:
        aws.refuse("s3", "HeadBucket", "404", "Not Found")
    found = [found for found in findings(target()) if found.subject == "sam's bucket"]
    assert [finding.severity for finding in found] == [Severity.FAILURE] * is_deleted
    assert all("--stack-name aws-sam-cli-managed-default" in finding.text for finding in found)


def test_a_name_is_taken(aws: AwsAnswers, target: Targets) -> None:
    """What a deployment would keep can be taken over; everything else has to be deleted."""
    group = f"/aws/lambda/{STACK}/usage"
    aws.answer(
        "logs", "DescribeLogGroups", {"logGroups": [{"logGroupName": group}, {"logGroupName": "x"}]}
    )
    aws.answer("events", "ListEventBuses", {"EventBuses": [{"Name": STACK}]})
    aws.answer("ssm", "GetParameters", {"Parameters": [{"Name": SETTING, "Value": "{}"}]})
    aws.answer("wafv2", "ListWebACLs", {"WebACLs": [{"Name": STACK}, {"Name": "x"}]})
    texts = {found.text.split(" exists")[0]: found.text for found in findings(target())}
    assert texts.keys() == {
        f"the log group {group}",
        f"the event bus {STACK}",
        f"the parameter {SETTING}",
        f"the web ACL {STACK}",
    }
    assert [text for text in texts.values() if "take-over" in text] == [
        texts[f"the parameter {SETTING}"]
    ]


def test_the_stack_s_own_names_are_not_taken(aws: AwsAnswers, target: Targets) -> None:
    """Neither are its tables left from another stack."""
    tags = [{"Key": key, "Value": value} for key, value in target().environment.tags.items()]
    aws.answer("cloudformation", "DescribeStacks", stack(STACK, "UPDATE_COMPLETE", Tags=tags))
    aws.answer("cloudformation", "ListStackResources", summaries())
    aws.answer("events", "ListEventBuses", {"EventBuses": [{"Name": STACK}]})
    aws.answer("dynamodb", "ListTables", {"TableNames": [f"{STACK}-ExecutionsTable-1"]})
    checked = [found for found in findings(target()) if found.subject != "sam's bucket"]
    assert checked == []


def test_each_resource_with_a_fixed_name_is_checked() -> None:
    """A resource has one in ``Name``, or in a property such as ``LogGroupName``."""
    named = set()
    for resource in read_template()["Resources"].values():
        kind = resource["Type"]
        properties = resource.get("Properties", {})
        if {"Name", f"{kind.rpartition('::')[2]}Name"} & properties.keys():
            named.add(kind)
    assert named - NEVER_TAKEN <= NAMED_TYPES.keys()


def test_data_of_a_deleted_stack_are_named(aws: AwsAnswers, target: Targets) -> None:
    """A stack whose name begins in the same way is another stack."""
    table = f"{STACK}-EditedChatsTable-ABC"
    tables = [table, f"{STACK}-two-EditedChatsTable-ABC", "EditedChatsTable"]
    aws.answer("dynamodb", "ListTables", {"TableNames": tables})
    text = only_warning(target("eu-west-1"))
    assert text.startswith(f"{table}: ")
    assert "make take-over ENV=prod" in text
    # S3 lists the buckets of all regions unless told.
    assert aws.requests["s3", "ListBuckets"] == {
        "BucketRegion": "eu-west-1",
        "Prefix": f"{STACK}-",
    }


def test_new_tags_would_reset_the_setting(aws: AwsAnswers, target: Targets) -> None:
    """CloudFormation writes a parameter again, with the template's value, if its tags change."""
    value = '{"enabled": true, "date": "2026-01-01"}'
    aws.answer("cloudformation", "DescribeStacks", stack(STACK, "UPDATE_COMPLETE"))
    aws.answer("cloudformation", "ListStackResources", summaries("AWS::SSM::Parameter"))
    aws.answer("ssm", "GetParameters", {"Parameters": [{"Name": SETTING, "Value": value}]})
    texts = [found.text for found in findings(target()) if found.severity is Severity.WARNING]
    assert len(texts) == 1
    assert "restores it at its end" in texts[0]
