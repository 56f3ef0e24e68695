"""What sam is told."""

from collections.abc import Callable

import pytest

from tests.support.aws_answers import AwsAnswers
from tools.deploy.errors import DeployError
from tools.deploy.sam import deploy, sam_commands
from tools.deploy.target import Target

CREATED = {
    "Stacks": [
        {
            "StackName": "workspace-usage-prod",
            "CreationTime": "2026-11-26T00:00:00Z",
            "StackStatus": "CREATE_COMPLETE",
        }
    ]
}

type Targets = Callable[..., Target]


def test_tables_are_protected_after_the_creation(target: Targets) -> None:
    """A creation that fails could not delete protected tables."""
    first, second = sam_commands(target(), "sam", ["--debug"])
    assert first[:6] == ["sam", "deploy", "--config-env", "prod", "--region", "us-east-1"]
    assert "DeletionProtection=false" in first
    assert "DeletionProtection=true" not in first
    assert "LogLevel=INFO" in first
    assert second[6:] == ["--debug", "--no-confirm-changeset"]


@pytest.mark.parametrize("is_created", [True, False])
def test_the_second_deployment_needs_a_created_stack(
    aws: AwsAnswers, target: Targets, *, is_created: bool
) -> None:
    """If the answer to sam's question is no, it ends well, and the second one would not ask."""
    runs: list[list[str]] = []

    def run(command: list[str]) -> int:
        runs.append(command)
        if is_created:
            aws.answer("cloudformation", "DescribeStacks", CREATED)
        return 0

    new = target()
    assert deploy(new, sam_commands(new, "sam", []), run) == 0
    assert len(runs) == 1 + is_created


def test_an_update_is_one_deployment(aws: AwsAnswers, target: Targets) -> None:
    aws.answer("cloudformation", "DescribeStacks", CREATED)
    (command,) = sam_commands(target(), "sam", ["--no-confirm-changeset"])
    assert command[6:] == ["--no-confirm-changeset"]


def test_flags_cannot_change_what_was_checked(target: Targets) -> None:
    with pytest.raises(DeployError, match=r"samconfig\.toml"):
        list(sam_commands(target(), "sam", ["--region=eu-west-1"]))
