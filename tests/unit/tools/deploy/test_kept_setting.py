"""``usage_history_min_date`` survives a deployment that resets it."""

from collections.abc import Callable

import pytest

from tests.support.aws_answers import AwsAnswers
from tools.deploy.sam import deploy
from tools.deploy.target import Target

SETTING = "/workspace-usage-prod/usage-history-min-date"
INITIAL = '{"enabled":false,"date":null}'
CHANGED = '{"enabled": true, "date": "2026-01-01"}'

type Targets = Callable[..., Target]


class Deployment:
    """A deployment that leaves a value in the parameter.

    Args:
        aws: the account.
        before: the value before the deployment, or None if there is no parameter.
        after: the value after it.
        exit_code: sam's exit code.
    """

    def __init__(self, aws: AwsAnswers, before: str | None, after: str, exit_code: int = 0) -> None:
        self._aws = aws
        self._after = after
        self._exit_code = exit_code
        self._answer(before)
        aws.answer("ssm", "PutParameter", {})

    def run(self, _: list[str]) -> int:
        """Stands for sam."""
        self._answer(self._after)
        return self._exit_code

    def _answer(self, value: str | None) -> None:
        found = [] if value is None else [{"Name": SETTING, "Value": value}]
        self._aws.answer("ssm", "GetParameters", {"Parameters": found})


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_setting_that_was_reset_is_restored(
    aws: AwsAnswers, target: Targets, capsys: pytest.CaptureFixture[str], exit_code: int
) -> None:
    """A deployment that fails resets it, too, and goes back to the template's value."""
    deployment = Deployment(aws, before=CHANGED, after=INITIAL, exit_code=exit_code)
    assert deploy(target(), [["sam"]], deployment.run) == exit_code
    assert aws.requests["ssm", "PutParameter"] == {
        "Name": SETTING,
        "Value": CHANGED,
        "Overwrite": True,
    }
    assert f"It is restored: {CHANGED}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("before", "after"),
    [(None, INITIAL), (INITIAL, INITIAL), (CHANGED, CHANGED), (CHANGED, CHANGED.title())],
)
def test_any_other_value_stays(
    aws: AwsAnswers, target: Targets, before: str | None, after: str
) -> None:
    """An operator may have set it during the deployment."""
    assert deploy(target(), [["sam"]], Deployment(aws, before, after).run) == 0
    assert ("ssm", "PutParameter") not in aws.requests


def test_the_command_is_printed_if_the_setting_cannot_be_restored(
    aws: AwsAnswers, target: Targets, capsys: pytest.CaptureFixture[str]
) -> None:
    """And the deployment counts as failed."""
    deployment = Deployment(aws, before=CHANGED, after=INITIAL)
    aws.refuse("ssm", "PutParameter", "AccessDeniedException")
    assert deploy(target(), [["sam"]], deployment.run) == 1
    assert f"--name {SETTING} --value '{CHANGED}'" in capsys.readouterr().err
