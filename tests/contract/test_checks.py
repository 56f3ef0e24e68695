"""The checks on a schedule, on a running stack: one run of the doctor's function."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.service import Service
from workspace_usage.messages import translate

pytestmark = pytest.mark.xdist_group("restricted")

WRITER = "DoctorFunction  "
SECRET = "a-secret-of-forty-characters-0123456789ab"


@pytest.fixture
def service(restricted: Service) -> Service:
    """A service with the checks; nothing runs on a schedule here."""
    return restricted


@pytest.fixture
def lines(restricted_log: list[str]) -> list[str]:
    """What the stack writes from now on."""
    restricted_log.clear()
    return restricted_log


def taken(lines: list[str]) -> list[Mapping[str, Any]]:
    """Removes the lines of the doctor's function, and returns them. None of them has a token."""
    texts = [line.removeprefix(WRITER) for line in lines if line.startswith(WRITER)]
    lines.clear()
    assert not [text for text in texts if SECRET in text]
    return [json.loads(text) for text in texts]


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


def run(service: Service, lines: list[str]) -> Run:
    """Runs the function, as the schedule does."""
    path = "/2015-03-31/functions/DoctorFunction/invocations"
    response = httpx.post(f"{service.stack.url}{path}", content="{}", timeout=300)
    assert (response.status_code, response.text) == (200, "null")
    written = taken(lines)
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


@pytest.fixture(autouse=True)
def no_caller(service: Service) -> Iterator[None]:
    """After a test, no caller is stored, and nothing is in the dead-letter queue."""
    yield
    name = service.stack.template.outputs["CheckCallerParameterName"]
    service.stack.clients.ssm.delete_parameters(Names=[name])
    service.remove_dead_letters()


def store_caller(service: Service, number: int) -> str:
    """Lets usagectl store a caller with a new token, which has this number; returns its output."""
    member = service.members[0]
    token = service.put_token(number, SECRET, member.user_id)
    options = ("--token", token, "-w", str(member.workspace_id))
    return service.said("setting", "check-caller", *options)


def test_without_a_caller_a_run_fails_and_says_what_to_do(
    service: Service, lines: list[str]
) -> None:
    """An operator who forgets the token gets the alarm."""
    found = run(service, lines)
    assert (found.passed, found.failed) == (0, 1)
    (reason,) = found.reasons.values()
    assert reason.endswith("is missing; usagectl setting check-caller stores it")


def test_a_caller_that_the_api_refuses_is_not_stored(service: Service, lines: list[str]) -> None:
    """Neither a wrong token, nor a token that is not a member of the workspace."""
    member = service.members[0]
    for token, workspace_id in ((f"9|{SECRET}", member.workspace_id), (member.token, 4_711)):
        options = ("--token", token, "-w", str(workspace_id))
        said = service.command("setting", "check-caller", *options).sentence
        assert said.startswith("The API does not accept this caller: answers 40")
        assert token not in said
    (reason,) = run(service, lines).reasons.values()
    assert reason.endswith("is missing; usagectl setting check-caller stores it")


def test_a_run_asks_the_api_as_the_stored_caller_and_finds_all_well(
    service: Service, lines: list[str]
) -> None:
    """All of doctor's checks but those of tables are made. The caller is stored encrypted."""
    assert SECRET not in store_caller(service, 77)
    name = service.stack.template.outputs["CheckCallerParameterName"]
    parameter = service.stack.clients.ssm.get_parameter(Name=name)["Parameter"]
    assert parameter["Type"] == "SecureString"
    found = run(service, lines)
    assert (found.failed, found.reasons) == (0, {})
    assert found.passed == 14


def test_a_run_finds_what_is_wrong(service: Service, lines: list[str]) -> None:
    """A revoked token, and a message in the dead-letter queue."""
    store_caller(service, 78)
    service.put("AccessTokensTable", {"token_id": {"N": "78"}, "removed": {"BOOL": True}})
    queue = service.stack.template.resources["DeadLetterQueue"].ref
    service.stack.clients.sqs.send_message(QueueUrl=queue, MessageBody="rejected")
    found = run(service, lines)
    assert found.failed == 2
    refused = f"answers 401: {translate('es', 'unauthorized')}"
    assert found.reasons["API, with a token"] == refused
    assert "docs/operations.md" in found.reasons["dead-letter queue"]


def test_a_run_finds_rules_that_drop_events(service: Service, lines: list[str]) -> None:
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


def test_a_parameter_without_a_usable_caller_fails_and_is_not_quoted(
    service: Service, lines: list[str]
) -> None:
    """A line break in a token would make Python's HTTP client quote the header."""
    name = service.stack.template.outputs["CheckCallerParameterName"]
    text = json.dumps({"token": f"77|{SECRET}\n", "workspace_id": 11})
    service.stack.clients.ssm.put_parameter(
        Name=name, Value=text, Type="SecureString", Overwrite=True
    )
    found = run(service, lines)
    assert (found.passed, found.failed) == (0, 1)
    assert "has no token and workspace" in found.reasons["caller of the checks"]


def test_make_run_takes_the_parameter_and_ignores_the_schedule(service: Service) -> None:
    """The rule for the schedule is not made, since nothing here would invoke the function."""
    rules = service.stack.template.of_type("AWS::Events::Rule")
    assert any("ScheduleExpression" in rule.properties for rule in rules)
    assert service.stack.clients.events.list_rules(EventBusName="default")["Rules"] == []


def test_the_package_s_folder_links_to_the_tool() -> None:
    """sam build copies the tool's modules from there."""
    root = Path(__file__).parents[2]
    assert (root / "functions" / "doctor" / "usagectl").resolve() == root / "usagectl"
