"""The contract, sentence by sentence, over real HTTP to the real template on this machine."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.contract.service import PATH, Answer, Service
from tests.support.generator import USERS, Member, question
from tests.support.oracle import assert_items

pytestmark = pytest.mark.xdist_group("contract")

PORTUGUESE = {"Accept-Language": "pt-BR"}
LARGEST_ID = 2**63 - 1


def day(offset: int = 0) -> str:
    """Returns the date of today, or of ``offset`` days later."""
    return (datetime.now(UTC).date() + timedelta(days=offset)).isoformat()


# The Authorization header


def test_the_scheme_may_be_in_any_case_and_may_be_repeated(service: Service, own: Member) -> None:
    headers = {"Authorization": f"bEaReR Bearer {own.token}"}
    assert service.ask(own, headers=headers).status == 200


def test_a_token_may_begin_with_its_id_or_be_only_the_secret(service: Service) -> None:
    forms = {("|" in member.token): member for member in service.members}
    assert set(forms) == {True, False}
    for member in forms.values():
        assert service.ask(member).status == 200


def test_a_token_is_split_at_the_first_bar(service: Service, own: Member) -> None:
    token = service.put_token(900, "has|bars||inside", own.user_id)
    assert service.ask(own, headers={"Authorization": f"Bearer {token}"}).status == 200


def test_a_token_that_is_missing_malformed_or_unknown_is_401(service: Service, own: Member) -> None:
    for authorization in ("", "Basic dXNlcjpwYXNz", "Bearer unknown", "Bearer 1|wrong"):
        answer = service.ask(own, headers={"Authorization": authorization, **PORTUGUESE})
        assert (answer.status, answer.body) == (401, {"message": "Unauthenticated."})


def test_a_token_of_another_model_is_401(service: Service, own: Member) -> None:
    model = {"S": "App\\Models\\Team"}
    token = service.put_token(906, "of-a-team", own.user_id, tokenable_type=model)
    assert service.ask(own, headers={"Authorization": f"Bearer {token}"}).status == 401


def test_a_token_is_invalid_from_expires_at_on(service: Service, own: Member) -> None:
    for seconds, status in ((-1, 401), (3600, 200)):
        moment = datetime.now(UTC) + timedelta(seconds=seconds)
        expires_at = {"S": f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}"}
        token = service.put_token(901, "expiring", own.user_id, expires_at=expires_at)
        headers = {"Authorization": f"Bearer {token}"}
        assert service.ask(own, headers=headers).status == status


def test_a_token_needs_the_ability_or_all_abilities(service: Service, own: Member) -> None:
    for abilities, status in ((["*"], 200), (["use_agents"], 200), (["use"], 403)):
        stored = {"L": [{"S": ability} for ability in abilities]}
        token = service.put_token(902, "abilities", own.user_id, abilities=stored)
        answer = service.ask(own, headers={"Authorization": f"Bearer {token}", **PORTUGUESE})
        assert answer.status == status
    assert answer.body == {"message": "Este token não pode usar agentes."}


# The x-workspace-id header


def test_a_workspace_id_that_is_not_a_canonical_integer_is_422(
    service: Service, own: Member
) -> None:
    text = "The workspace id must be a positive whole number."
    for workspace in ("", "011"):
        answer = service.ask(own, headers={"x-workspace-id": workspace})
        assert answer.status == 422
        assert answer.body == {"message": text, "errors": {"x-workspace-id": [text]}}


def test_a_workspace_id_is_at_most_2_63_minus_1(service: Service, own: Member) -> None:
    assert service.ask(own, headers={"x-workspace-id": str(LARGEST_ID)}).status == 403
    assert service.ask(own, headers={"x-workspace-id": str(LARGEST_ID + 1)}).status == 422


# The Accept-Language header


def test_messages_are_in_the_caller_s_language(service: Service, own: Member) -> None:
    for language, message in (
        ("", "You do not have access to this workspace."),
        ("pt-BR,pt;q=0.9,en;q=0.8", "Você não tem acesso a este workspace."),
        ("es-MX", "No tienes acceso a este espacio de trabajo."),
        ("fr", "You do not have access to this workspace."),
    ):
        headers = {"x-workspace-id": "12345", "Accept-Language": language}
        answer = service.ask(own, headers=headers)
        assert (answer.status, answer.body) == (403, {"message": message})


def test_fixed_texts_are_never_translated(service: Service, everyone: Member) -> None:
    query = {"per_page": "100"}
    english = service.ask(everyone, query).body
    portuguese = service.ask(everyone, query, headers=PORTUGUESE).body
    texts = {item["output"] for item in portuguese["items"] if item["source"] != "current"}
    assert texts == {"This item was deleted.", "This item was edited."}
    assert [e["output"] for e in english["items"]] == [e["output"] for e in portuguese["items"]]


# Query parameters


def test_the_default_is_30_days_all_types_page_1_and_20_rows(
    service: Service, everyone: Member
) -> None:
    plain = service.ask(everyone).body
    query = {"range": "30d", "type": "all", "page": "1", "per_page": "20"}
    assert_same(service.ask(everyone, query).body, plain)
    assert (plain["page"], plain["per_page"], len(plain["items"])) == (1, 20, 20)


def test_range_has_no_effect_when_both_dates_are_sent(service: Service, everyone: Member) -> None:
    dates = {"start_date": day(-20), "end_date": day(-10)}
    expected = service.ask(everyone, dates).body
    assert expected["items"]
    for kind in ("1d", "7d", "30d", "nonsense"):
        assert_same(service.ask(everyone, {**dates, "range": kind}).body, expected)


def test_a_parameter_that_breaks_its_rule_is_422(service: Service, everyone: Member) -> None:
    """One case of each rule. All that is wrong is named at once."""
    cases: list[tuple[dict[str, str], set[str]]] = [
        ({"range": "5d"}, {"range"}),
        ({"start_date": "2026-01-01", "range": "7d"}, {"end_date"}),
        ({"start_date": "2026-02-30", "end_date": "2026-03-01"}, {"start_date"}),
        ({"start_date": "2026-01-02", "end_date": "2026-01-01"}, {"end_date"}),
        ({"start_date": "2026-01-01", "end_date": "2026-04-01"}, {"end_date"}),
        ({"user_id": "٣"}, {"user_id"}),
        ({"type": "Chat"}, {"type"}),
        ({"page": "9" * 5000}, {"page"}),
        ({"per_page": "101"}, {"per_page"}),
        ({"cursor": "nonsense"}, {"cursor"}),
        (
            {"end_date": "2026-01-05", "page": "x", "per_page": "0"},
            {"start_date", "page", "per_page"},
        ),
    ]
    for query, fields in cases:
        answer = service.ask(everyone, query)
        assert answer.status == 422
        assert set(answer.body) == {"message", "errors"}
        assert set(answer.body["errors"]) == fields
        for texts in answer.body["errors"].values():
            assert all(isinstance(text, str) and text for text in texts)


def test_a_parameter_at_its_limit_is_valid(service: Service, everyone: Member) -> None:
    queries: list[dict[str, str]] = [
        {"start_date": "2026-01-01", "end_date": "2026-03-31"},
        {"start_date": "0001-01-01", "end_date": "0001-01-02"},
        {"start_date": "9999-12-31", "end_date": "9999-12-31"},
        {"user_id": str(LARGEST_ID)},
        {"page": str(LARGEST_ID), "per_page": "100"},
        {"per_page": "1"},
    ]
    for query in queries:
        answer = service.ask(everyone, query)
        assert answer.status == 200
        assert answer.body["page"] == int(query.get("page", 1))


def test_an_empty_value_counts_as_absent(service: Service, everyone: Member) -> None:
    names = ["range", "start_date", "end_date", "user_id", "type", "page", "per_page", "cursor"]
    expected = service.ask(everyone).body
    assert_same(service.ask(everyone, dict.fromkeys(names, "")).body, expected)
    assert_same(service.ask(everyone, "type=&page").body, expected)


def test_white_space_around_values_is_ignored(service: Service, everyone: Member) -> None:
    query = {"range": "7d", "type": "chat", "page": "2", "per_page": "2"}
    spaced = "range=7d%20&type=%C2%A0chat%0A&page=+2&per_page=%E2%80%8B2%EF%BB%BF%00&user_id=%20"
    assert_same(service.ask(everyone, spaced).body, service.ask(everyone, query).body)


def test_the_last_value_of_a_repeated_parameter_counts(service: Service, everyone: Member) -> None:
    answer = service.ask(everyone, [("per_page", "x"), ("per_page", "3")])
    assert answer.body["per_page"] == 3
    assert service.ask(everyone, [("per_page", "3"), ("per_page", "x")]).status == 422


def test_unknown_parameters_have_no_effect(service: Service, everyone: Member) -> None:
    expected = service.ask(everyone, {"per_page": "5"}).body
    query = {"per_page": "5", "limit": "1", "Page": "9", "user": "1", "workspace_id": "12"}
    query |= {"type[]": "chat", "page[]": "3", " page": "4"}
    assert_same(service.ask(everyone, query).body, expected)


# Windows, scopes, order and items, compared with the oracle


def test_random_questions_get_the_oracle_s_answers(service: Service) -> None:
    random = Random(1)
    for _ in range(50):
        member = random.choice(service.members)
        query = question(random, datetime.now(UTC))
        assert_as_expected(service, member, query)


@pytest.mark.parametrize("kind", ["1d", "7d", "30d"])
def test_a_range_is_whole_days_up_to_the_end_of_today(
    service: Service, everyone: Member, kind: str
) -> None:
    """The data set has rows at each edge, just before it and just after it."""
    for page in ("1", "2", "3"):
        assert_as_expected(service, everyone, {"range": kind, "per_page": "100", "page": page})


def test_both_dates_are_included_as_whole_days(service: Service, everyone: Member) -> None:
    for start, end in ((-1, -1), (-6, -6), (-29, -28), (-60, -59), (-89, 0)):
        query = {"start_date": day(start), "end_date": day(end), "per_page": "100"}
        assert_as_expected(service, everyone, query)


def test_a_member_with_the_permission_sees_everyone(service: Service, everyone: Member) -> None:
    users = {item["user_id"] for item in walk(service, everyone, {"per_page": "100"})}
    assert users == set(USERS)


def test_any_other_member_sees_only_their_own_rows(service: Service, own: Member) -> None:
    for query in ({}, {"type": "chat"}, {"user_id": str(own.user_id)}, {"user_id": ""}):
        rows = list(walk(service, own, {"per_page": "100", **query}))
        assert {item["user_id"] for item in rows} == {own.user_id}


def test_someone_else_s_user_id_is_403(service: Service, own: Member) -> None:
    message = "No puedes ver la actividad de otros usuarios en este espacio de trabajo."
    for user_id in ("1", "77"):
        answer = service.ask(own, {"user_id": user_id}, headers={"Accept-Language": "es-MX"})
        assert (answer.status, answer.body) == (403, {"message": message})


def test_an_unknown_user_has_no_rows(service: Service, everyone: Member) -> None:
    body = service.ask(everyone, {"user_id": "77"}).body
    assert (body["items"], body["has_more"], body["next_cursor"]) == ([], False, None)


def test_nobody_sees_another_workspace(service: Service, everyone: Member) -> None:
    """User 1 sees everyone in both workspaces, but each answer has rows of one workspace."""
    rows: dict[int, set[tuple[Any, str]]] = {}
    for member in (everyone, service.members[3]):
        items = walk(service, member, {"per_page": "100"})
        rows[member.workspace_id] = {(item["id"], item["created_at"]) for item in items}
    assert rows[11]
    assert rows[12]
    assert rows[11].isdisjoint(rows[12])


# Order of checks


def test_the_first_failed_check_decides_the_answer(service: Service, own: Member) -> None:
    """401 token, 403 ability, 422 workspace id, 403 member, 422 query, 403 user."""
    no_ability = service.put_token(903, "checks", own.user_id, abilities={"L": []})
    wrong = {"user_id": "1", "page": "x"}
    steps: list[tuple[dict[str, str], dict[str, str], int]] = [
        ({"Authorization": "Bearer x", "x-workspace-id": "x"}, wrong, 401),
        ({"Authorization": f"Bearer {no_ability}", "x-workspace-id": "x"}, wrong, 403),
        ({"x-workspace-id": "x"}, wrong, 422),
        ({"x-workspace-id": "12345"}, wrong, 403),
        ({}, wrong, 422),
        ({}, {"user_id": "1"}, 403),
        ({}, {}, 200),
    ]
    answers = [service.ask(own, query, headers=headers) for headers, query, _ in steps]
    assert [answer.status for answer in answers] == [status for _, _, status in steps]
    assert "x-workspace-id" in answers[2].body["errors"]
    assert "page" in answers[4].body["errors"]


# 200


def test_the_body_has_its_fields_in_this_order(service: Service, everyone: Member) -> None:
    body = service.ask(everyone).body
    assert list(body) == ["items", "has_more", "page", "per_page", "next_cursor"]
    names = "id created_at user_id type status email credits name slug output root_id"
    names += " execution_origin source used_model tokens link"
    assert all(list(item) == names.split() for item in body["items"])


def test_has_more_and_next_cursor_say_whether_older_rows_follow(
    service: Service, everyone: Member
) -> None:
    total = len(list(walk(service, everyone, {"range": "7d", "per_page": "100"})))
    assert total > 2
    for per_page in (1, total - 1, total):
        if per_page <= 100:
            body = service.ask(everyone, {"range": "7d", "per_page": str(per_page)}).body
            assert body["has_more"] == (per_page < total)
            assert (body["next_cursor"] is None) == (not body["has_more"])


@pytest.mark.parametrize("kind", ["all", "image"])
def test_pages_and_cursors_give_the_same_rows_each_of_them_once(
    service: Service, everyone: Member, kind: str
) -> None:
    query = {"type": kind, "per_page": "60"}
    by_cursor = list(walk(service, everyone, query))
    by_page: list[Any] = []
    for page in range(1, 100):
        answer = service.ask(everyone, {**query, "page": str(page)})
        by_page += answer.body["items"]
        if not answer.body["has_more"]:
            break
    assert [item["id"] for item in by_page] == [item["id"] for item in by_cursor]
    places = [(item["created_at"], str(item["id"])) for item in by_page]
    assert len(set(places)) == len(places)


def test_with_a_cursor_page_is_null_and_page_is_an_error(
    service: Service, everyone: Member
) -> None:
    cursor = service.ask(everyone, {"per_page": "1"}).body["next_cursor"]
    answer = service.ask(everyone, {"cursor": cursor, "per_page": "1"})
    assert (answer.status, answer.body["page"]) == (200, None)
    answer = service.ask(everyone, {"cursor": cursor, "page": "1"})
    assert (answer.status, list(answer.body["errors"])) == (422, ["cursor"])


def test_a_cursor_of_a_caller_who_sees_more_shows_no_more_rows(
    service: Service, everyone: Member, own: Member
) -> None:
    cursor = service.ask(everyone, {"per_page": "5"}).body["next_cursor"]
    body = service.ask(own, {"cursor": cursor, "per_page": "100"}).body
    assert {item["user_id"] for item in body["items"]} <= {own.user_id}


# Items


def test_the_data_set_has_every_kind_of_item(service: Service, everyone: Member) -> None:
    """Each source, type, status, link and rule of tokens is compared with the oracle."""
    rows = list(walk(service, everyone, {"per_page": "100"}))
    assert {item["source"] for item in rows} == {"current", "archived", "edited"}
    kinds = {"chat", "image", "text", "voiceover", "video", "code", "music"}
    assert {item["type"] for item in rows} == kinds
    assert {item["status"] for item in rows} == {"succeeded", "failed"}
    links = [item["link"] for item in rows if item["link"]]
    for prefix in (
        "/dashboard/user/ai/chat/ai-chat/chat-agent?_chat_id=",
        "https://",
        "http://127",
    ):
        assert any(link.startswith(prefix) for link in links)
    assert any(item["tokens"] for item in rows)
    assert any(item["tokens"] is None for item in rows)


def test_credits_are_exact(service: Service, everyone: Member) -> None:
    url = f"{service.stack.url}{PATH}?per_page=100"
    headers = {"Authorization": f"Bearer {everyone.token}", "x-workspace-id": "11"}
    text = service.client.get(url, headers=headers).text
    assert '"credits":0.006145,' in text
    assert '"credits":123456789012345678.0123456789,' in text


def test_a_presigned_url_returns_the_object(service: Service, everyone: Member) -> None:
    key = "images/plain.png"
    bucket = service.stack.template.resources["MediaBucket"].name
    service.stack.clients.s3.put_object(Bucket=bucket, Key=key, Body=b"picture")
    dates = {"start_date": day(-89), "end_date": day()}
    rows = walk(service, everyone, {"per_page": "100", "type": "image", **dates})
    link = next(item["link"] for item in rows if item["link"] and item["output"] == key)
    assert httpx.get(link).content == b"picture"
    assert "X-Amz-Expires=3600" in link


# Errors


def test_an_unknown_path_or_method_is_404(service: Service, own: Member) -> None:
    for method, path in (
        ("GET", "/workspaces"),
        ("GET", "/workspaces/usage/"),
        ("POST", PATH),
        ("OPTIONS", PATH),
        ("BREW", PATH),
    ):
        answer = service.ask(own, path=path, method=method)
        expected = (404, {"message": "There is nothing at this address."})
        assert (answer.status, answer.body) == expected


def test_no_answer_may_be_stored_by_clients_or_proxies(service: Service, own: Member) -> None:
    """Neither the function's answers nor the gateway's own."""
    answers = [
        service.ask(own),
        service.ask(own, {"page": "0"}),
        service.ask(own, {"user_id": "1"}),
        service.ask(own, headers={"Authorization": ""}),
        service.ask(own, headers={"x-workspace-id": "12345"}),
        service.ask(own, path="/nothing"),
        service.ask(own, path=f"/{'a' * 9_000}"),
        service.ask(own, headers={"X-Large": "a" * 11_000}),
    ]
    assert [a.status for a in answers] == [200, 422, 403, 401, 403, 404, 414, 431]
    body = bytes(10 * 1024 * 1024 + 1)
    large = service.client.post(f"{service.stack.url}{PATH}", content=body)
    assert large.status_code == 413
    for headers in (*(answer.headers for answer in answers), large.headers):
        assert headers.get_list("Cache-Control") == ["no-store"]
        assert headers["x-amzn-RequestId"]


def test_the_body_of_a_request_is_ignored(service: Service, everyone: Member) -> None:
    url, headers = f"{service.stack.url}{PATH}", {"Authorization": f"Bearer {everyone.token}"}
    headers |= {"x-workspace-id": "11", "Content-Type": "application/json"}
    answer = service.client.request("GET", url, headers=headers, content='{"per_page": 0}')
    assert (answer.status_code, answer.json()["per_page"]) == (200, 20)


# The 60-second cache


def test_identical_requests_within_60_seconds_may_get_the_same_answer(
    service: Service, everyone: Member
) -> None:
    first = service.ask(everyone, {"per_page": "7"})
    service.clock.now += 59
    second = service.ask(everyone, {"per_page": "7"})
    assert (first.hit, second.hit) == (False, True)
    assert second.body == first.body
    service.clock.now += 2
    assert not service.ask(everyone, {"per_page": "7"}).hit


def test_two_callers_never_share_an_answer(service: Service) -> None:
    """And one caller never gets the answer to another question."""
    member, other = service.members[0], service.members[1]
    variants: list[tuple[Member, dict[str, str], dict[str, str]]] = [
        (member, {}, {}),
        (other, {}, {}),
        (member, {}, {"x-workspace-id": "12"}),
        (member, {}, PORTUGUESE),
        (member, {"range": "7d"}, {}),
        (member, {"start_date": day(-3), "end_date": day()}, {}),
        (member, {"start_date": day(-3), "end_date": day(-1)}, {}),
        (member, {"start_date": day(-4), "end_date": day(-1)}, {}),
        (member, {"user_id": "1"}, {}),
        (member, {"type": "chat"}, {}),
        (member, {"page": "2"}, {}),
        (member, {"per_page": "21"}, {}),
        (member, {"cursor": service.ask(member).body["next_cursor"]}, {}),
    ]
    service.clock.now += 1000
    answers: list[Answer] = []
    for asker, query, headers in variants:
        answers.append(service.ask(asker, query, headers=headers))
        assert not answers[-1].hit, (query, headers)
    for (asker, query, headers), first in zip(variants, answers, strict=True):
        again = service.ask(asker, query, headers=headers)
        assert again.hit
        assert again.body == first.body


def test_a_revoked_token_is_refused_although_its_answer_is_cached(
    service: Service, own: Member
) -> None:
    token = service.put_token(904, "revoked", own.user_id)
    headers = {"Authorization": f"Bearer {token}"}
    assert service.ask(own, headers=headers).status == 200
    assert service.ask(own, headers=headers).hit
    table = service.stack.template.resources["AccessTokensTable"].name
    service.stack.clients.dynamodb.delete_item(TableName=table, Key={"token_id": {"N": "904"}})
    assert service.ask(own, headers=headers).status == 401


def test_a_removed_member_is_refused_although_their_answer_is_cached(service: Service) -> None:
    key = {"workspace_id": {"N": "11"}, "user_id": {"N": "500"}}
    service.put("MembershipsTable", {**key, "permissions": {"L": []}})
    token = service.put_token(905, "removed", 500)
    member = Member(token, 11, 500, sees_everyone=False)
    assert service.ask(member).status == 200
    assert service.ask(member).hit
    table = service.stack.template.resources["MembershipsTable"].name
    service.stack.clients.dynamodb.delete_item(TableName=table, Key=key)
    assert service.ask(member).status == 403


def test_a_caller_can_not_bypass_the_cache(service: Service, own: Member) -> None:
    service.ask(own)
    for control in ("max-age=0", "no-cache", "no-store"):
        assert service.ask(own, headers={"Cache-Control": control}).hit


# Direct invocation


def invoke(service: Service, event: object) -> httpx.Response:
    """Invokes the usage function directly, with Lambda's API."""
    alias = quote(service.stack.template.outputs["UsageFunctionArn"], safe="")
    url = f"{service.stack.url}/2015-03-31/functions/{alias}/invocations"
    return service.client.post(url, content=json.dumps(event))


