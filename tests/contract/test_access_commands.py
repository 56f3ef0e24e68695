"""What operators do with tokens, members and people, on a running stack."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.contract.service import Answer, Service
from usagectl.erasure.row_eraser import RowEraser
from workspace_usage.values import parse_timestamp

pytestmark = pytest.mark.xdist_group("operated")


def ask(operated: Service, token: str, workspace_id: int = 11) -> Answer:
    """Returns the listing's answer, not the cached one."""
    operated.clock.now += 1000
    headers = {"Authorization": f"Bearer {token}", "x-workspace-id": str(workspace_id)}
    return operated.ask(None, headers=headers)


def test_a_token_is_issued_shown_and_revoked(operated: Service) -> None:
    """It works at once, its secret is printed only once, and after revocation it is refused."""
    operated.said("member", "set", "-w", "11", "-u", "500", "--permission", "read_users_activity")
    token = operated.said("token", "issue", "--user", "500", "--expires-in-days", "1").strip()
    number, _, secret = token.partition("|")
    assert len(secret) == 48
    assert ask(operated, token).status == 200
    shown = operated.said("token", "show", number, "--json")
    listed = operated.said("token", "list", "--user", "500", "--json")
    fields = json.loads(shown)
    assert fields["state"] == "valid"
    assert parse_timestamp(fields["expires_at"]) - parse_timestamp(
        fields["created_at"]
    ) == timedelta(days=1)
    assert json.loads(listed) == [json.loads(shown)]
    for said in (shown, listed, operated.said("token", "show", number)):
        assert secret not in said
        assert sha256(secret.encode()).hexdigest() not in said
    assert operated.said("token", "revoke", number) == f"Revoked token {number}.\n"
    assert ask(operated, token).status == 401
    assert json.loads(operated.said("token", "show", number, "--json")) == {
        "id": int(number),
        "state": "revoked",
    }
    assert operated.said("token", "revoke", number) == (
        f"Token {number} is revoked already; nothing was changed.\n"
    )
    assert operated.said("token", "list", "-u", "500") == "User 500 has no token.\n"
    assert operated.command("token", "show", "123456").sentence == "There is no token 123456."
    assert operated.command("token", "revoke", "123456").sentence == "There is no token 123456."


def test_a_member_is_added_changed_and_removed(operated: Service) -> None:
    """The next request sees each change. Repeating a command changes nothing."""
    named, everything = ("-w", "11", "-u", "501"), ("--permission", "read_users_activity")
    token = operated.said("token", "issue", "-u", "501").strip()
    assert ask(operated, token).status == 403
    assert operated.said("member", "set", *named) == (
        "User 501 is a member of workspace 11, with no permissions.\n"
    )
    assert ask(operated, token).body["items"] == []
    operated.said("member", "set", *named, *everything)
    assert ask(operated, token).body["items"] != []
    assert operated.said("member", "set", *named, *everything) == (
        "User 501 is a member of workspace 11 already, with read_users_activity;"
        " nothing was changed.\n"
    )
    shown = json.loads(operated.said("member", "show", *named, "--json"))
    assert shown == {
        "workspace_id": 11,
        "user_id": 501,
        "permissions": ["read_users_activity"],
    }
    assert shown in json.loads(operated.said("member", "list", "-w", "11", "--json"))
    assert operated.said("member", "show", *named).splitlines()[-1] == (
        "permissions: read_users_activity"
    )
    assert operated.said("member", "remove", *named) == "Removed user 501 from workspace 11.\n"
    assert ask(operated, token).status == 403
    assert operated.said("member", "remove", *named) == (
        "User 501 is not a member of workspace 11; nothing was changed.\n"
    )
    assert (
        operated.command("member", "show", *named).sentence
        == "User 501 is not a member of workspace 11."
    )
    listed = operated.said("member", "list", "-w", "11").splitlines()
    assert listed[0].split() == ["workspace_id", "user_id", "permissions"]
    assert "501" not in [line.split()[1] for line in listed]


def test_a_permission_that_only_the_platform_knows_can_be_stored(operated: Service) -> None:
    """With --allow-unknown."""
    arguments = ("-w", "13", "-u", "502", "--permission", "manage_billing", "--allow-unknown")
    assert "with manage_billing." in operated.said("member", "set", *arguments)
    answer = operated.said("token", "issue", "-u", "502", "--json", "--expires-in-days", "30")
    issued = json.loads(answer)
    assert issued["token"].startswith(f"{issued['id']}|")
    shown = json.loads(operated.said("token", "show", str(issued["id"]), "--json"))
    assert issued["expires_at"] == shown["expires_at"] is not None
    assert ask(operated, issued["token"], 13).status == 200


