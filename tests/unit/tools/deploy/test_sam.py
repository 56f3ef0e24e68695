"""What sam is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.aws_answers import AwsAnswers
from tools.deploy.environment import SAMCONFIG, read_environment
from tools.deploy.errors import DeployError
from tools.deploy.sam import check_flags, deploy, sam_commands
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

PROFILE = '[prod.global.parameters]\nprofile = "other"'

type Targets = Callable[..., Target]


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A built template."""
    template = tmp_path / "template.yaml"
    template.touch()
    return template


def test_tables_are_protected_after_the_creation(target: Targets, built: Path) -> None:
    """A creation that fails could not delete protected tables."""
    first, second = sam_commands(target(), "sam", ["--debug"], built)
    assert first[:6] == ["sam", "deploy", "--config-env", "prod", "--region", "us-east-1"]
    assert 'DeletionProtection="false"' in first
    assert 'DeletionProtection="true"' in second
    assert first[-1:] == ["--debug"]
    assert second[-2:] == ["--debug", "--no-confirm-changeset"]


def test_every_parameter_is_named(target: Targets, built: Path) -> None:
    """sam would keep the deployed value of one that samconfig.toml has no longer."""
    for command in sam_commands(target(), "sam", [], built):
        named = {argument.partition("=")[0] for argument in command}
        assert target().template.values.keys() <= named
        # An empty value without quotes is refused by sam.
        assert 'AlarmTopicArn=""' in command
        assert 'LogLevel="INFO"' in command


def test_only_what_is_built_is_deployed(target: Targets, built: Path) -> None:
    """sam would look for samconfig.toml beside this template, and not find it."""
    (command, _) = sam_commands(target(), "sam", [], built)
    assert command[command.index("--template-file") + 1] == str(built)
    assert Path(command[command.index("--config-file") + 1]).name == "samconfig.toml"
    built.unlink()
    with pytest.raises(DeployError, match="make build"):
        list(sam_commands(target(), "sam", [], built))


@pytest.mark.parametrize("is_created", [True, False])
def test_the_second_deployment_needs_a_created_stack(
    aws: AwsAnswers, target: Targets, built: Path, *, is_created: bool
) -> None:
    """If the answer to sam's question is no, it ends well, and the second one would not ask."""
    runs: list[list[str]] = []

    def run(command: list[str]) -> int:
        runs.append(command)
        if is_created:
            aws.answer("cloudformation", "DescribeStacks", CREATED)
        return 0

    new = target()
    assert deploy(new, sam_commands(new, "sam", [], built), run) == 0
    assert len(runs) == 1 + is_created


def test_an_update_is_one_deployment(aws: AwsAnswers, target: Targets, built: Path) -> None:
    aws.answer("cloudformation", "DescribeStacks", CREATED)
    (command,) = sam_commands(target(), "sam", ["--no-confirm-changeset"], built)
    assert 'DeletionProtection="true"' in command


@pytest.mark.parametrize(
    ("flag", "advice"),
    [
        ("--stack-name=x", r"samconfig\.toml"),
        ("--profile", "export AWS_PROFILE"),
        ("-t", "make build"),
    ],
)
def test_flags_cannot_change_what_was_checked(flag: str, advice: str) -> None:
    with pytest.raises(DeployError, match=advice):
        check_flags(["--no-confirm-changeset", flag, "other"])


def test_samconfig_cannot_choose_a_profile(tmp_path: Path) -> None:
    """The checks would ask another account."""
    path = tmp_path / "samconfig.toml"
    path.write_text(SAMCONFIG.read_text("utf-8").replace("[prod.global.parameters]", PROFILE))
    with pytest.raises(DeployError, match="export AWS_PROFILE"):
        read_environment("prod", path)
