"""A question is understood exactly as the contract says, or refused with its field's name."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.functions import ROOT
from tests.support.oracle import TYPES
from tests.support.strategies import any_text, json_values, positions
from workspace_usage.errors import InvalidRequest, Violation
from workspace_usage.listing.answer import MAX_PER_PAGE
from workspace_usage.listing.query import DEFAULT_PER_PAGE, PARAMETER_NAMES, Query
from workspace_usage.messages import LOCALES, describe
from workspace_usage.rows.position import Position, encode_cursor
from workspace_usage.rows.row import AGENT_TYPES
from workspace_usage.rows.window import MAX_WINDOW_DAYS, Window, between, last_days, one_day
from workspace_usage.values import MAX_ID, trim

NOW = datetime(2026, 3, 15, 12, tzinfo=UTC)
CURSOR = encode_cursor(Position("2026-03-01T00:00:00.000000Z", 0, 42))
INTEGERS = {"user_id": MAX_ID, "page": MAX_ID, "per_page": MAX_PER_PAGE}
"""The integer parameters, and the greatest value of each."""


def refused(parameters: Mapping[str, object]) -> list[tuple[str, str]]:
    """The fields and the message keys with which ``parameters`` are refused."""
    with pytest.raises(InvalidRequest) as caught:
        Query.parse(parameters)
    return [(violation.field, violation.message_key) for violation in caught.value.violations]


def test_the_parameters_are_those_of_the_contract_in_its_order() -> None:
    assert PARAMETER_NAMES == (
        "range",
        "start_date",
        "end_date",
        "user_id",
        "type",
        "page",
        "per_page",
        "cursor",
    )


def test_every_parameter_is_documented() -> None:
    paths = (ROOT / "README.md", ROOT / "docs" / "api.md")
    text = "".join(path.read_text("utf-8") for path in paths)
    assert {name for name in PARAMETER_NAMES if f"`{name}`" not in text} == set()


def test_without_parameters_it_is_the_first_page_of_everything_in_30_days() -> None:
    query = Query.parse({})
    assert query == Query()
    assert query.window(NOW, UTC) == last_days(30, NOW, UTC)
    assert (query.user_id, query.agent_type, query.cursor) == (None, None, None)
    assert (query.page_number, query.per_page) == (1, DEFAULT_PER_PAGE) == (1, 20)


@pytest.mark.parametrize("name", PARAMETER_NAMES)
@pytest.mark.parametrize("nothing", ["", None, " \t\r\n", "\xa0\u2003\u200b\ufeff\0"])
def test_an_empty_value_counts_as_absent(name: str, nothing: object) -> None:
    assert Query.parse({name: nothing}) == Query.parse({})


@pytest.mark.parametrize("before", ["", " ", "\xa0\u200b"])
@pytest.mark.parametrize("after", ["\n", "\ufeff\0\t "])
def test_values_lose_the_white_space_around_them(before: str, after: str) -> None:
    """For each parameter: pasted values often have some."""
    plain = {"type": "chat", "user_id": "7", "per_page": "5"}
    for rest in (
        {"range": "7d", "page": "2"},
        {"start_date": "2026-01-05", "end_date": "2026-01-06", "cursor": CURSOR},
    ):
        spaced = {name: f"{before}{value}{after}" for name, value in (plain | rest).items()}
        assert Query.parse(spaced) == Query.parse(plain | rest)


@given(
    st.dictionaries(any_text(12).filter(lambda name: name not in PARAMETER_NAMES), json_values())
)
@example({"Range": "7d", "workspace_id": 11, "PAGE": "0", " type": "?", "per_page[]": "0"})
def test_unknown_parameters_change_nothing(parameters: dict[str, object]) -> None:
    assert Query.parse(parameters) == Query.parse({})


# Integers


@pytest.mark.parametrize("name", INTEGERS)
@given(data=st.data())
def test_an_integer_in_range_is_taken_as_text_and_as_a_number(
    name: str, data: st.DataObject
) -> None:
    number = data.draw(st.integers(1, INTEGERS[name]))
    query = Query.parse({name: str(number)})
    assert getattr(query, name) == number
    assert Query.parse({name: number}) == query


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize(
    "value",
    [
        "01",
        "+1",
        "1.0",
        "1e1",
        "1_0",
        "1 0",
        "+ 1",
        "0x1",
        "abc",
        "-",
        "-0",
        "00",
        "\u0661",
        "1²",
        "null",
        "true",
        "[1]",
        "\ud800",
        1.0,
        1.5,
        float("nan"),
        True,
        False,
        [1],
        {},
        {"a": 1},
    ],
)
def test_anything_but_a_canonical_integer_is_refused(name: str, value: object) -> None:
    assert refused({name: value}) == [(name, "invalid_integer")]


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("number", [0, -1, -(2**63), -(10**29), -(10**40)])
def test_an_integer_below_one_is_refused(name: str, number: int) -> None:
    assert refused({name: number}) == [(name, "invalid_minimum")]
    assert refused({name: str(number)}) == [(name, "invalid_minimum")]


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("excess", [1, 2**63, 10**29, 10**40])
def test_an_integer_above_its_limit_is_refused(name: str, excess: int) -> None:
    number = INTEGERS[name] + excess
    assert refused({name: number}) == [(name, "invalid_maximum")]
    assert refused({name: str(number)}) == [(name, "invalid_maximum")]


def test_an_integer_of_any_length_is_refused() -> None:
    """Python itself refuses to read texts of more than 4,300 digits."""
    assert refused({"page": "9" * 100_000}) == [("page", "invalid_maximum")]
    assert refused({"page": "-" + "9" * 100_000}) == [("page", "invalid_minimum")]
    assert refused({"page": 10**5000, "per_page": -(10**5000)}) == [
        ("page", "invalid_maximum"),
        ("per_page", "invalid_minimum"),
    ]


# Type and range


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_is_taken_as_it_is(kind: str) -> None:
    query = Query.parse({"type": kind})
    assert query.type == kind
    assert query.agent_type == (None if kind == "all" else kind)


@pytest.mark.parametrize(
    "value",
    ["Chat", "CHAT", "c hat", "chat\u200e", "music", "chat,image", "*", "\ud800", 0, 1, False],
)
def test_any_other_type_is_refused(value: object) -> None:
    assert refused({"type": value}) == [("type", "invalid_choice")]


@pytest.mark.parametrize(
    ("value", "window"),
    [
        ("1d", one_day(NOW, UTC)),
        ("7d", last_days(7, NOW, UTC)),
        ("30d", last_days(30, NOW, UTC)),
    ],
)
def test_a_range_is_a_window_that_ends_with_today(value: str, window: Window) -> None:
    assert Query.parse({"range": value}).window(NOW, UTC) == window


@pytest.mark.parametrize(
    "value", ["1D", "7", "7 d", "90d", "-7d", "07d", "\udfff", 7, True, ["7d"], {"7d": 1}]
)
def test_any_other_range_is_refused(value: object) -> None:
    assert refused({"range": value}) == [("range", "invalid_choice")]


# Dates


@given(st.dates(), st.integers(0, MAX_WINDOW_DAYS - 1))
def test_two_dates_are_a_window_of_whole_days(start: date, more: int) -> None:
    end = min(start, date.max - timedelta(days=more)) + timedelta(days=more)
    start = end - timedelta(days=more)
    query = Query.parse({"start_date": start.isoformat(), "end_date": end.isoformat()})
    assert (query.start_date, query.end_date) == (start, end)
    assert query.window(NOW, UTC) == between(start, end, UTC)


@pytest.mark.parametrize(
    ("end", "is_refused"),
    [("2026-01-01", False), ("2026-03-31", False), ("2026-04-01", True), ("9999-12-31", True)],
)
def test_two_dates_span_at_most_90_days_with_both_ends(end: str, is_refused: bool) -> None:
    parameters = {"start_date": "2026-01-01", "end_date": end}
    if is_refused:
        assert refused(parameters) == [("end_date", "window_too_long")]
    else:
        Query.parse(parameters)


def test_an_end_before_the_start_is_refused() -> None:
    parameters = {"start_date": "2026-01-02", "end_date": "2026-01-01"}
    assert refused(parameters) == [("end_date", "end_before_start")]


@pytest.mark.parametrize("nothing", [{}, {"range": "7d"}])
@pytest.mark.parametrize("empty", ["", None])
def test_one_date_without_the_other_is_refused(nothing: dict[str, object], empty: object) -> None:
    start, end = {"start_date": "2026-01-01"}, {"end_date": "2026-01-01"}
    assert refused(nothing | start) == [("end_date", "missing_date")]
    assert refused(nothing | start | {"end_date": empty}) == [("end_date", "missing_date")]
    assert refused(nothing | end) == [("start_date", "missing_date")]
    assert refused(nothing | end | {"start_date": empty}) == [("start_date", "missing_date")]


@pytest.mark.parametrize("name", ["start_date", "end_date"])
@pytest.mark.parametrize(
    "value",
    [
        "2026-02-29",
        "2026-02-30",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "0000-01-01",
        "2026-1-5",
        "20260105",
        "2026-W01-1",
        "2026-005",
        "05.01.2026",
        "2026/01/05",
        "26-01-05",
        "2026-01-05T00:00:00",
        "2026-01 -05",
        "+2026-01-05",
        "-2026-01-05",
        "today",
        "\u0662\u0660\u0662\u0666-\u0660\u0661-\u0660\u0665",
        "\ud8002026-01-05",
        20260105,
        1.5,
        True,
        [],
        {},
        ["2026-01-05"],
    ],
)
def test_anything_but_a_real_date_is_refused(name: str, value: object) -> None:
    other = {"start_date", "end_date"} - {name}
    parameters = {name: value, other.pop(): "2026-01-05"}
    assert refused(parameters) == [(name, "invalid_date")]


@given(json_values())
@example("7d")
@example("whatever")
def test_a_range_has_no_effect_when_both_dates_are_sent(value: object) -> None:
    dates = {"start_date": "2026-01-01", "end_date": "2026-01-31"}
    query = Query.parse({"range": value, **dates})
    assert query == Query.parse(dates)
    assert query.range is None
    wrong = {"start_date": "2026-01-01", "end_date": "no date"}
    assert refused({"range": value, **wrong}) == [("end_date", "invalid_date")]


# Cursor and page


@given(positions())
def test_a_cursor_says_where_to_continue(position: Position) -> None:
    query = Query.parse({"cursor": encode_cursor(position)})
    assert query.cursor == position
    assert query.page_number is None


@pytest.mark.parametrize("page", ["1", 1, "2", MAX_ID])
def test_a_cursor_with_a_page_is_refused(page: object) -> None:
    assert refused({"cursor": CURSOR, "page": page}) == [("cursor", "cursor_with_page")]


@pytest.mark.parametrize("empty", ["", None])
def test_a_cursor_with_an_empty_page_is_a_cursor(empty: object) -> None:
    assert Query.parse({"cursor": CURSOR, "page": empty}) == Query.parse({"cursor": CURSOR})
    assert Query.parse({"cursor": empty, "page": "3"}) == Query.parse({"page": 3})


@pytest.mark.parametrize("value", ["0", "null", CURSOR + "=", CURSOR[:-1], "\ud800", 1, [], True])
def test_any_other_cursor_is_refused(value: object) -> None:
    assert refused({"cursor": value}) == [("cursor", "invalid_cursor")]


# Any parameters


def test_everything_that_is_wrong_is_named_in_the_contracts_order() -> None:
    """Parameters that break a rule by themselves, and those that contradict another one."""
    wrong = dict.fromkeys(reversed(PARAMETER_NAMES), "\x00?")
    del wrong["start_date"]
    assert refused(wrong) == [
        ("range", "invalid_choice"),
        ("start_date", "missing_date"),
        ("end_date", "invalid_date"),
        ("user_id", "invalid_integer"),
        ("type", "invalid_choice"),
        ("page", "invalid_integer"),
        ("per_page", "invalid_integer"),
        ("cursor", "invalid_cursor"),
        ("cursor", "cursor_with_page"),
    ]


@pytest.mark.parametrize(
    ("parameters", "violations"),
    [
        (
            {"end_date": "2026-01-05", "page": "0"},
            [("start_date", "missing_date"), ("page", "invalid_minimum")],
        ),
        (
            {"start_date": "no date"},
            [("start_date", "invalid_date"), ("end_date", "missing_date")],
        ),
        (
            {"start_date": "2026-01-02", "end_date": "2026-01-01", "type": "?"},
            [("end_date", "end_before_start"), ("type", "invalid_choice")],
        ),
        (
            {"start_date": "2026-01-01", "end_date": "2027-01-01", "per_page": 0},
            [("end_date", "window_too_long"), ("per_page", "invalid_minimum")],
        ),
        (
            {"start_date": "2026-02-30", "end_date": "2026-01-01"},
            [("start_date", "invalid_date")],
        ),
        (
            {"cursor": CURSOR, "page": 1, "user_id": "x"},
            [("user_id", "invalid_integer"), ("cursor", "cursor_with_page")],
        ),
    ],
)
def test_contradictions_are_named_beside_other_faults(
    parameters: dict[str, object], violations: list[tuple[str, str]]
) -> None:
    assert refused(parameters) == violations


@pytest.mark.parametrize(
    ("parameters", "values"),
    [
        ({"page": 0}, {"limit": 1}),
        ({"page": MAX_ID + 1}, {"limit": MAX_ID}),
        ({"per_page": 101}, {"limit": 100}),
        ({"range": "2d"}, {"choices": "1d, 7d, 30d"}),
        ({"type": "?"}, {"choices": ", ".join(TYPES)}),
        ({"end_date": "2026-01-01"}, {"other": "end_date"}),
        ({"start_date": "2026-01-01", "end_date": "2027-01-01"}, {"limit": 90}),
    ],
)
def test_a_violation_carries_what_its_message_names(
    parameters: dict[str, object], values: dict[str, object]
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Query.parse(parameters)
    (violation,) = caught.value.violations
    assert violation.values == values


values = st.one_of(
    json_values(),
    st.sampled_from(["1", "7d", "chat", "2026-01-01", "2026-02-01", CURSOR, 1, 100, "", None]),
)


@given(st.dictionaries(st.sampled_from(PARAMETER_NAMES), values))
@example({"type": "\ud800"})
@example({"range": "\udfff"})
def test_any_values_are_a_question_or_are_refused_in_every_language(
    parameters: dict[str, Any],
) -> None:
    try:
        query = Query.parse(parameters)
    except InvalidRequest as error:
        assert_has_messages(error)
        return
    window = query.window(NOW, UTC)
    assert window.start < window.end
    window.sort_keys(query.cursor)
    assert 1 <= query.per_page <= MAX_PER_PAGE
    assert (query.start_date is None) == (query.end_date is None)
    assert (query.page_number is None) == (query.cursor is not None)


def assert_has_messages(error: InvalidRequest) -> None:
    assert error.violations
    for locale in LOCALES:
        message, fields = describe(locale, error.violations)
        assert fields.keys() <= set(PARAMETER_NAMES)
        assert json.loads(json.dumps({message: fields}).encode()) == {message: fields}


@given(st.sampled_from(PARAMETER_NAMES), any_text())
def test_any_text_is_a_value_or_is_refused_in_every_language(name: str, text: str) -> None:
    try:
        query = Query.parse({name: text})
    except InvalidRequest as error:
        assert_has_messages(error)
        return
    assert trim(text) == "" or getattr(query, name) is not None


def test_a_refusal_names_rules_but_not_values() -> None:
    error = InvalidRequest((Violation("page", "invalid_minimum", {"limit": 1}),))
    assert str(error) == "page: invalid_minimum"
    with pytest.raises(InvalidRequest, match=r"^user_id: invalid_integer$"):
        Query.parse({"user_id": "secret"})


def test_the_types_that_can_be_asked_for_are_those_that_are_counted() -> None:
    """No others can be asked for: each has counts of its own (``rollups``)."""
    assert set(get_args(Query.model_fields["type"].annotation)) == {"all", *AGENT_TYPES}
