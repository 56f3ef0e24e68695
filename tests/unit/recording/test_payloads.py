"""A record becomes what the listing needs of it, or is refused with its field's name."""

import json
from collections.abc import Callable
from copy import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.strategies import credit_amounts, json_values, stored_rows
from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken
from workspace_usage.recording.payloads import (
    InvalidPayload,
    access_token,
    execution_row,
    membership,
)
from workspace_usage.recording.reasons import UNEXPECTED
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import (
    MEDIA_TYPES,
    Row,
    Source,
    Tokens,
    from_stored_item,
    kept_output,
    to_stored_item,
)
from workspace_usage.values import MAX_ID, MAX_REASON_BYTES

type Record = dict[str, Any]

HASH = "0123456789abcdef" * 4
EXECUTION: Record = {
    "id": 7,
    "user_openai_id": 8,
    "workspace_id": 11,
    "user_id": 42,
    "user_email": "ana@example.com",
    "created_at": "2026-01-05T19:35:21.000000Z",
    "agent": {"title": "Chat with Tess", "slug": "chat-with-tess", "type": "chat"},
    "status": "succeeded",
    "credits": Decimal("0.006145"),
    "output": "What it said",
    "root_id": 5,
    "metadata": {"execution_origin": "api", "more": 1},
    "used_model": "a-model",
    "detailed_credits": {
        "billing": "tokens",
        "input_tokens": 1,
        "output_tokens": 2,
        "total_tokens": 3,
    },
    "unknown": {"fields": "are ignored"},
}
"""A record that is one of every source."""

TOKEN: Record = {
    "id": 7,
    "tokenable_type": "App\\Models\\User",
    "tokenable_id": 42,
    "name": "my token",
    "token": HASH,
    "abilities": ["use_agents"],
    "last_used_at": "whenever",
    "expires_at": "2027-01-01T00:00:00.000000Z",
    "created_at": "2026-01-01T00:00:00.000001Z",
}
MEMBER: Record = {"workspace_id": 11, "user_id": 42, "permissions": ["read_users_activity"]}


def row(source: Source = Source.CURRENT, **changes: object) -> Row:
    return execution_row(source, {**EXECUTION, **changes})


def agent(kind: str) -> Record:
    return {**EXECUTION["agent"], "type": kind}


def without(record: Record, field: str) -> Record:
    return {name: value for name, value in record.items() if name != field}


def reason(read: Callable[[object], object], record: object) -> str:
    """Why ``record`` is refused."""
    with pytest.raises(InvalidPayload) as caught:
        read(record)
    return str(caught.value)


def refused_field(source: Source, **changes: object) -> str:
    """The one field that is named when a record with ``changes`` is refused."""
    text = reason(lambda record: execution_row(source, record), {**EXECUTION, **changes})
    field, colon, why = text.partition(": ")
    assert colon
    assert why
    assert ";" not in text
    return field


# Executions


def test_an_execution_becomes_a_row() -> None:
    assert row() == Row(
        source=Source.CURRENT,
        workspace_id=11,
        position=Position("2026-01-05T19:35:21.000000Z", 0, 7),
        user_id=42,
        user_email="ana@example.com",
        agent_type="chat",
        agent_title="Chat with Tess",
        agent_slug="chat-with-tess",
        status="succeeded",
        credits=Decimal("0.006145"),
        output=None,
        root_id=5,
        execution_origin="api",
        used_model="a-model",
        tokens=Tokens(1, 2, 3),
    )


def test_an_archived_execution_keeps_its_place() -> None:
    assert row(Source.ARCHIVED) == replace(row(), source=Source.ARCHIVED)


def test_an_edited_chat_has_its_own_number_and_rank_and_no_model() -> None:
    edited = row(Source.EDITED)
    assert edited.position == Position("2026-01-05T19:35:21.000000Z", 1, 8)
    assert edited.used_model is None
    assert edited == replace(row(), source=Source.EDITED, position=edited.position, used_model=None)


