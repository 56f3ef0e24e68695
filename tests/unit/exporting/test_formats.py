"""Files have the values of the listing's items, and a spreadsheet computes nothing in them."""

import csv
import re
from copy import replace
from decimal import Decimal
from io import StringIO
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.strategies import credit_amounts, stored_rows
from workspace_usage.exporting.formats import COLUMNS, begin, encoder
from workspace_usage.exporting.formulas import defuse
from workspace_usage.listing.answer import Item, to_item
from workspace_usage.listing.encoding import to_json
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import Row, Source, Tokens

TO_CSV: Final = encoder("csv")
TO_NDJSON: Final = encoder("ndjson")

ROW: Final = Row(
    source=Source.CURRENT,
    workspace_id=11,
    position=Position("2026-01-05T19:35:21.000000Z", 0, 7),
    user_id=42,
    user_email="ana@example.com",
    agent_type="image",
    agent_title='Ana, "the" agent; é 🎨',
    agent_slug="images",
    status="succeeded",
    credits=Decimal("1E-7"),
    output="11/a b.png",
    used_model="@cf/a-model",
    tokens=Tokens(1, None, 3),
)

FORMULAS: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")


@st.composite
def hostile_rows(draw: st.DrawFn) -> Row:
    """Rows whose texts try to become formulas, or cells and lines of their own."""
    characters = st.sampled_from("=+-@\uff1d\"';,\t\r\n a1|!(")
    texts = st.lists(characters, max_size=12).map("".join)
    return replace(
        ROW,
        user_email=draw(texts),
        agent_title=draw(texts),
        agent_slug=draw(texts),
        output=draw(texts | st.none()),
        execution_origin=draw(texts | st.none()),
        used_model=draw(texts | st.none()),
        credits=draw(credit_amounts()),
    )


def cells_of(text: str, separator: str = ",") -> list[list[str]]:
    """Returns the lines and cells of a file for a program with this separator."""
    return list(csv.reader(StringIO(text, newline=""), delimiter=separator))


def item_of(row: Row) -> Item:
    return to_item(row, lambda key: key)


def expected_cells(item: Item) -> list[str]:
    """Returns an item's cells, field by field, in the order of the item."""
    values: list[Any] = []
    for name, value in item.items():
        if name == "tokens":
            tokens: Any = value or {"input": None, "output": None, "total": None}
            values += tokens.values()
        else:
            values.append(value)
    return [*map(expected_cell, values)]


def expected_cell(value: object) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case str():
            return defuse(value)
    return str(value)


def test_a_csv_begins_with_a_byte_order_mark_and_the_columns() -> None:
    """One column a field of the listing, in its order, but three for tokens."""
    assert begin("csv") == (
        "\ufeffid,created_at,user_id,type,status,email,credits,name,slug,output,root_id,"
        "execution_origin,source,used_model,tokens_input,tokens_output,tokens_total,link\r\n"
    )
    fields = [name for name in item_of(ROW) if name != "tokens"]
    assert [name for name in COLUMNS if not name.startswith("tokens_")] == fields
    assert begin("ndjson") == ""


def test_a_row_is_a_line_of_csv() -> None:
    """Decimals are plain, null is an empty cell, and a medium's link is its key."""
    assert TO_CSV(ROW) == (
        "7,2026-01-05T19:35:21.000000Z,42,image,succeeded,ana@example.com,0.0000001,"
        '"Ana, ""the"" agent; é 🎨",images,11/a b.png,,,current,\'@cf/a-model,1,,3,11/a b.png\r\n'
    )


def test_a_row_is_a_line_of_ndjson() -> None:
    """Nothing in it is changed for spreadsheets."""
    assert TO_NDJSON(ROW) == (
        '{"id":7,"created_at":"2026-01-05T19:35:21.000000Z","user_id":42,"type":"image",'
        '"status":"succeeded","email":"ana@example.com","credits":0.0000001,'
        r'"name":"Ana, \"the\" agent; é 🎨","slug":"images","output":"11/a b.png","root_id":null,'
        '"execution_origin":null,"source":"current","used_model":"@cf/a-model",'
        '"tokens":{"input":1,"output":null,"total":3},"link":"11/a b.png"}\n'
    )


@settings(max_examples=50)
@given(st.lists(stored_rows(), max_size=2))
def test_lines_of_ndjson_are_the_listings_items(rows: list[Row]) -> None:
    """Byte for byte, and each is one line."""
    lines = "".join(map(TO_NDJSON, rows))
    assert f'{{"items":[{",".join(lines.split("\n")[:-1])}]}}' == to_json(
        {"items": [item_of(row) for row in rows]}
    )


@settings(max_examples=50)
@given(st.lists(stored_rows() | hostile_rows(), max_size=2))
def test_a_spreadsheet_has_the_values_of_the_listings_items(rows: list[Row]) -> None:
    """Each in its cell; only formulas in texts are changed. Quotes and lines follow RFC 4180."""
    text = begin("csv") + "".join(map(TO_CSV, rows))
    header, *lines = cells_of(text.removeprefix("\ufeff"))
    assert header == list(COLUMNS)
    assert lines == [expected_cells(item_of(row)) for row in rows]
    assert text.endswith("\r\n")


@given(st.lists(hostile_rows(), min_size=1, max_size=2))
def test_no_cell_and_no_part_of_a_file_is_a_formula(rows: list[Row]) -> None:
    """Neither where a program separates cells by another character than the file does.

    Nor where quotes mean nothing to a program, and it knows several separators.
    """
    amounts = {expected_cell(item_of(row)["credits"]) for row in rows}
    text = "".join(map(TO_CSV, rows))
    for separator in (",", ";", "\t"):
        cells = [cell for line in cells_of(text, separator) for cell in line]
        assert [cell for cell in cells if is_formula(cell, amounts)] == []
    for part in re.split(r"[,;\t\r\n]", text):
        assert not is_formula(part.lstrip('" '), amounts)


def is_formula(cell: str, numbers: set[str]) -> bool:
    """Returns whether a cell looks like a formula, and is not a number of ours."""
    return cell.startswith(FORMULAS) and cell not in numbers


def test_a_text_has_the_same_cell_in_each_line() -> None:
    """Whether it is remembered, forgotten or too long for that."""
    to_csv = encoder("csv")
    rows = [ROW._replace(agent_title=f'{number}, "é"') for number in range(5_000)]
    rows.append(ROW._replace(agent_title="=1;" * 1_000))
    lines = [to_csv(row) for row in rows]
    assert [to_csv(row) for row in rows] == lines
    assert lines == [encoder("csv")(row) for row in rows]
