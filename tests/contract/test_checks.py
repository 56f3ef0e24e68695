"""The checks on a schedule, on a running stack: one run of the doctor's function."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.log import NoLog
from tests.contract.service import Service, deployed
from usagectl.__main__ import main
from workspace_usage.messages import translate

SECRET = "a-secret-of-forty-characters-0123456789ab"


@dataclass
class Lines(NoLog):
    """Keeps what the doctor's function writes."""

    written: list[str] = field(default_factory=list)

    def function(self, name: str, line: str) -> None:
        """Keeps a line."""
        if name == "DoctorFunction":
            self.written.append(line)

    def take(self) -> list[Mapping[str, Any]]:
        """Returns the lines since the last time. None of them has a token."""
        text, self.written = self.written, []
        assert not [line for line in text if SECRET in line]
        return [json.loads(line) for line in text]


@pytest.fixture(scope="module")
def lines() -> Lines:
    """What the function has written."""
    return Lines()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, lines: Lines) -> Iterator[Service]:
    """A stack with the checks; nothing runs on a schedule here."""
    folder = tmp_path_factory.mktemp("checks")
    with deployed(folder, log=lines, ChecksEnabled="true") as running:
        yield running


@dataclass(frozen=True)
class Run:
    """What a run has said.

    Attributes:
        passed, failed: its metrics.
        reasons: why checks have failed, by their names.
    """

    passed: int
    failed: int
    reasons: Mapping[str, str]


def run(service: Service, lines: Lines) -> Run:
    """Runs the function, as the schedule does."""
    path = "/2015-03-31/functions/DoctorFunction/invocations"
    response = httpx.post(f"{service.stack.url}{path}", content="{}", timeout=300)
    assert (response.status_code, response.text) == (200, "null")
    written = lines.take()
    (emitted,) = [line for line in written if "_aws" in line]
    [metrics] = emitted["_aws"]["CloudWatchMetrics"]
    assert (metrics["Namespace"], metrics["Dimensions"]) == (
        "WorkspaceUsage/workspace-usage",
        [["service"]],
    )
    assert emitted["service"] == "doctor"
    (passed,), (failed,) = emitted["ChecksPassed"], emitted["ChecksFailed"]
    found = {line["check"]: line["reason"] for line in written if line.get("level") == "ERROR"}
    return Run(passed=int(passed), failed=int(failed), reasons=found)


def usagectl(service: Service, *arguments: str) -> int:
    """Runs a command of usagectl on the stack, and returns its exit code."""
    return main(["--endpoint", service.stack.url, *arguments])


@pytest.fixture(autouse=True)
def no_caller(service: Service) -> Iterator[None]:
    """After a test, no caller is stored, and nothing is in the dead-letter queue."""
    yield
    clients, template = service.stack.clients, service.stack.template
    clients.ssm.delete_parameters(Names=[template.outputs["CheckCallerParameterName"]])
    queue = template.resources["DeadLetterQueue"].ref
    for message in clients.sqs.receive_message(QueueUrl=queue).get("Messages", ()):
        clients.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


def store_caller(service: Service, number: int) -> None:
    """Has usagectl store a caller with a new token, which has this number."""
    member = service.members[0]
    token = service.put_token(number, SECRET, member.user_id)
    options = ("--token", token, "-w", str(member.workspace_id))
    assert usagectl(service, "setting", "check-caller", *options) == 0


def test_without_a_caller_a_run_fails_and_says_what_to_do(service: Service, lines: Lines) -> None:
    """An operator who forgets the token gets the alarm."""
    found = run(service, lines)
    assert (found.passed, found.failed) == (0, 1)
    (reason,) = found.reasons.values()
    assert reason.endswith("is missing; usagectl setting check-caller stores it")