@given(st.sampled_from(Source), stored_rows())
def test_a_record_survives_its_way_through_a_file_and_a_table(source: Source, shown: Row) -> None:
    """Record → JSON line → record → row → item → row: nothing is lost on the way."""
    billing = None
    if shown.tokens is not None:
        billing = {
            "billing": "tokens",
            "input_tokens": shown.tokens.input,
            "output_tokens": shown.tokens.output,
            "total_tokens": shown.tokens.total,
        }
    kind = "chat" if source is Source.EDITED else shown.agent_type
    record = {
        "id": shown.position.id or 1,
        "user_openai_id": shown.position.id or 1,
        "workspace_id": shown.workspace_id,
        "user_id": shown.user_id,
        "user_email": shown.user_email,
        "created_at": shown.position.created_at,
        "agent": {"title": shown.agent_title, "slug": shown.agent_slug, "type": kind},
        "status": shown.status,
        "credits": str(shown.credits),
        "output": shown.output,
        "root_id": shown.root_id,
        "metadata": {"execution_origin": shown.execution_origin},
        "used_model": shown.used_model,
        "detailed_credits": billing,
    }
    line = json.dumps(record)
    read = execution_row(source, json.loads(line, parse_float=Decimal))
    assert read == replace(
        shown,
        source=source,
        position=replace(shown.position, rank=source.rank),
        agent_type=kind,
        output=kept_output(source, kind, shown.output),
        used_model=None if source is Source.EDITED else shown.used_model,
    )
    assert from_stored_item(source, to_stored_item(read)) == read


@pytest.mark.parametrize("kind", ["chat", "text", "code", "music", "Image"])
def test_an_output_that_is_never_shown_is_dropped(kind: str) -> None:
    assert row(agent=agent(kind)).output is None


@pytest.mark.parametrize("kind", sorted(MEDIA_TYPES))
def test_an_output_of_media_is_kept_while_it_is_current(kind: str) -> None:
    for output in ("images/1.png", "https://example.com/1.png", "", None):
        assert row(agent=agent(kind), output=output).output == output
        assert row(agent=agent(kind), output=output, status="failed").output == output


@pytest.mark.parametrize("status", ["succeeded", "failed"])
def test_of_an_archived_output_only_the_key_is_kept(status: str) -> None:
    """Without the key, the object could never be erased."""
    for output, kept in {
        "images/1.png": "images/1.png",
        "é" * 512: "é" * 512,
        "é" * 512 + "x": None,
        "HTTPS://example.com/1.png": None,
        "": None,
        None: None,
    }.items():
        archived = row(Source.ARCHIVED, agent=agent("image"), status=status, output=output)
        assert archived.output == kept
        assert ("output" in to_stored_item(archived)) == (kept is not None)


def test_a_medium_that_no_key_can_name_is_refused() -> None:
    """S3's keys have at most 1,024 bytes of UTF-8: the link would never show anything."""
    for fitting, long in (("x" * 1_024, "x" * 1_025), ("é" * 512, "é" * 512 + "x")):
        assert row(agent=agent("image"), output=fitting).output == fitting
        assert refused_field(Source.CURRENT, agent=agent("image"), output=long) == "output"
        assert row(agent=agent("image"), output=long, status="failed").output == long
        assert row(agent=agent("image"), output=f"http://{long}").output == f"http://{long}"


@pytest.mark.parametrize("source", Source)
def test_what_is_not_kept_may_be_of_any_length(source: Source) -> None:
    assert row(source, output="x" * 1_000_000).output is None


@pytest.mark.parametrize(
    "field", ["output", "root_id", "metadata", "used_model", "detailed_credits", "credits"]
)
def test_what_need_not_be_known_may_be_null_or_missing(field: str) -> None:
    unknown = execution_row(Source.CURRENT, {**EXECUTION, field: None})
    assert unknown == execution_row(Source.CURRENT, without(EXECUTION, field))


def test_credits_that_are_not_known_are_none() -> None:
    assert row(credits=None).credits == 0


NOTHING: list[object] = [None, {}, [], "null"]
"""What an empty object, and a null in a JSON column, become in Laravel and MySQL."""


@pytest.mark.parametrize(
    "metadata", [*NOTHING, {"execution_origin": None}, {"execution_origin": "null"}]
)
def test_an_unknown_origin_is_none(metadata: object) -> None:
    assert row(metadata=metadata).execution_origin is None


def test_an_unknown_model_is_none() -> None:
    assert row(used_model="null").used_model is None


@pytest.mark.parametrize("detail", NOTHING)
def test_without_detailed_credits_there_are_no_tokens(detail: object) -> None:
    assert row(detailed_credits=detail).tokens is None


def test_a_text_that_is_from_no_json_column_may_say_null() -> None:
    named = row(user_email="null", agent={"title": "null", "slug": "null", "type": "null"})
    assert (named.user_email, named.agent_title, named.agent_slug) == ("null",) * 3


@pytest.mark.parametrize("billing", ["credits", "Tokens", "", None])
def test_without_billing_by_tokens_there_are_no_tokens(billing: str | None) -> None:
    detail = {**EXECUTION["detailed_credits"], "billing": billing}
    assert row(detailed_credits=detail).tokens is None
    assert row(detailed_credits={"billing": "tokens"}).tokens == Tokens(None, None, None)


