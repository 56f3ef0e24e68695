"""A real deployment to ministack, an emulator of AWS: `sam deploy`, then what people do with it.

`make deploy-check` builds the stack and runs these tests. IAM's policies are enforced, requests go
over TLS, and commands and URLs are those that work in AWS.

What ministack ignores can't be shown here:

- the API's gateway responses (bodies and headers of 401, 403, 5XX), access log, cache, throttling
- reserved concurrency, gradual deployment, alarms that fire

``tests.deployed.package`` lists what it refuses. There are two more differences from AWS: when the
API's definition changes, there is a new API with another id; and functions also find the Python
packages of ministack itself, so only the tests in tests/package notice if a layer lacks a package.
"""

import json
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError, WaiterError

from tests.deployed.package import DOCTOR, REFUSED_ALARM, REFUSED_TYPES
from tests.deployed.stack import DeployedStack, DeploymentError
from tests.support.counting import count_batch
from tests.support.exports import finish_export, read_export, start_export
from tests.support.functions import ROOT
from tests.support.oracle import Caller, Oracle, assert_items, item, parse
from tests.support.payloads import EXECUTION
from workspace_usage.rollups.counter import MIN_ROWS

pytestmark = pytest.mark.deployed

type Headers = dict[str, str]

LISTING = "/workspaces/usage"
ANA = Caller(workspace_id=11, user_id=1, sees_everyone=True)
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
WINDOW = {"start_date": f"{YESTERDAY - timedelta(days=60)}", "end_date": f"{YESTERDAY}"}
"""Days of which the demo has more rows than a page."""


def ask(stack: DeployedStack, headers: Headers, path: str = LISTING, **query: str) -> Any:
    """Returns the body of a 200, with exact numbers."""
    with stack.http() as client:
        response = client.get(path, params=query, headers=headers)
    assert response.status_code == 200, response.text
    return parse(response.content)


def list_window(stack: DeployedStack, headers: Headers) -> list[dict[str, Any]]:
    """Returns the items of all pages of the window."""
    items: list[dict[str, Any]] = []
    while True:
        page = len(items) // 100 + 1
        body = ask(stack, headers, **WINDOW, per_page="100", page=str(page))
        items += body["items"]
        if not body["has_more"]:
            return items


def test_the_doctor_finds_nothing_wrong(stack: DeployedStack, token: str) -> None:
    """It requests the API at the URL in the stack's outputs, as an operator's does."""
    printed = stack.usagectl("doctor", "--token", token, "--workspace", "11", "--json")
    findings = {finding["check"]: finding["detail"] for finding in json.loads(printed)}
    assert findings["API, with a token"] == "200, rows: 1"


def test_the_listing_shows_what_was_imported(
    stack: DeployedStack, headers: Headers, demo: Path
) -> None:
    """All fields of all rows, in the contract's order, for a token that usagectl has issued."""
    repeated = stack.logs("usage").count("CallsRepeated")
    items = list_window(stack, headers)
    assert len(items) > 100
    # Each call to AWS succeeded at the first attempt, which is ours and not botocore's.
    assert stack.logs("usage").count("CallsRepeated") == repeated
    assert_items(items, [item(row) for row in Oracle(demo).whole(ANA, WINDOW, datetime.now(UTC))])


def test_a_link_leads_to_the_file(stack: DeployedStack, headers: Headers) -> None:
    """The listing's role may read the media, or else its presigned URLs would be refused."""
    items = ask(stack, headers, type="image", per_page="100")["items"]
    links = [item["link"] for item in items if "X-Amz-Signature" in (item["link"] or "")]
    with stack.http() as client:
        assert client.get(links[0]).content.startswith(b"\x89PNG")
        forged = links[0].replace("X-Amz-Expires=3600", "X-Amz-Expires=9999")
        assert client.get(forged).status_code == 403


def test_an_event_shows(stack: DeployedStack, headers: Headers) -> None:
    """From the bus through a rule, a queue and the recorder into the tables."""
    stack.usagectl("send", ROOT / "events" / "event-execution-recorded.json")
    day = {"start_date": "2026-01-05", "end_date": "2026-01-05"}
    deadline = time.monotonic() + 300
    while [entry["id"] for entry in ask(stack, headers, **day)["items"]] != [5001]:
        assert time.monotonic() < deadline, stack.logs("recorder")
        time.sleep(0.2)


