"""Rejections: why a line or a file of a data set can't be used, in one line of text."""

from dataclasses import dataclass
from typing import Final

MAX_BEGINNING_LENGTH: Final = 120
"""The most characters that are shown of a line that can't be used."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A line or a file that can't be used, and why. Its text names the place and the reason.

    Attributes:
        file: the file's name, below the data set's folder.
        line: the line's number, or 0 if the whole file can't be used.
        reason: what is wrong, without the file's name.
        beginning: how the line begins. It may have personal data, so only the report has it.
    """

    file: str
    line: int
    reason: str
    beginning: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return visible(f"{place}: {self.reason}")

    @property
    def entry(self) -> str:
        """The line of the report: the text, and how the rejected line begins."""
        return f"{self} | {self.beginning}" if self.beginning else str(self)


def visible(text: str | bytes, max_length: int | None = None) -> str:
    """Returns ``text`` on one line; what can't be printed, or is not UTF-8, is escaped.

    Args:
        text: any text.
        max_length: the most characters to return; a longer text is cut, and ends with ``…``.
    """
    if isinstance(text, bytes):
        # No character has more than four bytes.
        text = (text if max_length is None else text[: 4 * max_length]).decode(
            "utf-8", "surrogateescape"
        )
    escaped = "".join(c if c.isprintable() else _escape(c) for c in text)
    if max_length is None or len(escaped) <= max_length:
        return escaped
    return f"{escaped[: max_length - 1]}…"


def _escape(character: str) -> str:
    # Python decodes a byte that is not UTF-8, in a file's name too, as half of a surrogate pair.
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