@given(credit_amounts())
def test_credits_are_exact_as_text_and_as_a_number(amount: Decimal) -> None:
    for written in (amount, str(amount), f"{amount:f}"):
        assert row(credits=written).credits == amount


@pytest.mark.parametrize(
    ("written", "number"),
    [
        (0.006145, "0.006145"),  # what a parser makes of it that knows no decimals
        (0.1, "0.1"),
        (1e-7, "1E-7"),
        (12, "12"),
        ("0.50", "0.50"),
        (Decimal("-1.5"), "-1.5"),
        ("0", "0"),
        ("-0", "0"),
        ("0.000", "0"),
        ("0E-500", "0"),  # more digits than a table takes, for nothing
        ("0e999999999999", "0"),
        ("+5", "5"),
        ("-0.006145", "-0.006145"),  # a correction
        ("5.", "5"),
        (".5", "0.5"),
        (10**125, "1E+125"),
        (-0.0, "0"),
    ],
)
def test_credits_are_spelled_as_a_table_takes_them(written: object, number: str) -> None:
    assert str(row(credits=written).credits) == number


@pytest.mark.parametrize(
    "value",
    [
        "",
        "abc",
        "1,5",
        "1_000",
        " 7 ",
        "7\n",
        "\uff11\uff12.\uff15",  # full-width digits
        "\u0667",
        "1e5\u0661",
        "0x10",
        "NaN",
        "sNaN",
        "NaN123",
        "Infinity",
        "-inf",
        "1e999999999999999999999",
        "1E126",
        "1E-131",
        "1" * 39,
        "0." + "1" * 39,
        1e300,
        1e-320,
        10**200,
        -(10**126),
        Decimal("1e999999999999"),
        Decimal("1e-999999999999"),
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        Decimal("-Infinity"),
        True,
        False,
        [],
        {},
    ],
)
@pytest.mark.parametrize("source", Source)
def test_credits_that_no_table_can_hold_are_refused(value: object, source: Source) -> None:
    assert refused_field(source, credits=value) == "credits"


def test_credits_may_be_written_with_any_number_of_digits_that_say_nothing() -> None:
    assert str(row(credits="1." + "0" * 1_000).credits) == "1"
    assert str(row(credits=f"-{'1' * 38}.{'0' * 1_000}").credits) == f"-{'1' * 38}"
    # The first is too long for Python to write it down as a text.
    for value in (10**5_000, "1" * 500_000, Decimal("1" * 500_000)):
        assert refused_field(Source.CURRENT, credits=value) == "credits"


IDS = {
    Source.CURRENT: ("id", "workspace_id", "user_id"),
    Source.ARCHIVED: ("id", "workspace_id", "user_id"),
    Source.EDITED: ("user_openai_id", "workspace_id", "user_id"),
}


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize(
    "value",
    [None, 0, -1, MAX_ID + 1, 10**40, "7", "", 7.0, 7.5, Decimal("7.0"), True, [7], {}],
)
def test_ids_are_integers_of_64_bits(source: Source, value: object) -> None:
    for name in IDS[source]:
        assert refused_field(source, **{name: value}) == name
        assert row(source, **{name: MAX_ID}) != row(source)


@pytest.mark.parametrize("value", [-1, MAX_ID + 1, "5", 5.0, True, []])
def test_counts_are_integers_from_zero(value: object) -> None:
    assert refused_field(Source.CURRENT, root_id=value) == "root_id"
    assert row(root_id=0).root_id == 0
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        detail = {"billing": "tokens", name: value}
        field = refused_field(Source.CURRENT, detailed_credits=detail)
        assert field == f"detailed_credits.{name}"


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        "2026-01-05",
        "2026-01-05T19:35:21Z",
        "2026-01-05T19:35:21.000Z",
        "2026-01-05T19:35:21.000000",
        "2026-01-05T19:35:21.000000+00:00",
        "\ud800",
        "2026-01-05 19:35:21.000000Z",
        "2026-01-05T19:35:21.000000Z\n",
        " 2026-01-05T19:35:21.000000Z",
        "2026-01-05T19:35:21.00000\u0660Z",
        "0000-01-05T19:35:21.000000Z",
        "2026-01-05T24:00:00.000000Z",
        "2026-02-30T19:35:21.000000Z",
        "now",
        1767641721,
        True,
        [],
    ],
)
@pytest.mark.parametrize("source", Source)
def test_a_timestamp_has_exactly_one_form(source: Source, value: object) -> None:
    assert refused_field(source, created_at=value) == "created_at"


