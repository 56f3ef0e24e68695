"""An event becomes a change, or is refused with the field's name."""

import json
import re
from datetime import timedelta

import pytest

from tests.support.functions import ROOT
from tests.support.recording import (
    LATER,
    NOW,
    Event,
    archived,
    envelope,
    execution,
    issued,
    recorded,
    removed,
    revoked,
)
from workspace_usage.recording.events import EVENTS, is_about_access, parse_event
from workspace_usage.recording.payloads import InvalidPayload


def test_every_event_is_documented() -> None:
    """In the first table of ``docs/events.md``, in the order of ``EVENTS``."""
    text = (ROOT / "docs" / "events.md").read_text("utf-8")
    table = text.partition("## The events\n")[2].partition("\n\n`execution`")[0]
    lines = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    _header, *documented = (name.strip("`") for line in lines for name in line.split(", "))
    assert documented == list(EVENTS), "each event needs a line in the table of docs/events.md"


def test_events_about_tokens_and_members_are_told_from_others_as_the_rules_tell_them() -> None:
    """The rules of the bus have the same names. A rejected event need not be one that is parsed."""
    about_access = {kind for kind in EVENTS if is_about_access(json.dumps({"detail-type": kind}))}
    assert about_access == {k for k in EVENTS if k.startswith(("AccessToken", "WorkspaceMember"))}
    assert is_about_access('{"detail-type":"AccessTokenRevoked", "detail": {"token_id": 1e999')
    assert not is_about_access('{"detail-type": "AccessTokenRevokedTwice"}')
    quoted = json.dumps({"detail-type": "AccessTokenRevoked"})
    assert not is_about_access(json.dumps({"detail-type": "ChatEdited", "detail": quoted}))


def test_the_subject_of_a_change_is_told_by_its_ids_alone() -> None:
    """It is logged, so nothing in it may be personal."""
    sequence = (archived(1), issued(1), removed(1))
    assert [parse_event(event, LATER).subject for event in sequence] == [
        {"kind": "archived", "workspace_id": 11, "id": 1},
        {"kind": "token", "token_id": 1},
        {"kind": "membership", "workspace_id": 11, "user_id": 1},
    ]


@pytest.mark.parametrize("event", [recorded(5), issued(5), revoked(5), removed(5)])
def test_an_event_may_be_five_minutes_ahead_and_not_a_microsecond_more(event: Event) -> None:
    """From further ahead it would win over everything that really happens until then."""
    parse_event(event, NOW)
    with pytest.raises(InvalidPayload, match=r"^detail: occurred_at: must be at most five minutes"):
        parse_event(event, NOW - timedelta(microseconds=1))
    event = {**event, "detail": {**event["detail"], "occurred_at": "9999-12-31T23:59:59.999999Z"}}
    with pytest.raises(InvalidPayload, match=r"^detail: occurred_at: "):
        parse_event(event, NOW)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ([], "must be a JSON object"),
        ({}, "detail-type: must be one of"),
        ({"detail-type": "Nonsense", "detail": {}}, "detail-type: must be one of"),
        ({"detail-type": ["ChatEdited"]}, "detail-type: must be one of"),
        ({"detail-type": 10**5_000, "detail": {}}, "detail-type: must be one of"),
        ({"detail-type": "ChatEdited"}, "detail: must be a JSON object"),
        (envelope("AccessTokenRevoked", 1), "detail: token_id: is missing"),
        (envelope("AccessTokenRevoked", 1, token_id="x"), "detail: token_id: "),
        (
            envelope("ExecutionRecorded", 1, execution={**execution(), "status": 7}),
            "detail: execution.status: ",
        ),
        (
            {"detail-type": "AccessTokenRevoked", "detail": {"occurred_at": "now", "token_id": 1}},
            "detail: occurred_at: ",
        ),
    ],
)
def test_a_malformed_event_is_refused_with_the_name_of_the_field(
    event: object, reason: str
) -> None:
    """The names of the fields that lead to it come before it."""
    with pytest.raises(InvalidPayload) as refused:
        parse_event(event, LATER)
    assert str(refused.value).startswith(reason)
