"""The operator's tool, run as a process against a running stack."""

import csv
import gzip
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from local.stack import Stack
from tests.contract.service import Answer, Clock, Service, start
from tests.support.functions import ROOT
from tests.support.generator import write_dataset
from tests.support.oracle import Oracle

pytestmark = pytest.mark.xdist_group("usagectl")


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A stack for these tests alone, since commands change its data."""
    yield from start(tmp_path_factory.mktemp("usagectl"))


def run(*arguments: str, cwd: Path = ROOT, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command that finds no AWS account. Returns its exit code and what it printed."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment = {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(ROOT / "layers" / "core"), str(ROOT)]),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "COLUMNS": "200",
        "NO_COLOR": "1",
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-m", "usagectl", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def run_on(service: Service, *arguments: str) -> str:
    """Runs a command that succeeds on the stack. Returns what it printed."""
    done = run("--endpoint", service.stack.url, *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def failure_of(service: Service, *arguments: str) -> str:
    """Runs a command that fails on the stack. Returns its sentence."""
    done = run("--endpoint", service.stack.url, *arguments)
    assert done.returncode == 1
    (sentence,) = done.stderr.splitlines()
    return sentence


def ask(service: Service, token: str, workspace_id: int = 11) -> Answer:
    """Returns the listing's response, not the cached one."""
    service.clock.now += 1000
    headers = {"Authorization": f"Bearer {token}", "x-workspace-id": str(workspace_id)}
    return service.ask(None, headers=headers)


def test_a_token_is_issued_shown_and_revoked(service: Service) -> None:
    """It works at once, its secret is printed only once, and after revocation it is refused."""
    run_on(service, "member", "set", "-w", "11", "-u", "500", "--permission", "read_users_activity")
    token = run_on(service, "token", "issue", "--user", "500", "--expires-in-days", "1").strip()
    number, _, secret = token.partition("|")
    assert len(secret) == 48
    assert ask(service, token).status == 200
    shown = run_on(service, "token", "show", number, "--json")
    listed = run_on(service, "token", "list", "--user", "500", "--json")
    assert json.loads(shown)["state"] == "valid"
    assert json.loads(listed) == [json.loads(shown)]
    for said in (shown, listed, run_on(service, "token", "show", number)):
        assert secret not in said
        assert sha256(secret.encode()).hexdigest() not in said
    assert run_on(service, "token", "revoke", number) == f"Revoked token {number}.\n"
    assert ask(service, token).status == 401
    assert json.loads(run_on(service, "token", "show", number, "--json")) == {
        "id": int(number),
        "state": "revoked",
    }
    assert run_on(service, "token", "revoke", number) == (
        f"Token {number} is revoked already; nothing was changed.\n"
    )
    assert run_on(service, "token", "list", "-u", "500") == "User 500 has no token.\n"
    assert failure_of(service, "token", "show", "123456") == "There is no token 123456."
    assert failure_of(service, "token", "revoke", "123456") == "There is no token 123456."


def test_workspaces_are_counted_on_request(service: Service) -> None:
    """All that are named. If there are too few rows, the command says so."""
    said = run_on(service, "recount", "-w", "11", "--workspace", "4711", "--reset").splitlines()
    assert said == [
        f"Workspace {number} will be counted from the beginning in the next minutes."
        for number in (11, 4711)
    ]
    waited = run_on(service, "recount", "-w", "4711", "--wait")
    assert re.fullmatch(
        r"Workspace 4711: fewer than \d+ rows that are old enough; it needs no counts\.\n", waited
    )
    token = run_on(service, "token", "issue", "-u", "1").strip()
    assert ask(service, token).body["items"] != []


