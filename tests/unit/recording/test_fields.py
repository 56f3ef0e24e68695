"""Each field is read in exactly the forms that its type allows."""

from decimal import Decimal

import pytest
from hypothesis import given

from tests.support.payloads import EXECUTION, agent, reason, refused_field, row, without
from tests.support.strategies import credit_amounts
from workspace_usage.recording.payloads import parse_row
from workspace_usage.rows.row import Source
from workspace_usage.values import MAX_ID

# --- Credits --------------------------------------------------------------------------------------


@given(credit_amounts())
def test_credits_are_exact_as_text_and_as_a_number(amount: Decimal) -> None:
    """No digit is lost."""
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
def test_credits_are_stored_in_a_form_that_a_table_takes(written: object, number: str) -> None:
    """Zero has one form, and an exponent is within the limits."""
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
    """So is what is not a number."""
    assert refused_field(source, credits=value) == "credits"


def test_zeros_at_the_end_of_credits_may_be_any_number() -> None:
    """Other digits are limited, and a number that is far too long is refused quickly."""
    assert str(row(credits="1." + "0" * 1_000).credits) == "1"
    assert str(row(credits=f"-{'1' * 38}.{'0' * 1_000}").credits) == f"-{'1' * 38}"
    # The first is too long for Python to write it down as a text.
    for value in (10**5_000, "1" * 500_000, Decimal("1" * 500_000)):
        assert refused_field(Source.CURRENT, credits=value) == "credits"


# --- Whole numbers --------------------------------------------------------------------------------


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
def test_ids_are_positive_integers_of_64_bits(source: Source, value: object) -> None:
    """Not texts, and not numbers with a point."""
    for name in IDS[source]:
        assert refused_field(source, **{name: value}) == name
        assert row(source, **{name: MAX_ID}) != row(source)


@pytest.mark.parametrize("value", [-1, MAX_ID + 1, "5", 5.0, True, []])
def test_counts_are_integers_from_zero(value: object) -> None:
    """Of 64 bits, too."""
    assert refused_field(Source.CURRENT, root_id=value) == "root_id"
    assert row(root_id=0).root_id == 0
    for name in ("input_tokens", "output_tokens", "total_tokens"):
        detail = {"billing": "tokens", name: value}
        field = refused_field(Source.CURRENT, detailed_credits=detail)
        assert field == f"detailed_credits.{name}"


# --- Timestamps -----------------------------------------------------------------------------------


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
    """Sort keys are compared as texts."""
    assert refused_field(source, created_at=value) == "created_at"


# --- Texts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [None, 5, 5.5, True, [], {}, "\ud800", "a\udfffb"])
@pytest.mark.parametrize("name", ["user_email", "status"])
def test_texts_are_valid_unicode(name: str, value: object) -> None:
    """Half of a surrogate pair can not be written as UTF-8."""
    assert refused_field(Source.CURRENT, **{name: value}) == name


def test_a_status_has_at_most_255_characters() -> None:
    """It is stored but never shown as it is: no other limit holds for it."""
    assert row(status="x" * 255).status == "x" * 255
    assert refused_field(Source.CURRENT, status="x" * 256) == "status"


@pytest.mark.parametrize("value", [5, True, [], {}, "\ud800"])
def test_texts_that_may_be_null_are_text_otherwise(value: object) -> None:
    """And nothing else."""
    for name in ("output", "used_model"):
        assert refused_field(Source.CURRENT, **{name: value}) == name
    origin = {"execution_origin": value}
    assert refused_field(Source.CURRENT, metadata=origin) == "metadata.execution_origin"


# --- Objects --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["title", "slug", "type"])
@pytest.mark.parametrize("value", [None, 5, "\ud800"])
@pytest.mark.parametrize("source", Source)
def test_the_fields_of_an_agent_are_named_with_it(source: Source, name: str, value: object) -> None:
    """The path to the field is in the reason."""
    changed = {**EXECUTION["agent"], name: value}
    assert refused_field(source, agent=changed) == f"agent.{name}"
    assert refused_field(source, agent=without(changed, name)) == f"agent.{name}"


@pytest.mark.parametrize("kind", ["", "x" * 256])
def test_the_type_of_an_agent_can_be_part_of_a_key(kind: str) -> None:
    """It has 1 to 255 characters."""
    assert refused_field(Source.CURRENT, agent=agent(kind)) == "agent.type"
    assert row(agent=agent("😀" * 255)).agent_type == "😀" * 255


@pytest.mark.parametrize("name", ["agent", "metadata", "detailed_credits"])
@pytest.mark.parametrize("value", [5, "text", "[]", "", [1], True])
def test_a_field_that_is_not_an_object_is_refused_with_that_reason(
    name: str, value: object
) -> None:
    """A text or a list does not do, except for what stands for an empty object."""
    text = reason(lambda payload: parse_row(Source.CURRENT, payload), {**EXECUTION, name: value})
    assert text == f"{name}: must be a JSON object"
