"""What a deleted stack has left can be taken over into a new one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws_answers import AwsAnswers
from tools.deploy.errors import DeployError
from tools.deploy.take_over import import_command, prepare_import, read_choices
from tools.deploy.target import Target

STACK = "workspace-usage-prod"
SETTING = f"/{STACK}/usage-history-min-date"
TABLE = f"{STACK}-ExecutionsTable-1"
BUCKET = f"{STACK}-mediabucket-1"


@pytest.fixture
def leftovers(aws: AwsAnswers) -> AwsAnswers:
    """An account in which a deleted stack has left a table, a bucket and the setting."""
    aws.answer("dynamodb", "ListTables", {"TableNames": [TABLE]})
    aws.answer("s3", "ListBuckets", {"Buckets": [{"Name": BUCKET}]})
    aws.answer("s3", "GetBucketPolicy", {"Policy": "{}"})
    aws.answer("ssm", "GetParameters", {"Parameters": [{"Name": SETTING, "Value": "{}"}]})
    return aws


def maps_in(part: Any) -> set[str]:
    """Returns the names of the maps that a part of a template looks into."""
    if isinstance(part, dict):
        found = {part["Fn::FindInMap"][0]} if "Fn::FindInMap" in part else set()
        return found.union(*map(maps_in, part.values()))
    return set().union(*map(maps_in, part)) if isinstance(part, list) else set()


@pytest.mark.usefixtures("leftovers")
def test_the_files_name_what_is_left(target: Callable[..., Target], tmp_path: Path) -> None:
    """A bucket's policy is taken over with the bucket, since a new one could not be made."""
    prepare_import(target(), {}).write(tmp_path)
    resources = json.loads((tmp_path / "resources.json").read_text("utf-8"))
    assert {r["LogicalResourceId"]: r["ResourceIdentifier"] for r in resources} == {
        "ExecutionsTable": {"TableName": TABLE},
        "MediaBucket": {"BucketName": BUCKET},
        "MediaBucketPolicy": {"Bucket": BUCKET},
        "MinDateParameter": {"Name": SETTING},
    }
    template = json.loads((tmp_path / "template.json").read_text("utf-8"))
    assert template["Resources"].keys() == {r["LogicalResourceId"] for r in resources}
    assert template["Parameters"]["DeletionProtection"]["Default"] == "true"
    # The conditions look into maps, and CloudFormation refuses a template without them.
    assert maps_in(template) == {"DeploymentTypes"} == template["Mappings"].keys()
    # An import can't add outputs, and takes no transform.
    assert not {"Outputs", "Transform"} & template.keys()
    # The most that a request may have without an upload to S3.
    assert (tmp_path / "template.json").stat().st_size <= 51_200


def test_of_several_tables_one_must_be_chosen(
    leftovers: AwsAnswers, target: Callable[..., Target]
) -> None:
    """The command doesn't guess which one has the data, and asks for all choices at once."""
    second = [TABLE.replace("-1", "-2"), BUCKET.replace("-1", "-2")]
    leftovers.answer("dynamodb", "ListTables", {"TableNames": [TABLE, second[0]]})
    leftovers.answer("s3", "ListBuckets", {"Buckets": [{"Name": BUCKET}, {"Name": second[1]}]})
    with pytest.raises(DeployError, match=r'TAKE="ExecutionsTable=\.\.\. MediaBucket=\.\.\."'):
        prepare_import(target(), {})
    choices = {"ExecutionsTable": second[0], "MediaBucket": second[1]}
    with pytest.raises(DeployError, match=f"MediaBucket: {BUCKET}, {second[1]}"):
        prepare_import(target(), {**choices, "MediaBucket": "typo"})
    with pytest.raises(DeployError, match="TAKE names Executions,"):
        prepare_import(target(), {**choices, "Executions": TABLE})
    prepared = prepare_import(target(), read_choices(" ".join(map("=".join, choices.items()))))
    assert {found.logical_id: found.name for found in prepared.resources} == {
        **choices,
        "MediaBucketPolicy": second[1],
        "MinDateParameter": SETTING,
    }


@pytest.mark.parametrize("text", ["ExecutionsTable", "=name", "ExecutionsTable="])
def test_a_choice_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(DeployError, match="LogicalId=name"):
        read_choices(text)


def test_the_command_can_be_pasted_again(target: Callable[..., Target]) -> None:
    """CloudFormation refuses a change set with the name of one that was not executed."""
    first, create, *_ = import_command(target(), Path("folder")).split(" &&\n")
    assert first == "CHANGE_SET=take-over-$(date +%s)"
    assert '--change-set-name "$CHANGE_SET"' in create


def test_nothing_is_taken_over_into_a_stack_that_is_there(
    leftovers: AwsAnswers, target: Callable[..., Target]
) -> None:
    described = {"StackName": STACK, "CreationTime": "2026-11-26T00:00:00Z"}
    leftovers.answer(
        "cloudformation",
        "DescribeStacks",
        {"Stacks": [{**described, "StackStatus": "UPDATE_COMPLETE"}]},
    )
    with pytest.raises(DeployError, match="into a new stack only"):
        prepare_import(target(), {})