def test_a_summary_equals_the_listing(stack: DeployedStack, headers: Headers) -> None:
    items = list_window(stack, headers)
    totals = ask(stack, headers, f"{LISTING}/summary", **WINDOW)["totals"]
    assert totals["runs"] == len(items)
    assert totals["succeeded"] == sum(item["status"] == "succeeded" for item in items)
    assert totals["credits"] == sum(Decimal(item["credits"]) for item in items)


def test_an_export_has_what_the_listing_shows(stack: DeployedStack, headers: Headers) -> None:
    """To its end: another function writes the file, and the link in the answer leads to it."""
    with stack.http() as client:
        url = start_export(client, stack.url, headers, format="ndjson", **WINDOW)
        done = finish_export(client, url, headers)
        assert done["status"] == "done"
        lines = read_export(done["link"], client).splitlines()
    ids = [entry["id"] for entry in list_window(stack, headers)]
    assert [json.loads(line)["id"] for line in lines] == ids


def test_who_may_not_come_in_is_refused(stack: DeployedStack, headers: Headers) -> None:
    """Without a token, with one that was revoked, and in a workspace of others."""
    revoked = stack.issue_token(1)
    stack.usagectl("token", "revoke", revoked.partition("|")[0])
    with stack.http() as client:
        for sent, status in (
            ({}, 401),
            (headers | {"Authorization": f"Bearer {revoked}"}, 401),
            (headers | {"x-workspace-id": "12"}, 403),
            (headers, 200),
        ):
            assert client.get(LISTING, headers=sent).status_code == status


def test_a_function_may_do_what_its_role_allows_and_nothing_else(
    stack: DeployedStack, headers: Headers
) -> None:
    """So the tests above show that the roles allow enough."""
    iam = stack.client("iam")
    role = {"RoleName": stack.physical_id("UsageRole"), "PolicyName": "usage"}
    policy = iam.get_role_policy(**role)["PolicyDocument"]
    iam.delete_role_policy(**role)
    try:
        with stack.http() as client:
            assert client.get(LISTING, headers=headers).status_code >= 500
    finally:
        iam.put_role_policy(**role, PolicyDocument=json.dumps(policy))
    ask(stack, headers)


def test_the_counter_counts(stack: DeployedStack, tmp_path: Path) -> None:
    """Its queue would wait for four minutes, so it is invoked."""
    lines = [
        json.dumps({**EXECUTION, "id": number, "workspace_id": 13, "credits": "0.5"})
        for number in range(1, MIN_ROWS + 1)
    ]
    (tmp_path / "executions.ndjson").write_text("\n".join(lines), "utf-8")
    stack.usagectl("import", tmp_path)
    response = stack.client("lambda").invoke(
        FunctionName=stack.physical_id("CounterFunction"), Payload=json.dumps(count_batch(13))
    )
    assert json.load(response["Payload"]) == {"batchItemFailures": []}
    assert f'"RowsCounted":{MIN_ROWS}' in stack.logs("counter")


def test_the_checks_on_a_schedule_see_with_their_role_all_that_they_look_at(
    stack: DeployedStack, token: str
) -> None:
    """As the stored caller, they ask the API at its URL.

    Two checks fail here: ministack takes GetEventSourceMapping for ListEventSourceMappings, which
    the role does not allow.
    """
    stack.usagectl("setting", "check-caller", "--token", token, "--workspace", "11")
    response = stack.client("lambda").invoke(FunctionName=stack.physical_id(DOCTOR), Payload=b"{}")
    assert json.load(response["Payload"]) is None
    # If the emulator is slow, the schedule has invoked it before.
    run = stack.logs("doctor").rpartition("START RequestId")[2]
    lines = [json.loads(line) for line in run.splitlines() if line.startswith("{")]
    failed = {line["check"]: line["reason"] for line in lines if line.get("level") == "ERROR"}
    assert failed.keys() == {"recorder", "recorder, tokens and members"}
    assert all("lambda:ListEventSourceMappings" in reason for reason in failed.values())
    (emitted,) = [line for line in lines if "_aws" in line]
    assert (emitted["ChecksFailed"], emitted["ChecksPassed"]) == ([2], [12])