def test_a_person_is_erased(operated: Service, tmp_path: Path) -> None:
    """Access and e-mail addresses, then rows and media. A second run finds nothing to do."""
    bucket = operated.name("MediaBucket")
    record: dict[str, Any] = {
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
    edited = {**record, "user_openai_id": 1, "agent": {**record["agent"], "type": "chat"}}
    for name, payload in (("executions", record), ("archived", record), ("edited", edited)):
        (tmp_path / f"{name}.ndjson").write_text(json.dumps(payload), "utf-8")
    (tmp_path / "media" / "forget").mkdir(parents=True)
    (tmp_path / "media" / "forget" / "me.png").write_bytes(b"png")
    operated.said("import", str(tmp_path))
    operated.said("member", "set", "-w", "12", "-u", "600")
    token = operated.said("token", "issue", "-u", "600").strip()
    teams = operated.said("token", "issue", "-u", "600", "--tokenable-type", "Team").strip()
    emails = [item["email"] for item in ask(operated, token, 12).body["items"]]
    assert emails == ["forget@example.com"] * 2

    nothing = {
        "tokens_revoked": 0,
        "memberships_removed": 0,
        "rows_anonymised": 0,
        "rows_deleted": 0,
        "media_deleted": 0,
        "media_kept": 0,
    }
    forget = ("forget-user", "600", "--yes")
    first = json.loads(operated.said(*forget))
    assert first == {
        **nothing,
        "tokens_revoked": 1,
        "memberships_removed": 1,
        "rows_anonymised": 3,
    }
    assert ask(operated, token, 12).status == 401
    team = operated.said("token", "show", teams.partition("|")[0], "--json")
    assert json.loads(team)["state"] == "valid", "a team has the same id as the person"
    assert json.loads(operated.said(*forget)) == nothing
    export = tmp_path / "out"
    operated.said("export", str(export), "-w", "12")
    text = "".join(path.read_text("utf-8") for path in export.iterdir())
    assert "forget@example.com" not in text
    assert '"user_id": 600' in text

    deleted = json.loads(operated.said(*forget, "--delete-rows"))
    assert deleted == {**nothing, "rows_deleted": 3, "media_deleted": 1}
    assert json.loads(operated.said(*forget, "--delete-rows")) == nothing
    listed = operated.stack.clients.s3.list_objects_v2(Bucket=bucket, Prefix="forget/")
    assert listed["KeyCount"] == 0


def test_the_option_says_whose_tokens_are_listed_and_revoked(operated: Service) -> None:
    """Another model of the platform may have the same ids as users."""
    team = ("--tokenable-type", "Team")
    users_id = operated.said("token", "issue", "-u", "603").partition("|")[0]
    teams_id = operated.said("token", "issue", "-u", "603", *team).partition("|")[0]
    for options, number in (((), users_id), (team, teams_id)):
        listed = json.loads(operated.said("token", "list", "-u", "603", *options, "--json"))
        assert [token["id"] for token in listed] == [int(number)]
    report = json.loads(operated.said("forget-user", "603", "--yes", *team))
    assert report["tokens_revoked"] == 1
    for number, state in ((users_id, "valid"), (teams_id, "revoked")):
        shown = json.loads(operated.said("token", "show", number, "--json"))
        assert shown["state"] == state


@pytest.mark.parametrize("granted", [("token", "issue"), ("member", "set", "-w", "12")])
def test_a_person_who_gets_access_again_while_being_erased_is_not_called_erased(
    operated: Service, monkeypatch: pytest.MonkeyPatch, granted: tuple[str, ...]
) -> None:
    """An event of the platform may come at any time. The next erasure takes the access away."""

    def grant(*_: object) -> None:
        operated.said(*granted, "-u", "601")

    forget = ("forget-user", "601", "--yes")
    with monkeypatch.context() as patch:
        patch.setattr(RowEraser, "anonymise", grant)
        sentence = operated.command(*forget).sentence
    assert sentence.startswith("The person has a token or a membership again: an event has stored")
    report = json.loads(operated.said(*forget))
    assert report["tokens_revoked"] + report["memberships_removed"] == 1


def test_nobody_is_erased_without_confirmation(operated: Service) -> None:
    """The question says what becomes of rows and media."""
    operated.said("member", "set", "-w", "12", "-u", "602")
    for options, consequence in (
        ((), "Rows and media stay, without the e-mail address."),
        (("--delete-rows",), "All rows of this user are deleted, and those media that no other"),
    ):
        asked = operated.command("forget-user", "602", *options, typed="n\n")
        assert (asked.code, asked.err.splitlines()[-1]) == (1, "Nothing was changed.")
        assert "User 602 is erased from the local stack for good" in asked.out
        assert consequence in asked.out
    assert operated.command("member", "show", "-w", "12", "-u", "602").code == 0
    done = operated.command("forget-user", "602", typed="y\n")
    assert done.code == 0
    assert operated.command("member", "show", "-w", "12", "-u", "602").code == 1
