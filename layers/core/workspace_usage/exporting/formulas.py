"""Texts for spreadsheets, changed so that no spreadsheet takes a part of them for a formula.

Quotes don't protect a text: a spreadsheet computes a quoted ``=1+1``, too. Nor does it matter only
how the text begins. Where the program separates cells by ``;`` or by tabs, as in Portuguese and
Spanish, and the file by commas, quotes in the middle of a cell mean nothing. Then a cell, with
quotes or spaces in front, begins at each separator and line break inside a text.

So a formula's first character gets an apostrophe in front at each place where a cell may begin::

    =1+1            '=1+1
    x;"=1+1         x;"'=1+1
    well-known      well-known
"""

import re
from typing import Final

_SIGNS: Final = r"=+@\-\uff1d\uff0b\uff20\uff0d\ufe66\ufe62\ufe6b\ufe63"
"""The first characters of formulas: four signs, each in half width, in full width and small."""

_BREAKS: Final = "\t\r\n"
_SEPARATORS: Final = f",;{_BREAKS}"
"""What separates cells, in one program or another."""

_IGNORABLE: Final = (
    r"\"' \x00-\x08\x0b\x0c\x0e-\x1f\x7f-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u3000\ufeff"
)
"""What may stand between a separator and a formula: quotes, white space, what can't be seen.

With apostrophes, what was changed can be told from what was not, and changed back.
"""

_BEGINNINGS: Final = re.compile(
    # The lookbehind and the possessive quantifiers make sure that no character is read twice.
    rf"(?:\A|(?<![{_SEPARATORS}{_IGNORABLE}])[{_IGNORABLE}]*+[{_SEPARATORS}])"
    rf"[{_SEPARATORS}{_IGNORABLE}]*+(?=[{_SIGNS}])"
)
"""All that stands between the beginning of a cell and a formula's first character."""

_BREAK_AT_BEGINNING: Final = re.compile(rf"\A'*+(?=[{_BREAKS}])")
"""The beginning of a text with a tab or line break (OWASP, "CSV Injection")."""


def defuse(text: str) -> str:
    """Returns ``text`` with an apostrophe before each character that could begin a formula.

    A tab or line break at the beginning of the text gets one, too. To change the text back, remove
    one apostrophe at each of these places.
    """
    return _BREAK_AT_BEGINNING.sub(r"'\g<0>", _BEGINNINGS.sub(r"\g<0>'", text))
