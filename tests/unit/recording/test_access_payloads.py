"""A token's or a member's payload becomes an access token or a membership, or is refused."""

from datetime import UTC, datetime

import pytest

from tests.support.payloads import HASH, MEMBER, TOKEN, reason, without
from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken
from workspace_usage.recording.payloads import parse_access_token, parse_membership
from workspace_usage.values import MAX_ID

# --- Access tokens --------------------------------------------------------------------------------


def test_a_payload_becomes_an_access_token() -> None:
    """Its name and its last use are not kept."""
    assert parse_access_token(TOKEN) == AccessToken(
        token_id=7,
        tokenable_type="App\\Models\\User",
        tokenable_id=42,
        token_hash=HASH,
        abilities=frozenset({"use_agents"}),
        created_at=datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        expires_at=datetime(2027, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("name", ["expires_at", "created_at"])
def test_the_dates_of_a_token_may_be_null_or_missing(name: str) -> None:
    """Without the first, the token never expires."""
    assert getattr(parse_access_token({**TOKEN, name: None}), name) is None
    assert getattr(parse_access_token(without(TOKEN, name)), name) is None


@pytest.mark.parametrize("abilities", [[], ["*"], ["a", "a", "b"], [""]])
def test_a_token_has_the_abilities_that_are_listed(abilities: list[str]) -> None:
    """Each of them once."""
    assert parse_access_token({**TOKEN, "abilities": abilities}).abilities == frozenset(abilities)


UNUSABLE: dict[str, list[object]] = {
    "id": [None, 0, "7", 7.0, True, MAX_ID + 1],
    "tokenable_id": [None, 0, "42", True],
    "tokenable_type": [None, 5, "\ud800", ""],
    "token": [
        None,
        "",
        HASH[1:],
        HASH + "0",
        HASH.upper(),
        HASH + "\n",
        "g" * 64,
        "\u0660" * 64,
        f"7|{HASH[:62]}",
        5,
        "\ud800",
    ],
    "abilities": [
        "*",
        '["*"]',
        "",
        {"*": 1},
        5,
    ],
    "expires_at": ["", "2027-01-01", "never", 0, False],
    "created_at": ["", "2026-01-01 00:00:00", 1, []],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in UNUSABLE.items() for value in values]
)
def test_a_token_with_an_unusable_field_is_refused(name: str, value: object) -> None:
    """The reason names the field."""
    assert reason(parse_access_token, {**TOKEN, name: value}).startswith(f"{name}: ")


def test_the_type_of_a_token_has_at_most_255_characters() -> None:
    """As many as the platform's column."""
    assert parse_access_token({**TOKEN, "tokenable_type": "x" * 255}).tokenable_type == "x" * 255
    for length in (256, 400_000):
        text = reason(parse_access_token, {**TOKEN, "tokenable_type": "x" * length})
        assert text == "tokenable_type: must have at most 255 characters"


# --- Members --------------------------------------------------------------------------------------


def test_a_payload_becomes_a_membership() -> None:
    """A member may have no permissions."""
    assert parse_membership(MEMBER) == Membership(11, 42, frozenset({"read_users_activity"}))
    assert parse_membership({**MEMBER, "permissions": []}) == Membership(11, 42, frozenset())


@pytest.mark.parametrize("name", MEMBER)
@pytest.mark.parametrize("value", [0, "11", 1.0, True, [None], "\ud800"])
def test_a_member_with_an_unusable_field_is_refused(name: str, value: object) -> None:
    """The reason names the field."""
    assert reason(parse_membership, {**MEMBER, name: value}).startswith(f"{name}: ")
    assert reason(parse_membership, without(MEMBER, name)) == f"{name}: is missing"


# --- Abilities and permissions --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "texts"),
    [
        ({"1": "use_agents", "3": "other"}, {"use_agents", "other"}),
        ({}, set()),
        (None, set()),
        ("null", set()),
    ],
)
def test_a_list_may_be_written_as_php_and_mysql_write_it(written: object, texts: set[str]) -> None:
    """PHP writes a list with a missing index as an object. Without a list nothing is allowed."""
    assert parse_access_token({**TOKEN, "abilities": written}).abilities == texts
    assert parse_membership({**MEMBER, "permissions": written}).permissions == texts


@pytest.mark.parametrize("ability", [5, None, ["*"], {}])
def test_an_ability_that_is_not_a_text_is_named(ability: object) -> None:
    """Only the first one, however many there are."""
    why = "abilities: must be a list of texts, but item 2 is something else"
    assert reason(parse_access_token, {**TOKEN, "abilities": ["use_agents", ability]}) == why
    # However many there are, the first one is enough.
    assert reason(parse_access_token, {**TOKEN, "abilities": ["a"] + [ability] * 500_000}) == why


def test_a_list_takes_at_most_as_many_bytes_as_the_column_of_the_platform() -> None:
    """65,535 bytes as JSON, with brackets, quotes and commas."""
    longest = ["x" * 65_530]
    assert parse_access_token({**TOKEN, "abilities": longest}).abilities == frozenset(longest)
    many = [f"ability-{number}" for number in range(7_000)]
    for list_ in (["x" * 65_531], ["é" * 32_766], many):
        assert reason(parse_access_token, {**TOKEN, "abilities": list_}).startswith("abilities: ")
        assert reason(parse_membership, {**MEMBER, "permissions": list_}).startswith(
            "permissions: "
        )
