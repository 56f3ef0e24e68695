"""What sam is told."""

from collections.abc import Callable

import pytest

from tests.support.aws_answers import AwsAnswers
from tools.deploy.errors import DeployError
from tools.deploy.sam import sam_commands
from tools.deploy.target import Target

type Targets = Callable[..., Target]


def test_tables_are_protected_after_the_creation(target: Targets) -> None:
    """A creation that fails could not delete protected tables."""
    first, second = sam_commands(target(), "sam", ["--debug"])
    assert first[:6] == ["sam", "deploy", "--config-env", "prod", "--region", "us-east-1"]
    assert "DeletionProtection=false" in first
    assert "DeletionProtection=true" not in first
    assert "LogLevel=INFO" in first
    assert second[6:] == ["--debug", "--no-confirm-changeset"]


def test_an_update_is_one_deployment(aws: AwsAnswers, target: Targets) -> None:
    stack = {"StackName": "s", "CreationTime": "2026-11-26T00:00:00Z"}
    described = {"Stacks": [{**stack, "StackStatus": "IMPORT_COMPLETE"}]}
    aws.answer("cloudformation", "DescribeStacks", described)
    (command,) = sam_commands(target(), "sam", ["--no-confirm-changeset"])
    assert command[6:] == ["--no-confirm-changeset"]


def test_flags_cannot_change_what_was_checked(target: Targets) -> None:
    with pytest.raises(DeployError, match=r"samconfig\.toml"):
        list(sam_commands(target(), "sam", ["--region=eu-west-1"]))
