"""The operator's tool without a deployment: exports, tokens, and numbers with all their digits."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.strategies import stored_rows
from usagectl.access.issuing import FIRST_ID, draw_id, issue
from usagectl.exporting.formats import COLUMNS, FORMULA_STARTS, to_cells, to_line
from usagectl.exporting.selection import Selection
from usagectl.json_text import to_json
from workspace_usage.access.tokens import BearerToken, TokenPolicy
from workspace_usage.recording.payloads import execution_row
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import Row, Source
from workspace_usage.values import MAX_ID, parse_json

NOW = datetime(2026, 3, 1, tzinfo=UTC)

numbers = st.decimals(allow_nan=False, allow_infinity=False, places=12)
texts = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=10,
)


@given(json_values)
def test_numbers_keep_their_digits(value: object) -> None:
    """What is written is read as it was, no float in between."""
    text = to_json(value)
    assert "\n" not in text
    assert parse_json(text.encode()) == value


def test_what_json_has_no_form_for_is_refused() -> None:
    """Rather than written as something else."""
    with pytest.raises(TypeError, match="datetime has no form in JSON"):
        to_json({"at": NOW})


@given(stored_rows())
def test_an_exported_line_is_loaded_as_the_same_row(row: Row) -> None:
    """Every field of every source, exact, and credits as plain decimals."""
    line = to_line(row)
    assert execution_row(row.source, parse_json(line.encode())) == row
    found = re.search(r'"credits": ([^,]*),', line)
    assert found is not None
    assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", found[1])


@given(stored_rows())
def test_no_cell_is_a_formula_and_none_is_lost(row: Row) -> None:
    """A table of one row has a cell for each column, and texts that spreadsheets leave alone."""
    file = io.StringIO()
    csv.writer(file).writerow(to_cells(row))
    (cells,) = csv.reader(io.StringIO(file.getvalue()))
    found = dict(zip(COLUMNS, cells, strict=True))
    for name in ("user_email", "agent_title", "agent_slug", "output", "used_model"):
        assert not found[name].startswith(FORMULA_STARTS)
    assert (found["id"], Decimal(found["credits"])) == (str(row.position.id), row.credits)
    assert found["agent_title"].removeprefix("'") == row.agent_title.removeprefix("'")
    if row.source is Source.ARCHIVED:
        assert found["output"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
@given(stored_rows())
def test_what_a_spreadsheet_takes_for_a_formula_is_a_text(start: str, row: Row) -> None:
    """Half- and full-width signs, and what a spreadsheet skips; numbers stay numbers."""
    named = row._replace(agent_title=f"{start}1+1", credits=Decimal("-1E-7"))
    found = dict(zip(COLUMNS, to_cells(named), strict=True))
    assert found["agent_title"] == f"'{start}1+1"
    assert found["credits"] == "-0.0000001"


@given(st.dates(date(2020, 1, 1), date(2030, 1, 1)), st.integers(0, MAX_ID))
def test_a_selection_is_of_whole_days(first: date, number: int) -> None:
    """The first moment of the first day is in it, and the last of the last, and no other."""
    last = first + timedelta(days=2)
    low, high = Selection(11, first, last).bounds
    edges = [
        (datetime.combine(first, datetime.min.time()), True),
        (datetime.combine(first, datetime.min.time()) - timedelta(microseconds=1), False),
        (datetime.combine(last, datetime.max.time()), True),
        (datetime.combine(last + timedelta(days=1), datetime.min.time()), False),
    ]
    for edge, is_in in edges:
        key = Position(f"{edge:%Y-%m-%dT%H:%M:%S.%fZ}", 1, number).sort_key
        assert (low <= key <= high) is is_in
        everything = Selection(11).bounds
        assert everything[0] <= key <= everything[1]


def test_an_issued_token_is_one_of_sanctums() -> None:
    """Its form, its checksum, its hash; and the service knows it by what is stored."""
    issued = issue(draw_id(), 42, "App\\Models\\User", frozenset({"use_agents"}), NOW, None)
    match = re.fullmatch(r"([0-9]+)\|([A-Za-z0-9]{40})([0-9a-f]{8})", issued.plain_text)
    assert match is not None
    assert int(match[3], 16) == crc32(match[2].encode())
    assert issued.token.token_hash == sha256((match[2] + match[3]).encode()).hexdigest()
    assert FIRST_ID <= int(match[1]) == issued.token.token_id <= MAX_ID
    presented = BearerToken.from_header(f"Bearer {issued.plain_text}")
    assert TokenPolicy().check(presented, issued.token, NOW).user_id == 42
    other = issue(draw_id(), 42, "App\\Models\\User", frozenset(), NOW, None)
    assert other.token.token_hash != issued.token.token_hash
    assert json.dumps(other.plain_text) != json.dumps(issued.plain_text)