def test_a_member_is_added_changed_and_removed(service: Service) -> None:
    """The next request sees each change. Repeating a command changes nothing."""
    named, everything = ("-w", "11", "-u", "501"), ("--permission", "read_users_activity")
    token = run_on(service, "token", "issue", "-u", "501").strip()
    assert ask(service, token).status == 403
    assert run_on(service, "member", "set", *named) == (
        "User 501 is a member of workspace 11, with no permissions.\n"
    )
    assert ask(service, token).body["items"] == []
    run_on(service, "member", "set", *named, *everything)
    assert ask(service, token).body["items"] != []
    assert run_on(service, "member", "set", *named, *everything) == (
        "User 501 is a member of workspace 11 already, with read_users_activity;"
        " nothing was changed.\n"
    )
    shown = json.loads(run_on(service, "member", "show", *named, "--json"))
    assert shown == {
        "workspace_id": 11,
        "user_id": 501,
        "permissions": ["read_users_activity"],
    }
    assert shown in json.loads(run_on(service, "member", "list", "-w", "11", "--json"))
    assert run_on(service, "member", "show", *named).splitlines()[-1] == (
        "permissions: read_users_activity"
    )
    assert run_on(service, "member", "remove", *named) == "Removed user 501 from workspace 11.\n"
    assert ask(service, token).status == 403
    assert run_on(service, "member", "remove", *named) == (
        "User 501 is not a member of workspace 11; nothing was changed.\n"
    )
    assert (
        failure_of(service, "member", "show", *named) == "User 501 is not a member of workspace 11."
    )
    listed = run_on(service, "member", "list", "-w", "11").splitlines()
    assert listed[0].split() == ["workspace_id", "user_id", "permissions"]
    assert "501" not in [line.split()[1] for line in listed]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ("member set -w 1 -u 1 --permission read_users_activty", "add --allow-unknown to store it"),
        ("token issue -u 1 --ability use_agent", "add --allow-unknown to store it"),
        ("token issue -u 1 --allow-unknown --ability \x85", "printable"),
        ("token issue -u 1 --expires-in-days 99999999", "must be a whole number from 1 to 36,500"),
        ("token revoke 9223372036854775808", "must be a whole number from 1 to"),
        ("token list -u 0", "must be a whole number from 1 to"),
        ("forget-user 011", "must be a whole number from 1 to"),
        (f"token issue -u 1 --tokenable-type {'x' * 256}", "1 to 255 printable characters"),
        (f"member set -w 1 -u 1{' --permission x' * 61}", "60 times at most"),
        ("doctor -w 1 --token “1|secret”", "plain characters"),
        ("setting check-caller -w 1 --token “1|secret”", "plain characters"),
        ("--endpoint= member list -w 1", "must be a URL"),
    ],
)
def test_an_invalid_argument_is_refused_before_a_deployment_is_looked_for(
    arguments: str, reason: str
) -> None:
    """The exit code is 2, and no deployment is needed."""
    done = run(*arguments.split(" "))
    assert done.returncode == 2
    assert reason in done.stderr
    assert "Traceback" not in done.stderr


def test_a_permission_that_only_the_platform_knows_can_be_stored(service: Service) -> None:
    """With --allow-unknown."""
    arguments = ("-w", "13", "-u", "502", "--permission", "manage_billing", "--allow-unknown")
    assert "with manage_billing." in run_on(service, "member", "set", *arguments)
    answer = run_on(service, "token", "issue", "-u", "502", "--json", "--expires-in-days", "30")
    issued = json.loads(answer)
    assert issued["token"].startswith(f"{issued['id']}|")
    assert ask(service, issued["token"], 13).status == 200


def test_the_minimal_date_is_set_and_shown(service: Service) -> None:
    """For people and, with --json, for programs."""
    show = ("setting", "min-date")
    assert run_on(service, *show, "2026-01-01") == "Nothing before 2026-01-01 is shown.\n"
    assert run_on(service, *show) == "Nothing before 2026-01-01 is shown.\n"
    assert json.loads(run_on(service, *show, "--json")) == {"enabled": True, "date": "2026-01-01"}
    assert run_on(service, *show, "--off") == "All days are shown.\n"
    assert json.loads(run_on(service, *show, "--json")) == {"enabled": False, "date": None}


def test_doctor_finds_nothing_wrong_with_a_fresh_stack(service: Service) -> None:
    """With a token and without one."""
    token = run_on(service, "token", "issue", "-u", "1").strip()
    said = run_on(service, "doctor", "--token", token, "-w", "11")
    assert "FAIL" not in said
    assert "counts of workspace 11, a sample: " in said
    assert said.count("ok") >= 11
    assert token.partition("|")[2] not in said
    found = json.loads(run_on(service, "doctor", "--json"))
    assert {finding["ok"] for finding in found} == {True, None}
    assert found[0]["check"] == "table ExecutionsTable"


def test_the_recorder_is_paused_and_resumed(service: Service) -> None:
    """While it is paused, doctor says that events wait."""
    assert "The recorder is dis" in run_on(service, "recorder", "pause")
    done = run("--endpoint", service.stack.url, "doctor")
    assert done.returncode == 1
    (failed,) = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert "events wait; usagectl recorder resume starts it" in failed
    assert "The recorder is enabled" in run_on(service, "recorder", "resume")
    assert "FAIL" not in run_on(service, "doctor")