@pytest.mark.parametrize("value", [None, 5, 5.5, True, [], {}, "\ud800", "a\udfffb"])
@pytest.mark.parametrize("name", ["user_email", "status"])
def test_texts_are_text_that_can_be_stored(name: str, value: object) -> None:
    assert refused_field(Source.CURRENT, **{name: value}) == name


def test_a_status_is_as_short_as_a_name() -> None:
    """It is stored, but shown as failed alone: no other limit holds for it."""
    assert row(status="x" * 255).status == "x" * 255
    assert refused_field(Source.CURRENT, status="x" * 256) == "status"


@pytest.mark.parametrize("value", [5, True, [], {}, "\ud800"])
def test_texts_that_may_be_null_are_text_otherwise(value: object) -> None:
    for name in ("output", "used_model"):
        assert refused_field(Source.CURRENT, **{name: value}) == name
    origin = {"execution_origin": value}
    assert refused_field(Source.CURRENT, metadata=origin) == "metadata.execution_origin"


@pytest.mark.parametrize("name", ["title", "slug", "type"])
@pytest.mark.parametrize("value", [None, 5, "\ud800"])
@pytest.mark.parametrize("source", Source)
def test_an_agent_s_fields_are_named_with_it(source: Source, name: str, value: object) -> None:
    changed = {**EXECUTION["agent"], name: value}
    assert refused_field(source, agent=changed) == f"agent.{name}"
    assert refused_field(source, agent=without(changed, name)) == f"agent.{name}"


@pytest.mark.parametrize("kind", ["", "x" * 256])
def test_an_agent_s_type_can_be_part_of_a_key(kind: str) -> None:
    assert refused_field(Source.CURRENT, agent=agent(kind)) == "agent.type"
    assert row(agent=agent("😀" * 255)).agent_type == "😀" * 255


@pytest.mark.parametrize("kind", ["image", "text", "Chat", "chat "])
def test_only_chats_are_edited(kind: str) -> None:
    """The listing asks the edited chats for no other type: such a row would not be found."""
    assert refused_field(Source.EDITED, agent=agent(kind)) == "agent.type"


@pytest.mark.parametrize("name", ["agent", "metadata", "detailed_credits"])
@pytest.mark.parametrize("value", [5, "text", "[]", "", [1], True])
def test_what_should_be_an_object_says_so(name: str, value: object) -> None:
    text = reason(lambda record: execution_row(Source.CURRENT, record), {**EXECUTION, name: value})
    assert text == f"{name}: must be a JSON object"


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("name", ["workspace_id", "user_id", "user_email", "created_at", "status"])
def test_what_is_missing_is_named(source: Source, name: str) -> None:
    text = reason(lambda record: execution_row(source, record), without(EXECUTION, name))
    assert text == f"{name}: is missing"


@pytest.mark.parametrize("source", Source)
def test_each_source_has_the_id_of_its_own(source: Source) -> None:
    own = IDS[source][0]
    text = reason(lambda record: execution_row(source, record), without(EXECUTION, own))
    assert text == f"{own}: is missing"
    (other,) = {"id", "user_openai_id"} - {own}
    assert execution_row(source, without(EXECUTION, other)) == row(source)


def test_all_fields_that_can_not_be_used_are_named() -> None:
    record = {**EXECUTION, "id": 0, "status": None, "agent": agent("")}
    text = reason(lambda record: execution_row(Source.CURRENT, record), record)
    assert {part.partition(": ")[0] for part in text.split("; ")} == {"id", "status", "agent.type"}


@given(json_values())
@example([EXECUTION])
@example("{}")
def test_what_is_no_object_is_refused(value: object) -> None:
    for read in (lambda v: execution_row(Source.CURRENT, v), access_token, membership):
        with pytest.raises(InvalidPayload):
            read(value)


def test_a_line_that_is_no_object_says_so() -> None:
    assert reason(access_token, ["id"]) == "must be a JSON object"


fields = st.sampled_from([*EXECUTION, "\ud800", ""])
agents = st.dictionaries(st.sampled_from(["title", "slug", "type"]), json_values())


@given(st.dictionaries(fields, json_values() | agents, max_size=4), st.sampled_from(Source))
def test_any_values_are_a_row_or_are_refused(changes: Record, source: Source) -> None:
    try:
        read = execution_row(source, {**EXECUTION, **changes})
    except InvalidPayload as error:
        assert_names_a_field(error)
        return
    assert from_stored_item(source, to_stored_item(read)) == read


