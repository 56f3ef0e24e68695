"""The doctor's function, as Lambda loads it: what it imports, and what its alarm watches."""

import json
import subprocess
import sys
from types import ModuleType
from typing import Final

import pytest

from local.store.clients import Clients
from local.template.expand import expand
from local.template.template import Template
from tests.support.functions import ROOT, Context, environment_of, load_function

PRINT_MODULES: Final = """
import sys
sys.path[:0] = sys.argv[1:]
import app
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def template() -> Template:
    """The template with the checks on a schedule."""
    return expand(ROOT / "template.yaml", {"ChecksEnabled": "true"})


@pytest.fixture
def doctor(clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function."""
    assert clients.dynamodb.list_tables()["TableNames"]
    return load_function("doctor", environment_of(template, "DoctorFunction"), monkeypatch)


def test_it_imports_nothing_that_its_layers_do_not_have(
    doctor: ModuleType, template: Template
) -> None:
    """The layer has botocore, and neither boto3 nor what only commands need."""
    variables = environment_of(template, "DoctorFunction")
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
    assert doctor.settings.api_url.endswith("/workspaces/usage")


def test_its_alarm_fires_when_a_check_fails(
    doctor: ModuleType, template: Template, capsys: pytest.CaptureFixture[str]
) -> None:
    """Here no caller is stored. A run without failures emits the metric as well, with 0."""
    alarm = template.resources["FailedChecksAlarm"].properties
    assert doctor.lambda_handler({}, Context()) is None
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (emitted,) = [line for line in lines if "_aws" in line]
    [metrics] = emitted["_aws"]["CloudWatchMetrics"]
    assert metrics["Namespace"] == alarm["Namespace"]
    assert alarm["Dimensions"] == [{"Name": "service", "Value": emitted["service"]}]
    assert {metric["Name"] for metric in metrics["Metrics"]} == {"ChecksFailed", "ChecksPassed"}
    assert max(emitted[alarm["MetricName"]]) > alarm["Threshold"]
