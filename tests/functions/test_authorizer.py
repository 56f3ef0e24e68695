"""The authorizer on the real template's tables: whom it allows, with what context, and whom not."""

import json
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from types import ModuleType
from typing import Any

import pytest

from local.store.clients import Clients
from local.template.template import Template
from tests.support.authorizer import TOKEN_SECRET, authorize, put_membership, put_token
from tests.support.functions import environment_of, warm_function
from workspace_usage.errors import StoreUnavailable


@pytest.mark.parametrize(
    ("permissions", "sees"), [((), "own"), (("read_users_activity", "other"), "everyone")]
)
def test_a_member_is_allowed_and_the_context_says_what_they_may_see(
    authorizer: ModuleType, clients: Clients, template: Template, permissions: Any, sees: str
) -> None:
    put_token(clients, template)
    put_membership(clients, template, *permissions)
    expected = ("Allow", {"user_id": "42", "workspace_id": "11", "sees": sees})
    for form in (
        f"Bearer 7|{TOKEN_SECRET}",
        f"bEARER   7|{TOKEN_SECRET}",
        f"Bearer Bearer 7|{TOKEN_SECRET}",
    ):
        assert authorize(authorizer, form) == expected


def test_a_bare_secret_is_found_by_its_hash(
    authorizer: ModuleType, clients: Clients, template: Template
) -> None:
    digest = sha256(b"bare").hexdigest()
    put_token(clients, template, token_hash=digest, abilities=frozenset({"*"}))
    put_membership(clients, template)
    assert authorize(authorizer, "Bearer bare")[0] == "Allow"


def test_any_other_authorization_is_unauthorized(
    authorizer: ModuleType, clients: Clients, template: Template
) -> None:
    put_token(clients, template)
    put_membership(clients, template)
    for authorization in (
        None,
        "",
        "Bearer",
        "Basic NzpzM2NyM3Q=",
        f"7|{TOKEN_SECRET}",
        f"Bearer 8|{TOKEN_SECRET}",
        "Bearer 7|wrong",
        f"Bearer |{TOKEN_SECRET}",
        f"Bearer 07|{TOKEN_SECRET}",
        f"Bearer {2**63}|{TOKEN_SECRET}",
        f"Bearer 7|{TOKEN_SECRET} x",
        "Bearer unknown",
        "Bearer \ud800",
        "Bearer " + "x" * 20_000,
    ):
        with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
            authorize(authorizer, authorization)


def test_a_token_that_has_expired_is_unauthorized(
    authorizer: ModuleType, clients: Clients, template: Template
) -> None:
    put_membership(clients, template)
    for seconds, is_alive in ((60, True), (0, False), (-1, False)):
        put_token(clients, template, expires_at=datetime.now(UTC) + timedelta(seconds=seconds))
        if is_alive:
            assert authorize(authorizer)[0] == "Allow"
            continue
        with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
            authorize(authorizer)


def test_a_token_of_another_model_than_the_user_s_is_unauthorized(
    authorizer: ModuleType, clients: Clients, template: Template
) -> None:
    """User 42 and team 42 are not the same."""
    put_token(clients, template, tokenable_type="App\\Models\\Team")
    put_membership(clients, template)
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        authorize(authorizer)


def test_a_deployment_can_accept_tokens_of_any_model(
    clients: Clients, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_token(clients, template, tokenable_type="App\\Models\\Team")
    put_membership(clients, template)
    environment = {**environment_of(template, "AuthorizerFunction"), "TOKENABLE_TYPE": ""}
    assert authorize(warm_function("authorizer", environment, monkeypatch))[0] == "Allow"


def test_a_token_without_the_ability_is_denied_in_the_caller_s_language(
    authorizer: ModuleType, clients: Clients, template: Template
) -> None:
    """Before the workspace id is looked at, and before the membership."""
    put_token(clients, template, abilities=frozenset({"read_files"}))
    expected = ("Deny", {"message": "Este token não pode usar agentes."})
    assert authorize(authorizer, language="pt-PT", workspace="x") == expected


def test_a_caller_who_is_not_a_member_is_denied(
    authorizer: ModuleType, clients: Clients, template: Template
) -> None:
    put_token(clients, template)
    put_membership(clients, template)
    effect, context = authorize(authorizer, workspace="12", language="es-MX")
    message = "No tienes acceso a este espacio de trabajo."
    assert (effect, context) == ("Deny", {"message": message})


def test_an_invalid_workspace_id_is_left_to_the_usage_function(
    authorizer: ModuleType, clients: Clients, template: Template
) -> None:
    put_token(clients, template)
    for workspace in (None, "", "0", "011", "x", str(2**63)):
        assert authorize(authorizer, workspace=workspace) == ("Allow", {"user_id": "42"})


def test_if_the_tables_can_not_be_read_no_caller_is_allowed(
    capsys: pytest.CaptureFixture[str],
    authorizer: ModuleType,
    clients: Clients,
    template: Template,
) -> None:
    clients.dynamodb.delete_table(TableName=template.resources["AccessTokensTable"].name)
    with pytest.raises(StoreUnavailable):
        authorize(authorizer)
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
    put_membership(clients, template)
    authorize(authorizer)
    authorize(authorizer, workspace="12")
    with pytest.raises(Exception, match="Unauthorized"):
        authorize(authorizer, "Bearer 7|wrong-secret")
    printed = capsys.readouterr().out
    assert "secret" not in printed
    assert TOKEN_SECRET not in printed
    assert sha256(TOKEN_SECRET.encode()).hexdigest() not in printed
    logged = [json.loads(line) for line in printed.splitlines()]
    outcomes = [line["message"] for line in logged if "message" in line]
    assert outcomes == ["Allowed", "Forbidden", "Unauthorized"]