def assert_names_a_field(error: InvalidPayload) -> None:
    field, colon, why = str(error).partition(": ")
    assert all((field, colon, why))
    assert UNEXPECTED not in why
    assert len(str(error).encode()) <= MAX_REASON_BYTES


# Tokens


def test_a_token_record_becomes_a_token() -> None:
    assert access_token(TOKEN) == AccessToken(
        token_id=7,
        tokenable_type="App\\Models\\User",
        tokenable_id=42,
        token_hash=HASH,
        abilities=frozenset({"use_agents"}),
        created_at=datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        expires_at=datetime(2027, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("name", ["expires_at", "created_at"])
def test_a_token_s_dates_may_be_null_or_missing(name: str) -> None:
    assert getattr(access_token({**TOKEN, name: None}), name) is None
    assert getattr(access_token(without(TOKEN, name)), name) is None


@pytest.mark.parametrize("abilities", [[], ["*"], ["a", "a", "b"], [""]])
def test_a_token_has_the_abilities_that_are_listed(abilities: list[str]) -> None:
    assert access_token({**TOKEN, "abilities": abilities}).abilities == frozenset(abilities)


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
    """As an object, once an index is missing in it; null is no list at all: nothing is allowed."""
    assert access_token({**TOKEN, "abilities": written}).abilities == texts
    assert membership({**MEMBER, "permissions": written}).permissions == texts


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
def test_a_token_that_can_not_be_used_is_refused(name: str, value: object) -> None:
    assert reason(access_token, {**TOKEN, name: value}).startswith(f"{name}: ")


@pytest.mark.parametrize("ability", [5, None, ["*"], {}])
def test_an_ability_that_is_no_text_is_named(ability: object) -> None:
    why = "abilities: must be a list of texts, but item 2 is something else"
    assert reason(access_token, {**TOKEN, "abilities": ["use_agents", ability]}) == why
    # However many there are, the first one is enough.
    assert reason(access_token, {**TOKEN, "abilities": ["a"] + [ability] * 500_000}) == why


def test_abilities_are_as_long_as_the_platform_s_column() -> None:
    """65,535 bytes as JSON: brackets, quotes and commas included."""
    longest = ["x" * 65_530]
    assert access_token({**TOKEN, "abilities": longest}).abilities == frozenset(longest)
    many = [f"ability-{number}" for number in range(7_000)]
    for list_ in (["x" * 65_531], ["é" * 32_766], many):
        assert reason(access_token, {**TOKEN, "abilities": list_}).startswith("abilities: ")
        assert reason(membership, {**MEMBER, "permissions": list_}).startswith("permissions: ")


def test_a_token_s_type_is_as_long_as_the_platform_s_column() -> None:
    assert access_token({**TOKEN, "tokenable_type": "x" * 255}).tokenable_type == "x" * 255
    for length in (256, 400_000):
        text = reason(access_token, {**TOKEN, "tokenable_type": "x" * length})
        assert text == "tokenable_type: must have at most 255 characters"


# Members


def test_a_member_record_becomes_a_membership() -> None:
    assert membership(MEMBER) == Membership(11, 42, frozenset({"read_users_activity"}))
    assert membership({**MEMBER, "permissions": []}) == Membership(11, 42, frozenset())


@pytest.mark.parametrize("name", MEMBER)
@pytest.mark.parametrize("value", [0, "11", 1.0, True, [None], "\ud800"])
def test_a_member_that_can_not_be_used_is_refused(name: str, value: object) -> None:
    assert reason(membership, {**MEMBER, name: value}).startswith(f"{name}: ")
    assert reason(membership, without(MEMBER, name)) == f"{name}: is missing"


@given(st.dictionaries(st.sampled_from([*TOKEN, *MEMBER]), json_values()))
def test_any_values_are_a_token_or_a_member_or_are_refused(changes: Record) -> None:
    for read, record in ((access_token, TOKEN), (membership, MEMBER)):
        try:
            read({**record, **changes})
        except InvalidPayload as error:
            assert_names_a_field(error)


def test_a_reason_never_repeats_a_value() -> None:
    """Reasons are logged and reported; a value may be a person's, or a secret."""
    for record in ({**TOKEN, "token": "a-secret"}, {**TOKEN, "abilities": "a-secret"}):
        assert "a-secret" not in reason(access_token, record)
    text = reason(lambda r: execution_row(Source.EDITED, r), {**EXECUTION, "agent": agent("p!")})
    assert "p!" not in text