def test_the_page_is_served(stack: DeployedStack) -> None:
    with stack.http() as client:
        assert "<!doctype html>" in client.get("/").text


def test_a_changed_function_is_what_callers_reach_until_the_old_one_is_deployed_again(
    stack: DeployedStack, headers: Headers
) -> None:
    """Callers reach a published version, by the alias."""
    first = stack.live_version()
    changed = stack.package()
    changed.change_function("UsageFunction", "new")
    stack.deploy(changed)
    second = stack.live_version()
    assert second > first
    assert change_in(listing(stack, headers)) == "new"
    stack.deploy(stack.package())
    assert stack.live_version() > second
    assert change_in(listing(stack, headers)) is None


def test_a_changed_parameter_is_what_callers_notice(stack: DeployedStack, headers: Headers) -> None:
    """Its value is in the environment of a version, so there has to be a new one."""
    first = stack.live_version()
    stack.deploy(stack.package(), DefaultLocale="es")
    assert stack.live_version() > first
    problem = listing(stack, headers, range="x").json()
    assert problem["message"] == "El campo range debe ser uno de estos valores: 1d, 7d, 30d."


def test_after_a_deployment_that_fails_half_way_the_stack_answers_as_before(
    stack: DeployedStack, headers: Headers
) -> None:
    """The last resource can't be created, when callers already reach the new function."""
    before = stack.live_version(), ids_in(listing(stack, headers))
    known = len(stack.events())
    broken = stack.package()
    broken.change_function("UsageFunction", "broken")
    broken.add_resource(
        "Namesake",
        {
            "Type": "AWS::SSM::Parameter",
            "DependsOn": ["UsageFunctionAliaslive", "ApiStage"],
            "Properties": {"Name": {"Ref": "MinDateParameter"}, "Type": "String", "Value": "-"},
        },
    )
    with pytest.raises(DeploymentError, match="UPDATE_ROLLBACK_COMPLETE"):
        stack.deploy(broken)
    assert ("UsageFunctionAliaslive", "UPDATE_COMPLETE") in stack.events()[known:]
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    response = listing(stack, headers)
    assert change_in(response) is None
    assert (stack.live_version(), ids_in(response)) == before


def listing(stack: DeployedStack, headers: Headers, **query: str) -> httpx.Response:
    """Returns the response to a request of the listing, for ``WINDOW`` if there is no query."""
    with stack.http() as client:
        return client.get(LISTING, params=query or WINDOW, headers=headers)


def ids_in(response: httpx.Response) -> list[int]:
    """Returns the ids of the items in a page."""
    assert response.status_code == 200, response.text
    return [entry["id"] for entry in response.json()["items"]]


def change_in(response: httpx.Response) -> str | None:
    """Returns what a changed function adds to its responses, or None if it is not changed."""
    assert response.status_code == 200, response.text
    change: str | None = response.headers.get("x-change")
    return change


@pytest.mark.parametrize("name", REFUSED_TYPES)
def test_a_type_that_is_left_out_is_really_refused(stack: DeployedStack, name: str) -> None:
    """When ministack has learnt it, it must be deployed."""
    template = json.dumps({"Resources": {"Refused": {"Type": name}}})
    with pytest.raises(ClientError, match="Unrecognized resource types"):
        stack.client("cloudformation").create_stack(StackName="refused", TemplateBody=template)


def test_an_alarm_that_is_left_out_is_really_refused(stack: DeployedStack) -> None:
    cloudformation = stack.client("cloudformation")
    template = json.dumps({"Resources": {"Refused": REFUSED_ALARM}})
    cloudformation.create_stack(StackName="refused", TemplateBody=template)
    waiter = cloudformation.get_waiter("stack_create_complete")
    with pytest.raises(WaiterError, match="ROLLBACK_COMPLETE"):
        waiter.wait(StackName="refused", WaiterConfig={"Delay": 1})
