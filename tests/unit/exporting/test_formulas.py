"""No part of a text is taken for a formula, and nothing else in the text changes."""

import re
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workspace_usage.exporting.formulas import defuse

SIGNS: Final = "=+-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
BREAKS: Final = "\t\r\n"
SEPARATORS: Final = f",;{BREAKS}"
IGNORABLE: Final = "\"' \0\xa0\u200b\u202e\u3000\ufeff"


def hostile_texts() -> st.SearchStrategy[str]:
    """Texts of what begins cells and formulas, and of any other characters that can be seen."""
    hostile = st.sampled_from([*SIGNS, *SEPARATORS, *IGNORABLE])
    return st.lists(hostile | st.characters(categories=["L", "N", "P", "S"])).map("".join)


def restore(text: str) -> str:
    """Returns the text that ``defuse`` made ``text`` of."""
    text = re.sub(r"^'('*[\t\r\n])", r"\1", text)
    kept = [
        character
        for place, character in enumerate(text)
        if not (character == "'" and begins_a_formula(text, place + 1))
    ]
    return "".join(kept)


def begins_a_formula(text: str, place: int) -> bool:
    """Returns whether at this place there is a formula's sign, at the beginning of a cell."""
    if text[place : place + 1] not in {*SIGNS}:
        return False
    before = text[:place].rstrip(IGNORABLE)
    return before == "" or before[-1] in SEPARATORS


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize(
    "before",
    ["", " ", '"', "\u3000", "\ufeff", "a;", 'a; "', "a,", "a\tb\t", "a\n", "a\r\n", "a;;\xa0'"],
)
def test_a_formula_gets_an_apostrophe_wherever_a_cell_may_begin(before: str, sign: str) -> None:
    """At the beginning, and after any separator, with quotes or spaces between."""
    assert defuse(f"{before}{sign}1+1") == f"{before}'{sign}1+1"


@pytest.mark.parametrize(
    "text",
    ["", "a", "well-known", "a = b", "ana@example.com", "a - b; c + d", "x\n\ny", "'a'", "a;b=1,c"],
)
def test_a_text_without_a_formula_is_the_same(text: str) -> None:
    """Signs elsewhere in a text mean nothing to a spreadsheet."""
    assert defuse(text) == text


@pytest.mark.parametrize("character", BREAKS)
def test_a_break_at_the_beginning_gets_an_apostrophe(character: str) -> None:
    """And so does a formula after it."""
    assert defuse(f"{character}a") == f"'{character}a"
    assert defuse(f"{character}=1") == f"'{character}'=1"


@given(hostile_texts())
def test_no_cell_of_any_program_begins_with_a_formula(text: str) -> None:
    """Whichever characters it takes for separators, and whether or not it skips quotes."""
    for cell in re.split(f"[{SEPARATORS}]", defuse(text)):
        assert not cell.lstrip(IGNORABLE.replace("'", "")).startswith((*SIGNS,))
    assert not defuse(text).startswith((*BREAKS,))


@given(hostile_texts())
def test_a_text_can_be_changed_back(text: str) -> None:
    """So nothing is lost, and a text without formulas can't be mistaken for a changed one."""
    assert restore(defuse(text)) == text


@pytest.mark.parametrize("text", ["\t", ";", '"', "' ", '; "', "\n="])
def test_a_long_text_takes_no_more_time_a_character(text: str) -> None:
    """In quadratic time, this would take hours."""
    long_text = text * 500_000
    assert defuse(long_text).replace("'", "") == long_text.replace("'", "")
