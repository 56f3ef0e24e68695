"""The authorizer on the real template's tables: whom it allows, with what context, and whom not."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import ModuleType
from typing import Any

import pytest

from local.store.clients import Clients
from local.template.template import Template
from tests.support.functions import Context, environment_of, load
from workspace_usage.access.items import membership_item, token_item
from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken
from workspace_usage.errors import StoreUnavailable

ARN = "arn:aws:execute-api:us-east-1:123456789012:api/v1/GET/workspaces/usage"
SECRET = "s3cr3t|with|bars"


def put_token(clients: Clients, template: Template, **fields: Any) -> None:
    values: dict[str, Any] = {
        "token_id": 7,
        "tokenable_type": "App\\Models\\User",
        "tokenable_id": 42,
        "token_hash": sha256(SECRET.encode()).hexdigest(),
        "abilities": frozenset({"use_agents"}),
        "created_at": datetime.now(UTC) - timedelta(minutes=10),
        "expires_at": None,
    }
    item = token_item(AccessToken(**{**values, **fields}))
    table = template.resources["AccessTokensTable"].name
    clients.dynamodb.put_item(TableName=table, Item=item)


def put_member(clients: Clients, template: Template, *permissions: str) -> None:
    item = membership_item(Membership(11, 42, frozenset(permissions)))
    table = template.resources["MembershipsTable"].name
    clients.dynamodb.put_item(TableName=table, Item=item)


def ask(
    authorizer: ModuleType,
    authorization: str | None = f"Bearer 7|{SECRET}",
    workspace: str | None = "11",
    language: str = "en",
) -> tuple[str, Mapping[str, str]]:
    """Returns the effect of the policy, and the context."""
    given = {
        "Authorization": authorization,
        "x-workspace-id": workspace,
        "Accept-Language": language,
    }
    headers = {name: value for name, value in given.items() if value is not None}
    event = {"methodArn": ARN, "headers": headers, "requestContext": {"requestId": "r"}}
    response = authorizer.lambda_handler(event, Context())
    [statement] = response["policyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("execute-api:Invoke", ARN)
    assert all(isinstance(value, str) for value in response["context"].values())
    return statement["Effect"], response["context"]


@pytest.mark.parametrize(
    ("permissions", "sees"), [((), "own"), (("read_users_activity", "other"), "everyone")]
)
def test_a_member_is_allowed_and_the_context_says_what_they_may_see(
    authorizer: ModuleType, clients: Clients, template: Template, permissions: Any, sees: str
) -> None:
    put_token(clients, template)
    put_member(clients, template, *permissions)
    expected = ("Allow", {"user_id": "42", "workspace_id": "11", "sees": sees})
    for form in (f"Bearer 7|{SECRET}", f"bEARER   7|{SECRET}", f"Bearer Bearer 7|{SECRET}"):
        assert ask(authorizer, form) == expected


def test_a_bare_secret_is_found_by_its_hash(
    authorizer: ModuleType, clients: Clients, template: Template
) -> None:
    digest = sha256(b"bare").hexdigest()
    put_token(clients, template, token_hash=digest, abilities=frozenset({"*"}))
    put_member(clients, template)
    assert ask(authorizer, "Bearer bare")[0] == "Allow"


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic NzpzM2NyM3Q=",
        f"7|{SECRET}",
        f"Bearer 8|{SECRET}",
        "Bearer 7|wrong",
        "Bearer 7|",
        f"Bearer |{SECRET}",
        f"Bearer 07|{SECRET}",
        f"Bearer 7.0|{SECRET}",
        f"Bearer {2**63}|{SECRET}",
        f"Bearer 7|{SECRET} x",
        "Bearer unknown",
        "Bearer \ud800",
        "Bearer " + "x" * 20_000,
    ],
)
def test_any_other_authorization_is_unauthorized(
    authorizer: ModuleType, clients: Clients, template: Template, authorization: str | None
) -> None:
    put_token(clients, template)
    put_member(clients, template)
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        ask(authorizer, authorization)


@pytest.mark.parametrize("fields", [{"expires_at": -1}, {"expires_at": 0}])
def test_a_dead_token_is_unauthorized(
    authorizer: ModuleType, clients: Clients, template: Template, fields: dict[str, int]
) -> None:
    expires_at = datetime.now(UTC) + timedelta(seconds=fields["expires_at"])
    put_token(clients, template, expires_at=expires_at)
    put_member(clients, template)
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        ask(authorizer)


@pytest.mark.parametrize(("minutes", "alive"), [("0", True), ("11", True), ("10", False)])
def test_a_deployment_can_limit_the_lifetime_of_tokens(
    clients: Clients,
    template: Template,
    monkeypatch: pytest.MonkeyPatch,
    minutes: str,
    alive: bool,
) -> None:
    put_token(clients, template)
    put_member(clients, template)
    environment = environment_of(template, "AuthorizerFunction")
    limited = {**environment, "TOKEN_LIFETIME_MINUTES": minutes}
    authorizer = load("authorizer", limited, monkeypatch)
    if alive:
        assert ask(authorizer)[0] == "Allow"
    else:
        with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
            ask(authorizer)


def test_a_token_of_another_model_than_the_user_s_is_unauthorized(
    authorizer: ModuleType, clients: Clients, template: Template
) -> None:
    """User 42 and team 42 are not the same."""
    put_token(clients, template, tokenable_type="App\\Models\\Team")
    put_member(clients, template)
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        ask(authorizer)


def test_a_deployment_can_accept_tokens_of_any_model(
    clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_token(clients, template, tokenable_type="App\\Models\\Team")
    put_member(clients, template)
    environment = {**environment_of(template, "AuthorizerFunction"), "TOKENABLE_TYPE": ""}
    assert ask(load("authorizer", environment, monkeypatch))[0] == "Allow"


def test_a_token_without_the_ability_is_denied_in_the_caller_s_language(
    authorizer: ModuleType, clients: Clients, template: Template
) -> None:
    """Before the workspace id is looked at, and before the membership."""
    put_token(clients, template, abilities=frozenset({"read_files"}))
    expected = ("Deny", {"message": "Este token não pode usar agentes."})
    assert ask(authorizer, language="pt-PT", workspace="x") == expected


def test_a_caller_who_is_not_a_member_is_denied(
    authorizer: ModuleType, clients: Clients, template: Template
) -> None:
    put_token(clients, template)
    put_member(clients, template)
    effect, context = ask(authorizer, workspace="12", language="es-MX")
    message = "No tienes acceso a este espacio de trabajo."
    assert (effect, context) == ("Deny", {"message": message})


@pytest.mark.parametrize("workspace", [None, "", "0", "011", "x", str(2**63)])
def test_an_invalid_workspace_id_is_left_to_the_usage_function(
    authorizer: ModuleType, clients: Clients, template: Template, workspace: str | None
) -> None:
    put_token(clients, template)
    assert ask(authorizer, workspace=workspace) == ("Allow", {"user_id": "42"})


def test_if_the_tables_can_not_be_read_no_caller_is_allowed(
    capsys: pytest.CaptureFixture[str],
    authorizer: ModuleType,
    clients: Clients,
    template: Template,
) -> None:
    clients.dynamodb.delete_table(TableName=template.resources["AccessTokensTable"].name)
    with pytest.raises(StoreUnavailable):
        ask(authorizer)
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["CallsRepeated"] for line in logged if "CallsRepeated" in line] == [[1.0]]
    (entry,) = [line for line in logged if line.get("message") == "unavailable"]
    assert (entry["level"], bool(entry["reason"])) == ("ERROR", True)


def test_the_log_names_outcomes_and_no_tokens(
    capsys: pytest.CaptureFixture[str],
    authorizer: ModuleType,
    clients: Clients,
    template: Template,
) -> None:
    put_token(clients, template)
    put_member(clients, template)
    ask(authorizer)
    ask(authorizer, workspace="12")
    with pytest.raises(Exception, match="Unauthorized"):
        ask(authorizer, "Bearer 7|wrong-secret")
    printed = capsys.readouterr().out
    assert "secret" not in printed
    assert SECRET not in printed
    assert sha256(SECRET.encode()).hexdigest() not in printed
    logged = [json.loads(line) for line in printed.splitlines()]
    outcomes = [line["message"] for line in logged if "message" in line]
    assert outcomes == ["Allowed", "Forbidden", "Unauthorized"]
