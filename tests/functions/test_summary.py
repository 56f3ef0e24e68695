"""The summary function: what it reads of a request, who sees what, and what it logs."""

import json
from types import ModuleType

import pytest

from local.store.clients import Clients
from local.template.template import Template
from tests.support.functions import Context
from tests.support.usage import EVERYONE, OWN, answer, proxy_event, put_row, put_rows
from workspace_usage.errors import InvalidRequest, StoreUnavailable
from workspace_usage.listing.sizes import MAX_RESPONSE_BYTES
from workspace_usage.rows.row import Source


def test_a_member_s_summary_is_of_their_own_runs(
    summary: ModuleType, clients: Clients, template: Template
) -> None:
    """Someone else's is refused. A direct invocation is of the whole workspace."""
    put_row(clients, template, Source.CURRENT, 1)
    put_row(clients, template, Source.ARCHIVED, 2, user_id=3)
    own, everyone = answer(summary, proxy_event(OWN)), answer(summary, proxy_event(EVERYONE))
    assert [body["totals"]["runs"] for _, body in (own, everyone)] == [1, 2]
    assert answer(summary, proxy_event(OWN, {"user_id": "3"}))[0] == 403
    invoked = summary.lambda_handler({"workspace_id": 11, "group_by": ["user"]}, Context())
    assert {group["user_id"] for group in invoked["groups"]} == {2, 3}
    with pytest.raises(InvalidRequest):
        summary.lambda_handler({"workspace_id": 11, "limit": 0}, Context())


def test_a_sum_that_can_t_be_read_in_time_is_no_answer(
    summary: ModuleType, clients: Clients, template: Template
) -> None:
    """Too little time is left to read what is not counted."""
    put_row(clients, template, Source.CURRENT, 1)
    with pytest.raises(StoreUnavailable):
        summary.lambda_handler({"workspace_id": 11}, Context(remaining=[3_999]))


@pytest.mark.parametrize("text", ['"' * 10_000, "🤖" * 10_000], ids=["quotes", "emoji"])
def test_an_answer_that_lambda_would_not_return_is_refused(
    summary: ModuleType, clients: Clients, template: Template, text: str
) -> None:
    """Each bucket repeats the names of its groups. With fewer buckets, they fit."""
    put_rows(
        clients,
        template,
        Source.ARCHIVED,
        (
            {
                "number": 1_440 * (1 + number // 50) + number,
                "agent": {"title": text, "slug": f"agent-{number % 50}", "type": "chat"},
            }
            for number in range(150)
        ),
    )
    question = {"group_by": "agent", "limit": "50"}
    for interval, expected in (("day", 422), ("none", 200)):
        event = proxy_event(EVERYONE, {**question, "interval": interval})
        response = summary.lambda_handler(event, Context())
        assert response["statusCode"] == expected
        size = len(json.dumps(response, ensure_ascii=False).encode())
        assert size <= MAX_RESPONSE_BYTES
        if expected == 422:
            assert json.loads(response["body"])["errors"].keys() == {"limit"}


def test_the_log_has_figures_but_no_personal_data(
    summary: ModuleType,
    clients: Clients,
    template: Template,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put_row(clients, template, Source.CURRENT, 1)
    put_row(clients, template, Source.EDITED, 2)
    assert answer(summary, proxy_event(EVERYONE, {"group_by": "user"}))[0] == 200
    printed = capsys.readouterr().out
    lines = [json.loads(line) for line in printed.splitlines()]
    [answered] = [line for line in lines if line.get("message") == "answered"]
    assert (answered["RowsRead"], answered["EditedRowsRead"]) == (2, 1)
    assert (answered["correlation_id"], answered["workspace_id"]) == ("the-request", 11)
    for secret in ("bo@example.com", "secret", "Bearer"):
        assert secret not in printed
