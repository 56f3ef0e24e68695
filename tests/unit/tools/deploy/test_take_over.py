"""What a deleted stack has left can be taken over into a new one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.aws_answers import AwsAnswers
from tools.deploy.errors import DeployError
from tools.deploy.take_over import prepare_import
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
    """The command doesn't guess which one has the data."""
    leftovers.answer(
        "dynamodb", "ListTables", {"TableNames": [TABLE, f"{STACK}-ExecutionsTable-2"]}
    )
    with pytest.raises(DeployError, match='TAKE="ExecutionsTable='):
        prepare_import(target(), {})
    chosen = prepare_import(target(), {"ExecutionsTable": f"{STACK}-ExecutionsTable-2"})
    assert chosen.resources[0].name == f"{STACK}-ExecutionsTable-2"


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
