"""The real template's checks on a schedule: only if they are switched on, and never unnoticed."""

from typing import Any, Final

from tests.deploy.stack import Stack
from usagectl.deployment import CONFIG

CHECKS: Final = {
    "DoctorFunction",
    "DoctorRole",
    "DoctorLogGroup",
    "DoctorFunctionCheck",
    "DoctorFunctionCheckPermission",
    "FailedApiChecksAlarm",
    "FailedChecksAlarm",
}
"""The resources of the checks."""


def test_the_parameter_makes_all_of_the_checks_or_none() -> None:
    """By default there are none. Nothing that is left refers to a resource of theirs."""
    without, with_checks = Stack(), Stack(ChecksEnabled="true")
    assert with_checks.resources.keys() - without.resources.keys() == CHECKS
    assert not [name for name in CHECKS if name in str(without.resources)]


def test_each_period_of_the_alarms_has_a_run() -> None:
    """A run emits the metrics once, so a period without a value is one without a run."""
    stack = Stack(ChecksEnabled="true")
    schedule = stack.properties("DoctorFunctionCheck")["ScheduleExpression"]
    for alarm in ("FailedChecksAlarm", "FailedApiChecksAlarm"):
        assert schedule == f"rate({stack.properties(alarm)['Period'] // 60} minutes)"


def test_a_run_ends_before_the_next_one_begins() -> None:
    """And it has time for a call that takes long."""
    stack = Stack(ChecksEnabled="true")
    timeout = stack.properties("DoctorFunction")["Timeout"]
    config: Any = CONFIG
    assert config.read_timeout < timeout < stack.properties("FailedChecksAlarm")["Period"]


def test_the_checks_look_at_both_rules_of_the_bus() -> None:
    """By their names; ``Ref`` would put the name of the bus before them."""
    stack = Stack(ChecksEnabled="true")
    variables = stack.environment("DoctorFunction")
    for rule, variable in (("EventRule", "EVENT_RULE"), ("AccessEventRule", "ACCESS_EVENT_RULE")):
        assert stack.outputs[f"{rule}Name"]["Value"] == variables[variable]
        assert stack.properties(rule)["Name"] == variables[variable]
        assert stack.properties(rule)["EventPattern"]["source"] == [variables["EVENT_SOURCE"]]


def test_the_caller_is_in_no_environment_variable() -> None:
    """The function's configuration can be read by more people than the SecureString."""
    variables = Stack(ChecksEnabled="true").environment("DoctorFunction")
    assert variables["CHECK_CALLER_PARAMETER"] == "/stack/check-caller"
    assert not [name for name in variables if "TOKEN" in name and not name.endswith("_TABLE")]