def test_the_endpoint_wins_over_a_stack_in_the_environment(service: Service) -> None:
    """An operator who has set the variable for a deployment can still look at the local stack."""
    url = service.stack.url
    done = run("--endpoint", url, "doctor", USAGECTL_STACK="workspace-usage-prod")
    assert done.returncode == 0, done.stderr
    assert "FAIL" not in done.stdout


def test_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    """A table without its indexes, a broken setting, and a bucket that is gone."""
    write_dataset(tmp_path, 1, datetime.now(UTC), rows=0)
    with Stack.start() as stack:
        names = {name: found.name for name, found in stack.template.resources.items()}
        dynamodb = stack.clients.dynamodb
        table = names["EditedChatsTable"]
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=table)
        dynamodb.create_table(
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
        stack.clients.ssm.put_parameter(
            Name=names["MinDateParameter"], Value="{", Type="String", Overwrite=True
        )
        stack.clients.s3.delete_bucket(Bucket=names["MediaBucket"])
        done = run("--endpoint", stack.url, "doctor")
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert [line.split(":")[0] for line in failed] == [
        "FAIL table EditedChatsTable",
        "FAIL usage_history_min_date",
        "FAIL media bucket",
    ]
    assert "lacks the index by_user" in failed[0]


def test_an_exported_workspace_that_is_imported_again_is_listed_the_same(
    service: Service, tmp_path: Path
) -> None:
    """Its files, loaded into an empty stack, give the same pages."""
    folder = tmp_path / "out"
    said = run_on(service, "export", str(folder), "-w", "11")
    rows = {
        name: len((folder / name).read_text("utf-8").splitlines())
        for name in ("executions.ndjson", "archived.ndjson", "edited.ndjson")
    }
    for name, number in rows.items():
        assert number > 100
        assert f"{number:,} rows in {folder / name}.\n" in said
    refused = failure_of(service, "export", str(folder), "-w", "11")
    assert refused.endswith("is there already; choose another folder.")
    member = service.members[0]
    query = {"per_page": "100", "range": "30d"}
    service.clock.now += 1000
    expected = service.ask(member, query).body
    clock = Clock()
    with Stack.start(clock=clock) as stack:
        again = Service(stack, clock, Oracle(folder), service.members)
        run_on(again, "import", str(folder))
        token = run_on(again, "token", "issue", "-u", "1").strip()
        headers = {"Authorization": f"Bearer {token}", "x-workspace-id": "11"}
        answer = again.ask(None, query, headers=headers)
        again.client.close()
    assert _unsigned(answer.body) == _unsigned(expected)
    assert not (folder / ".import-checkpoint.json").exists()


def _unsigned(body: dict[str, Any]) -> dict[str, Any]:
    """Returns a page without those parts of its links that differ between stacks."""
    items = [
        {**item, "link": re.sub(r"^http://127[^/]+|\?X-Amz.*", "", item["link"] or "")}
        for item in body["items"]
    ]
    return {**body, "items": items}


def test_an_export_can_have_some_days_only_and_be_a_table(service: Service, tmp_path: Path) -> None:
    """It has the rows of these days as the listing shows them, with media's keys for links."""
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    days = ("--start-date", today, "--end-date", today)
    run_on(service, "export", str(tmp_path), "-w", "11", *days, "--csv")
    with (tmp_path / "usage.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    query = {"start_date": today, "end_date": today, "per_page": "100"}
    service.clock.now += 1000
    body = service.ask(service.members[0], query).body
    assert rows
    assert [_shown(row) for row in rows[:100]] == [_shown(item) for item in body["items"]]
    assert len(rows) > 100 or not body["has_more"]
    assert {row["created_at"][:10] for row in rows} == {today}
    assert not [row for row in rows if row["output"].startswith(("=", "+", "-", "@"))]
    links = {row["link"] for row in rows if row["type"] == "image"}
    assert not [link for link in links if "X-Amz-" in link]


def _shown(item: dict[str, Any]) -> list[str]:
    """Returns those values of a listed or exported item that are the same in both."""
    names = ("id", "created_at", "user_id", "type", "status", "source")
    return [str(item[name]) for name in names] + [f"{Decimal(item['credits']):f}"]


def test_an_export_of_nothing_fails(service: Service, tmp_path: Path) -> None:
    """It says so, and leaves no file. The last day of the calendar is a day like others."""
    folder = tmp_path / "out"
    nothing = "There is nothing to export: workspace 51 has neither rows"
    assert failure_of(service, "export", str(folder), "-w", "51") == f"{nothing} nor members."
    days = ("--start-date", "9999-12-30", "--end-date", "9999-12-31")
    assert failure_of(service, "export", str(folder), "-w", "51", *days) == (
        f"{nothing} on these days nor members."
    )
    assert failure_of(service, "export", str(folder), "-w", "11", "--csv", *days) == (
        "There is nothing to export: workspace 11 has no rows on these days."
    )
    assert not folder.exists()
    said = run_on(service, "export", str(folder), "-w", "11", "--end-date", "9999-12-31", "--json")
    written = json.loads(said)["files"]
    assert written["executions.ndjson"] > 100
    assert sorted(written) == sorted(path.name for path in folder.iterdir())


def test_an_import_reports_lines_that_can_not_be_used(service: Service, tmp_path: Path) -> None:
    """The rest is loaded, the report names the lines, and the exit code is 3."""
    write_dataset(tmp_path / "in", 5, datetime.now(UTC), rows=50)
    plain = tmp_path / "in" / "executions.ndjson"
    lines = plain.read_bytes().splitlines()
    spoiled = b"\n".join([lines[0], b"", b'{"id": "x"}', b"no JSON", *lines[1:]])
    with gzip.open(f"{plain}.gz", "wb") as file:
        file.write(spoiled)
    rejected = tmp_path / "rejected.txt"
    both = ("import", str(tmp_path / "in"), "--rejected", str(rejected))
    assert "are both there" in failure_of(service, *both)
    plain.unlink()
    dry = run("import", str(tmp_path / "in"), "--dry-run", "--rejected", str(rejected))
    wet = run("--endpoint", service.stack.url, *both)
    for done in (dry, wet):
        assert done.returncode == 3
        assert f"{len(lines)} from executions.ndjson" in done.stdout
        assert f"2 lines or files can't be used; {rejected} says which, and why." in done.stdout
        report = rejected.read_text("utf-8").splitlines()
        assert [line.partition(": ")[0] for line in report] == [
            "executions.ndjson.gz:3",
            "executions.ndjson.gz:4",
        ]


def test_an_import_brings_back_no_revoked_token(service: Service, tmp_path: Path) -> None:
    """Nor a removed member. It says how many it has left as they are."""
    token = run_on(service, "token", "issue", "-u", "502").strip()
    number, _, secret = token.partition("|")
    record = {
        "id": int(number),
        "tokenable_type": "App\\Models\\User",
        "tokenable_id": 502,
        "token": sha256(secret.encode()).hexdigest(),
        "abilities": ["use_agents"],
    }
    (tmp_path / "tokens.ndjson").write_text(json.dumps(record), "utf-8")
    members: list[Any] = [
        {"workspace_id": 11, "user_id": user, "permissions": []} for user in (502, 503)
    ]
    text = "\n".join(map(json.dumps, members))
    (tmp_path / "members.ndjson").write_text(text, "utf-8")
    for user in ("502", "503"):
        run_on(service, "member", "set", "-w", "11", "-u", user)
    assert ask(service, token).status == 200
    run_on(service, "token", "revoke", number)
    run_on(service, "member", "remove", "-w", "11", "-u", "502")
    assert run_on(service, "import", str(tmp_path)).splitlines() == [
        "Loaded: nothing.",
        "1 token was changed or revoked since and stays as it is.",
        "2 members were changed or removed since and stay as they are.",
    ]
    assert ask(service, token).status == 401
    kept = json.loads(run_on(service, "import", str(tmp_path), "--json"))["kept"]
    assert kept == {"tokens.ndjson": 1, "members.ndjson": 2}


def test_a_person_is_erased(service: Service, tmp_path: Path) -> None:
    """Access and e-mail addresses, then rows and media. A second run finds nothing to do."""
    bucket = service.stack.template.resources["MediaBucket"].name
    record = {
        "id": 1,
        "workspace_id": 12,
        "user_id": 600,
        "user_email": "forget@example.com",
        "created_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
        "agent": {"title": "Image", "slug": "image", "type": "image"},
        "status": "succeeded",
        "credits": 1,
        "output": "forget/me.png",
    }
    for name in ("executions", "archived"):
        (tmp_path / f"{name}.ndjson").write_text(json.dumps(record), "utf-8")
    (tmp_path / "media" / "forget").mkdir(parents=True)
    (tmp_path / "media" / "forget" / "me.png").write_bytes(b"png")
    run_on(service, "import", str(tmp_path))
    run_on(service, "member", "set", "-w", "12", "-u", "600")
    token = run_on(service, "token", "issue", "-u", "600").strip()
    assert ask(service, token, 12).body["items"][0]["email"] == "forget@example.com"

    nothing = {
        "tokens_revoked": 0,
        "memberships_removed": 0,
        "rows_anonymised": 0,
        "rows_deleted": 0,
        "media_deleted": 0,
        "media_kept": 0,
    }
    forget = ("forget-user", "600", "--yes")
    first = json.loads(run_on(service, *forget))
    assert first == {
        **nothing,
        "tokens_revoked": 1,
        "memberships_removed": 1,
        "rows_anonymised": 2,
    }
    assert ask(service, token, 12).status == 401
    assert json.loads(run_on(service, *forget)) == nothing
    export = tmp_path / "out"
    run_on(service, "export", str(export), "-w", "12")
    text = "".join(path.read_text("utf-8") for path in export.iterdir())
    assert "forget@example.com" not in text
    assert '"user_id": 600' in text

    deleted = json.loads(run_on(service, *forget, "--delete-rows"))
    assert deleted == {**nothing, "rows_deleted": 2, "media_deleted": 1}
    assert json.loads(run_on(service, *forget, "--delete-rows")) == nothing
    listed = service.stack.clients.s3.list_objects_v2(Bucket=bucket, Prefix="forget/")
    assert listed["KeyCount"] == 0


def test_a_missing_deployment_is_reported_in_one_sentence() -> None:
    """Without credentials, without a stack, or where something else answers: no stack trace."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        Thread(target=answer_nonsense, args=(other,), daemon=True).start()
        check_sentences(f"http://127.0.0.1:{other.getsockname()[1]}")


def answer_nonsense(server: socket.socket) -> None:
    """Answers one client with something that is not HTTP."""
    client, _ = server.accept()
    with client:
        client.recv(65_536)
        client.sendall(b"nonsense\r\n\r\n")


def check_sentences(other: str) -> None:
    for arguments, sentence in (
        (("--endpoint", "http://127.0.0.1:9", "doctor"), "No local stack answers at"),
        (("--endpoint", other, "doctor"), "No local stack answers at"),
        (("--region", "us-east-1", "doctor"), "AWS can't be called: "),
        (("--profile", "none", "doctor"), "AWS can't be called: "),
    ):
        done = run(*arguments)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith(sentence)
        assert line.endswith(".")


def test_an_event_that_would_be_rejected_is_not_sent(service: Service, tmp_path: Path) -> None:
    """The sentence names the field, and none of the events is sent."""
    sample = json.loads((ROOT / "events" / "event-execution-recorded.json").read_text("utf-8"))
    sample["detail"]["execution"]["credits"] = "many"
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(sample), "utf-8")
    sentence = failure_of(service, "send", str(broken))
    assert sentence == f"{broken}: detail: execution.credits: must be a number."
    good = str(ROOT / "events" / "event-workspace-member-added.json")
    assert run_on(service, "send", good) == "Sent 1 event. It takes effect in a moment.\n"


def test_a_local_stack_that_fails_is_not_called_aws(tmp_path: Path) -> None:
    """Its address is named instead. The address can come from the environment."""
    (tmp_path / "members.ndjson").write_text('{"workspace_id":1,"user_id":1,"permissions":[]}')
    with Stack.start() as stack:
        dynamodb = stack.clients.dynamodb
        table = stack.template.resources["MembershipsTable"].name
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        dynamodb.delete_table(TableName=table)
        done = run("member", "set", "-w", "1", "-u", "1", USAGECTL_ENDPOINT=stack.url)
        exported = run("export", str(tmp_path / "x"), "-w", "1", USAGECTL_ENDPOINT=stack.url)
        loaded = run("import", str(tmp_path), USAGECTL_ENDPOINT=stack.url)
    place = f"The local stack at {stack.url} refuses "
    assert exported.stderr.startswith(f"{place}Query: ResourceNotFoundException: ")
    for failed in (done, exported, loaded):
        assert failed.returncode == 1
        assert len(failed.stderr.splitlines()) == 1
        assert "AWS" not in failed.stderr