def test_a_direct_invocation_returns_the_200_body(service: Service, everyone: Member) -> None:
    answer = invoke(service, {"workspace_id": " 11", "range": "7d ", "user_id": 2, "per_page": 9})
    query = {"range": "7d", "user_id": "2", "per_page": "9"}
    _, expected = service.expected(everyone, query)
    body = answer.json(parse_float=float)
    assert [item["id"] for item in body["items"]] == [item["id"] for item in expected["items"]]
    assert (body["page"], body["per_page"], body["has_more"]) == (1, 9, expected["has_more"])


def test_a_direct_invocation_that_fails_raises_a_named_error(service: Service) -> None:
    answer = invoke(service, {"workspace_id": 11, "range": "5d"})
    assert answer.headers["X-Amz-Function-Error"] == "Unhandled"
    assert answer.json()["errorType"] == "InvalidRequest"
    assert "range" in json.loads(answer.json()["errorMessage"])["errors"]


# Helpers


def assert_as_expected(service: Service, member: Member, query: dict[str, str]) -> None:
    """Asks the service, and compares its answer with the oracle's."""
    status, expected = service.expected(member, query)
    answer = service.ask(member, query)
    assert answer.status == status, (query, answer.body)
    if status == 422:
        assert set(answer.body["errors"]) == expected
    elif status == 200:
        assert_items(answer.body["items"], expected["items"])
        for name in ("has_more", "page", "per_page"):
            assert answer.body[name] == expected[name]


def walk(service: Service, member: Member, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Yields all items of a listing, page by page with cursors."""
    cursor = ""
    while True:
        body = service.ask(member, {**query, "cursor": cursor}).body
        yield from body["items"]
        if body["next_cursor"] is None:
            return
        cursor = body["next_cursor"]


def assert_same(actual: dict[str, Any], expected: dict[str, Any]) -> None:
    """Compares two bodies, but only the ids of their items: presigned URLs change every second."""
    assert [e["id"] for e in actual["items"]] == [e["id"] for e in expected["items"]]
    assert {**actual, "items": []} == {**expected, "items": []}
