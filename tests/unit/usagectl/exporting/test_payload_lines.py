"""Rows as lines of the import's format."""

import re

from hypothesis import given

from tests.support.strategies import stored_rows
from usagectl.exporting.payload_lines import to_line
from workspace_usage.recording.payloads import parse_row
from workspace_usage.rows.row import Row
from workspace_usage.values import parse_json


@given(stored_rows())
def test_an_exported_line_is_loaded_as_the_same_row(row: Row) -> None:
    """Every field of every source is the same, and credits are plain decimals."""
    line = to_line(row)
    assert parse_row(row.source, parse_json(line.encode())) == row
    found = re.search(r'"credits": ([^,]*),', line)
    assert found is not None
    assert re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", found[1])
