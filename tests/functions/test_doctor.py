"""The doctor's function, as Lambda loads it: what it imports, and when its alarms fire."""

import json
import subprocess
import sys
from dataclasses import replace
from types import ModuleType
from typing import Final

import pytest

from local.store.clients import Clients
from local.template.expand import expand
from local.template.template import Template
from tests.support.alarms import Alarms
from tests.support.functions import ROOT, Context, environment_of, load_function, warm_function
from tests.support.metrics import Metrics
from usagectl.findings import Finding
from usagectl.service_check import Caller
from usagectl.stored_caller import store_caller

ALARMS: Final = ("FailedChecksAlarm", "FailedApiChecksAlarm")

PRINT_MODULES: Final = """
import sys
sys.path[:0] = sys.argv[1:]
import app
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def checked() -> Template:
    """The template with the checks on a schedule."""
    return expand(ROOT / "template.yaml", {"ChecksEnabled": "true"})


@pytest.fixture
def doctor(clients: Clients, checked: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function."""
    del clients  # They must be there: the function's environment leads to them.
    return warm_function("doctor", environment_of(checked, "DoctorFunction"), monkeypatch)


def test_it_imports_nothing_that_its_layers_do_not_have(checked: Template) -> None:
    """The layer has botocore, and neither boto3 nor what only commands need."""
    variables = environment_of(checked, "DoctorFunction")
    paths = (ROOT / "functions" / "doctor", ROOT / "layers" / "core")
    done = subprocess.run(
        [sys.executable, "-P", "-c", PRINT_MODULES, *map(str, paths)],
        env={**variables, "AWS_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"botocore", "usagectl"} <= set(done.stdout.split())
    assert {"boto3", "s3transfer", "samtranslator", "typer"}.isdisjoint(done.stdout.split())


def test_it_knows_what_the_stack_tells_it(doctor: ModuleType, checked: Template) -> None:
    """Each output under its name, as ``usagectl doctor`` finds it, and the listing's URL."""
    variables = environment_of(checked, "DoctorFunction")
    outputs = doctor.deployment().outputs
    assert outputs == {name: checked.outputs[name] for name in outputs}
    others = ("POWERTOOLS_", "AWS_", "API_URL", "CHECK_CALLER_PARAMETER")
    assert set(outputs.values()) == {
        value for name, value in variables.items() if not name.startswith(others)
    }
    assert doctor.deployment().url == variables["API_URL"]


def printed_by(
    doctor: ModuleType, capsys: pytest.CaptureFixture[str]
) -> tuple[str, dict[str, str]]:
    """Returns the metrics that a run prints, and the reasons of failed checks that it logs."""
    capsys.readouterr()
    assert doctor.lambda_handler({}, Context()) is None
    lines = [*map(json.loads, capsys.readouterr().out.splitlines())]
    [printed] = [json.dumps(line) for line in lines if "_aws" in line]
    failed = [line for line in lines if line.get("message") == "check failed"]
    return printed, {line["check"]: line["reason"] for line in failed}


def numbers_of(printed: str) -> dict[str, list[int]]:
    """Returns the values of printed metrics."""
    blob = json.loads(printed)
    [directive] = blob["_aws"]["CloudWatchMetrics"]
    return {metric["Name"]: blob[metric["Name"]] for metric in directive["Metrics"]}


def alarms_on(template: Template, metrics: Metrics) -> Alarms:
    """Returns the template's alarms."""
    alarms = template.of_type("AWS::CloudWatch::Alarm")
    return Alarms({alarm.logical_id: alarm.properties for alarm in alarms}, {}, metrics)


def minutes_in_alarm(alarms: Alarms, alarm: str, minutes: range) -> list[int]:
    """Returns the minutes in which an alarm is on."""
    return [minute for minute in minutes if alarms.state(alarm, minute) == "ALARM"]


WELL: Final = Finding("dead-letter queue", is_well=True, detail="empty")
API_IS_WELL: Final = Finding("API, with a token", is_well=True, detail="200, rows: 1")
NOT_EMPTY: Final = replace(WELL, is_well=False)
API_FAILS: Final = replace(API_IS_WELL, is_well=False)


@pytest.mark.parametrize(
    ("findings", "failed", "api_failed", "alarms_on_it"),
    [
        ([WELL, API_IS_WELL], 0, 0, set()),
        ([NOT_EMPTY, API_IS_WELL], 1, 0, {"FailedChecksAlarm"}),
        ([WELL, API_FAILS], 1, 1, {"FailedChecksAlarm", "FailedApiChecksAlarm"}),
    ],
)
def test_its_alarms_fire_when_checks_fail_twice(
    doctor: ModuleType,
    checked: Template,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    findings: list[Finding],
    failed: int,
    api_failed: int,
    alarms_on_it: set[str],
) -> None:
    """A run emits each metric, also if it is 0. One that fails is not enough."""
    monkeypatch.setattr(doctor, "_examine", lambda: iter([WELL, API_IS_WELL]))
    well, logged = printed_by(doctor, capsys)
    assert logged == {}
    monkeypatch.setattr(doctor, "_examine", lambda: iter(findings))
    result, logged = printed_by(doctor, capsys)
    assert logged == {found.check: found.detail for found in findings if not found.is_well}
    assert numbers_of(result) == {
        "ChecksPassed": [2 - failed],
        "ChecksFailed": [failed],
        "ApiChecksFailed": [api_failed],
    }
    metrics, hour = Metrics(), range(60, 120)
    metrics.put_printed(well, range(0, 60, 5))
    metrics.put_printed(result, [60, 65])
    metrics.put_printed(well, range(70, 120, 5))
    alarms = alarms_on(checked, metrics)
    for alarm in ALARMS:
        assert minutes_in_alarm(alarms, alarm, hour) == (
            [66, 67, 68, 69, 70] if alarm in alarms_on_it else []
        )


def test_what_can_not_be_checked_is_neither_well_nor_a_failure(
    doctor: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would otherwise be an alarm that nobody can end."""
    unknown = replace(API_IS_WELL, is_well=None)
    monkeypatch.setattr(doctor, "_examine", lambda: iter([WELL, unknown]))
    assert numbers_of(printed_by(doctor, capsys)[0]) == {
        "ChecksPassed": [1],
        "ChecksFailed": [0],
        "ApiChecksFailed": [0],
    }


def test_runs_that_are_missing_are_told_and_page_nobody(
    doctor: ModuleType,
    checked: Template,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """CloudWatch looks further back first. After switching on, there is an alarm until a run."""
    monkeypatch.setattr(doctor, "_examine", lambda: iter([WELL, API_IS_WELL]))
    metrics = Metrics()
    metrics.put_printed(printed_by(doctor, capsys)[0], range(3, 60, 5))
    alarms = alarms_on(checked, metrics)
    day = range(24 * 60)
    assert minutes_in_alarm(alarms, "FailedChecksAlarm", day) == [*day[:4], *day[79:]]
    assert minutes_in_alarm(alarms, "FailedApiChecksAlarm", day) == []


def test_the_checks_of_the_api_are_those_that_have_a_metric_of_their_own(
    clients: Clients,
    checked: Template,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Here nobody answers at the API's URL, and there is no service for most other checks."""
    variables = environment_of(checked, "DoctorFunction")
    doctor = load_function("doctor", {**variables, "API_URL": "http://127.0.0.1:1"}, monkeypatch)
    caller = Caller("1|token", 11)
    store_caller(clients.ssm, variables["CHECK_CALLER_PARAMETER"], caller)
    assert numbers_of(printed_by(doctor, capsys)[0])["ApiChecksFailed"] == [2]


def test_without_a_caller_nothing_is_said_of_the_api(
    doctor: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = numbers_of(printed_by(doctor, capsys)[0])
    assert (numbers["ChecksFailed"], numbers["ApiChecksFailed"]) == ([1], [0])
