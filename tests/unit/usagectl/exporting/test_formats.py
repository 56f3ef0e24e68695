"""Rows as lines of the import's format, and as lines of a table."""

import csv
import io
import re
from decimal import Decimal

import pytest
from hypothesis import given

from tests.support.strategies import stored_rows
from usagectl.exporting.formats import COLUMNS, FORMULA_STARTS, to_cells, to_line
from workspace_usage.recording.payloads import parse_row
from workspace_usage.rows.row import Row, Source
from workspace_usage.values import parse_json


@given(stored_rows())
def test_an_exported_line_is_loaded_as_the_same_row(row: Row) -> None:
    """Every field of every source is the same, and credits are plain decimals."""
    line = to_line(row)
    assert parse_row(row.source, parse_json(line.encode())) == row
    found = re.search(r'"credits": ([^,]*),', line)
    assert found is not None
    assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", found[1])


@given(stored_rows())
def test_a_row_has_a_cell_in_each_column_and_none_is_a_formula(row: Row) -> None:
    """Texts that a spreadsheet would take for formulas are changed, and nothing else."""
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
def test_a_text_that_looks_like_a_formula_gets_an_apostrophe(start: str, row: Row) -> None:
    """With half- and full-width signs, and characters that a spreadsheet skips; no number does."""
    named = row._replace(agent_title=f"{start}1+1", credits=Decimal("-1E-7"))
    found = dict(zip(COLUMNS, to_cells(named), strict=True))
    assert found["agent_title"] == f"'{start}1+1"
    assert found["credits"] == "-0.0000001"
