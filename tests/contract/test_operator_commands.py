"""What operators see of a running stack, and what they change of it."""

import json
import re
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.contract.service import Service
from tests.support.command import run
from tests.support.functions import ROOT

pytestmark = pytest.mark.xdist_group("operated")


@pytest.fixture
def stack(operated: Service) -> Service:
    """The service whose data commands change. No event has been given up."""
    operated.remove_dead_letters()
    return operated


def test_workspaces_are_counted_on_request(stack: Service) -> None:
    """All that are named. If there are too few rows, the command says so."""
    said = stack.said("recount", "-w", "11", "--workspace", "4711", "--reset").splitlines()
    assert said == [
        f"Workspace {number} will be counted from the beginning in the next minutes."
        for number in (11, 4711)
    ]
    waited = stack.said("recount", "-w", "4711", "--wait")
    assert re.fullmatch(
        r"Workspace 4711: fewer than \d+ rows that are old enough; it needs no counts\.\n", waited
    )
    assert stack.ask(stack.members[0]).body["items"] != []


def test_the_minimal_date_is_set_and_shown(stack: Service) -> None:
    """For people and, with --json, for programs."""
    show = ("setting", "min-date")
    assert stack.said(*show, "2026-01-01") == "Nothing before 2026-01-01 is shown.\n"
    assert stack.said(*show) == "Nothing before 2026-01-01 is shown.\n"
    assert json.loads(stack.said(*show, "--json")) == {"enabled": True, "date": "2026-01-01"}
    assert stack.said(*show, "--off") == "All days are shown.\n"
    assert json.loads(stack.said(*show, "--json")) == {"enabled": False, "date": None}


def test_doctor_finds_nothing_wrong_with_a_working_stack(stack: Service) -> None:
    """It tells no secret."""
    token = stack.said("token", "issue", "-u", "1").strip()
    said = stack.said("doctor", "--token", token, "-w", "11")
    assert "FAIL" not in said
    assert "counts of workspace 11, a sample: " in said
    assert said.count("ok") >= 11
    assert token.partition("|")[2] not in said


def test_the_recorder_is_paused_and_resumed(stack: Service) -> None:
    """While it is paused, doctor says that events wait. Programs read that as JSON."""
    assert "The recorder is dis" in stack.said("recorder", "pause")
    checked = stack.command("doctor", "--json")
    assert "The recorder is enabled" in stack.said("recorder", "resume")
    findings = json.loads(checked.out)
    (failed,) = [finding for finding in findings if finding["ok"] is False]
    assert (checked.code, failed["check"]) == (1, "recorder")
    assert "events wait; usagectl recorder resume starts it" in failed["detail"]
    assert {finding["ok"] for finding in findings} == {True, False, None}
    assert findings[0]["check"] == "table ExecutionsTable"


def test_the_endpoint_wins_over_a_stack_in_the_environment(stack: Service) -> None:
    """An operator who has set the variable for a deployment can still look at the local stack."""
    url = stack.stack.url
    show = ("--endpoint", url, "member", "show", "-w", "11", "-u", "1")
    assert run(*show, USAGECTL_STACK="workspace-usage-prod").code == 0


def test_an_event_that_would_be_rejected_is_not_sent(stack: Service, tmp_path: Path) -> None:
    """The sentence names the field, and none of the events is sent."""
    sample = json.loads((ROOT / "events" / "event-execution-recorded.json").read_text("utf-8"))
    sample["detail"]["execution"]["credits"] = "many"
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(sample), "utf-8")
    member_added = ROOT / "events" / "event-workspace-member-added.json"
    event = json.loads(member_added.read_text("utf-8"))
    # Not the sample's user, who other tests of this stack expect to be no member yet.
    event["detail"]["member"]["user_id"] = 6_006
    (tmp_path / "good.json").write_text(json.dumps(event), "utf-8")
    good = str(tmp_path / "good.json")
    with patch("usagectl.send.send") as send:
        sentence = stack.command("send", good, str(broken)).sentence
    assert sentence == f"{broken}: detail: execution.credits: must be a number."
    assert not send.called
    assert stack.said("send", good) == "Sent 1 event. It takes effect in a moment.\n"
    assert stack.said("send", good, good) == "Sent 2 events. They take effect in a moment.\n"


@pytest.mark.xdist_group("restricted")
def test_doctor_finds_what_is_wrong(restricted: Service) -> None:
    """A table without its indexes, a broken setting, and a bucket that is gone."""
    clients = restricted.stack.clients
    table, setting = map(restricted.name, ("EditedChatsTable", "MinDateParameter"))
    clients.dynamodb.delete_table(TableName=table)
    clients.dynamodb.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": "workspace_id", "AttributeType": "N"},
            {"AttributeName": "sort_key", "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": "workspace_id", "KeyType": "HASH"},
            {"AttributeName": "sort_key", "KeyType": "RANGE"},
        ],
    )
    clients.ssm.put_parameter(Name=setting, Value="{", Type="String", Overwrite=True)
    clients.s3.delete_bucket(Bucket=restricted.name("MediaBucket"))
    checked = restricted.command("doctor")
    assert checked.code == 1
    failed = [line for line in checked.out.splitlines() if line.startswith("FAIL")]
    assert [line.split(":")[0] for line in failed] == [
        "FAIL table EditedChatsTable",
        "FAIL usage_history_min_date",
        "FAIL media bucket",
    ]
    assert "lacks the index by_user" in failed[0]
    clients.dynamodb.delete_table(TableName=table)
    restricted.repair()


@pytest.mark.xdist_group("restricted")
def test_a_local_stack_that_fails_is_not_called_aws(restricted: Service, tmp_path: Path) -> None:
    """Its address is named instead. The address can come from the environment."""
    (tmp_path / "members.ndjson").write_text('{"workspace_id":1,"user_id":1,"permissions":[]}')
    url = restricted.stack.url
    restricted.stack.clients.dynamodb.delete_table(TableName=restricted.name("MembershipsTable"))
    changed = run("member", "set", "-w", "1", "-u", "1", USAGECTL_ENDPOINT=url).sentence
    exported = run("export", str(tmp_path / "x"), "-w", "1", USAGECTL_ENDPOINT=url).sentence
    loaded = run("import", str(tmp_path), USAGECTL_ENDPOINT=url).sentence
    restricted.repair()
    place = f"The local stack at {url} refuses "
    assert exported.startswith(f"{place}Query: ResourceNotFoundException: ")
    assert not [sentence for sentence in (changed, exported, loaded) if "AWS" in sentence]