def test_a_caller_that_the_api_refuses_is_not_stored(
    service: Service, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a wrong token, nor a token that is not a member of the workspace."""
    member = service.members[0]
    for token, workspace_id in ((f"9|{SECRET}", member.workspace_id), (member.token, 4_711)):
        options = ("--token", token, "-w", str(workspace_id))
        assert usagectl(service, "setting", "check-caller", *options) == 1
        said = capsys.readouterr().err
        assert said.startswith("The API does not accept this caller: answers 40")
        assert token not in said
    assert run(service, lines).failed == 1


def test_a_run_asks_the_api_as_the_stored_caller_and_finds_all_well(
    service: Service, lines: Lines, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of doctor's checks but those of tables are made."""
    store_caller(service, 77)
    assert SECRET not in capsys.readouterr().out
    found = run(service, lines)
    assert (found.failed, found.reasons) == (0, {})
    assert found.passed == 14


def test_a_run_finds_what_is_wrong(service: Service, lines: Lines) -> None:
    """A revoked token, and a message in the dead-letter queue."""
    store_caller(service, 78)
    service.put("AccessTokensTable", {"token_id": {"N": "78"}, "removed": {"BOOL": True}})
    queue = service.stack.template.resources["DeadLetterQueue"].ref
    service.stack.clients.sqs.send_message(QueueUrl=queue, MessageBody="rejected")
    found = run(service, lines)
    assert found.failed == 2
    refused = f"answers 401: {translate('en', 'unauthorized')}"
    assert found.reasons["API, with a token"] == refused
    assert "docs/operations.md" in found.reasons["dead-letter queue"]


def test_a_run_finds_rules_that_drop_events(service: Service, lines: Lines) -> None:
    """One is disabled, and the other one takes events of another source."""
    store_caller(service, 80)
    events, outputs = service.stack.clients.events, service.stack.template.outputs
    bus, rule, access_rule = (
        outputs[name] for name in ("EventBusName", "EventRuleName", "AccessEventRuleName")
    )
    pattern = events.describe_rule(Name=rule, EventBusName=bus)["EventPattern"]
    events.put_rule(Name=rule, EventBusName=bus, EventPattern='{"source":["other"]}')
    events.disable_rule(Name=access_rule, EventBusName=bus)
    reasons = run(service, lines).reasons
    events.put_rule(Name=rule, EventBusName=bus, EventPattern=pattern)
    events.enable_rule(Name=access_rule, EventBusName=bus)
    assert reasons["event rule"].startswith("does not take the events of tess (EventSource)")
    assert reasons["event rule, tokens and members"] == (
        "DISABLED: events are lost; aws events enable-rule"
        f" --event-bus-name {bus} --name {access_rule} starts it"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        f'"{SECRET}"',
        json.dumps({"token": f"77|{SECRET}\n", "workspace_id": 11}),
        json.dumps({"token": f"77|{SECRET}", "workspace_id": "11"}),
        json.dumps({"token": f"77|{SECRET}", "workspace_id": 0}),
        json.dumps({"token": [SECRET], "workspace_id": 11}),
    ],
)
def test_a_parameter_without_a_usable_caller_fails_and_is_not_quoted(
    service: Service, lines: Lines, text: str
) -> None:
    """A line break in a token would make Python's HTTP client quote the header."""
    name = service.stack.template.outputs["CheckCallerParameterName"]
    service.stack.clients.ssm.put_parameter(
        Name=name, Value=text or " ", Type="SecureString", Overwrite=True
    )
    found = run(service, lines)
    assert (found.passed, found.failed) == (0, 1)
    assert "has no token and workspace" in found.reasons["caller of the checks"]


def test_the_caller_is_stored_encrypted(service: Service) -> None:
    store_caller(service, 79)
    ssm = service.stack.clients.ssm
    name = service.stack.template.outputs["CheckCallerParameterName"]
    assert ssm.get_parameter(Name=name)["Parameter"]["Type"] == "SecureString"


def test_make_run_takes_the_parameter_and_ignores_the_schedule(service: Service) -> None:
    """The rule for the schedule is not made, since nothing here would invoke the function."""
    rules = service.stack.template.of_type("AWS::Events::Rule")
    assert any("ScheduleExpression" in rule.properties for rule in rules)
    assert service.stack.clients.events.list_rules(EventBusName="default")["Rules"] == []


def test_the_package_s_folder_links_to_the_tool() -> None:
    """sam build copies the tool's modules from there."""
    root = Path(__file__).parents[2]
    assert (root / "functions" / "doctor" / "usagectl").resolve() == root / "usagectl"
