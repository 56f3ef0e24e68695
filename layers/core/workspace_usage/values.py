"""Values that come from outside, read strictly: JSON, numbers, dates, and texts with space around.

Python reads more than any of our formats allows (``Decimal("1_000")``, the date ``20250105``), and
fails on some input with errors that are no ``ValueError``. Everything that reads text from outside
goes through here: it gets a value, or an ``InvalidValue`` with a reason for a person.
"""

import json
import re
from codecs import BOM_UTF8
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn

MAX_ID: Final = 2**63 - 1
"""The largest id: a signed 64-bit integer, as in the platform's database."""

MAX_REASON_BYTES: Final = 1_024
"""The most bytes that the reason of a refusal takes, in UTF-8."""

_MAX_INTEGER_DIGITS: Final = 1_000
"""Digits of the longest JSON integer that is read: far more than any field allows."""

DECIMAL_PATTERN: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""What ``parse_decimal`` reads, as a regular expression for the whole text."""

_DECIMAL: Final = re.compile(DECIMAL_PATTERN)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

TIMESTAMP_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"
"""The one form of timestamps, as a regular expression: ``2026-01-05T19:35:21.000000Z``."""

_TIMESTAMP: Final = re.compile(TIMESTAMP_PATTERN)
_CANONICAL_INTEGER: Final = re.compile(r"[1-9][0-9]{0,18}")

_WHITE_SPACE: Final = (
    "\0\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""Unicode's white space, and NUL, U+200B, U+FEFF: what Laravel's ``TrimStrings`` removes."""


class InvalidValue(ValueError):
    """A value from outside that can't be used; its text is the reason, and never quotes the value.

    The reason is cut at ``MAX_REASON_BYTES``, whatever it was made of.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(shorten(reason, MAX_REASON_BYTES))


def parse_json(text: bytes | str) -> object:
    """Returns the JSON value of ``text``, with exact numbers: ``int`` and ``Decimal``.

    A byte-order mark in front of bytes is ignored.

    Raises:
        InvalidValue: ``text`` is not UTF-8, is not JSON, is nested too deeply, or contains a number
            that can't be represented.
    """
    try:
        decoded = text.removeprefix(BOM_UTF8).decode() if isinstance(text, bytes) else text
        return _DECODER.decode(decoded)
    except UnicodeDecodeError:
        raise InvalidValue("is not UTF-8") from None
    except RecursionError:
        raise InvalidValue("is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise InvalidValue(f"is not JSON (character {error.pos + 1:,})") from None


def parse_decimal(text: str) -> Decimal:
    """Returns the number that ``text`` spells: ASCII digits with optional sign, point and exponent.

    Raises:
        InvalidValue: ``text`` is not of that form, or its exponent is out of range.
    """
    if not _DECIMAL.fullmatch(text):
        raise InvalidValue("must be a number")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise InvalidValue("contains a number that is out of range") from None


def _parse_integer(text: str) -> int:
    if len(text) > _MAX_INTEGER_DIGITS:
        raise InvalidValue("contains a number that is out of range")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidValue(f"is not JSON: {name} is not a number there")


# Made once: to make one takes longer than to decode what is short.
_DECODER: Final = json.JSONDecoder(
    parse_float=parse_decimal, parse_int=_parse_integer, parse_constant=_refuse_constant
)


def parse_date(text: str) -> date:
    """Returns the date that ``text`` spells in the form ``YYYY-MM-DD``.

    Raises:
        InvalidValue: ``text`` is not of exactly that form, or there is no such day.
    """
    if not _DATE.fullmatch(text):
        raise InvalidValue("must be a date in the form YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidValue("must be a day that exists") from None


def parse_id(text: str | None) -> int | None:
    """The positive integer, up to 2^63-1, that ``text`` spells in canonical form; else None.

    ``11`` is in canonical form; ``011``, ``+11`` and ``11.0`` are not.
    """
    if text is None or not _CANONICAL_INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if number <= MAX_ID else None


def parse_timestamp(text: str) -> datetime:
    """The moment that ``2026-01-05T19:35:21.000000Z`` names.

    Raises:
        ValueError: it isn't of exactly that form, or no such moment exists.
    """
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError("not a timestamp of the form 2026-01-05T19:35:21.000000Z")
    return datetime.fromisoformat(text)


def format_timestamp(moment: datetime) -> str:
    """``moment`` (aware) in UTC with six decimals: ``2026-01-05T19:35:21.000000Z``."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def trim(text: str) -> str:
    """Returns ``text`` without the white space around it, as Laravel's middleware leaves it."""
    return text.strip(_WHITE_SPACE)


def shorten(text: str, max_bytes: int) -> str:
    """Returns ``text``, cut at a character so that it takes at most ``max_bytes`` in UTF-8."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= max_bytes:
        return encoded.decode()
    return f"{encoded[: max_bytes - 3].decode('utf-8', 'ignore')}…"
