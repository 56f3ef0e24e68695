"""Strict parsing of values from outside: JSON, numbers, dates, ids, timestamps.

Python parses more than our formats allow (``Decimal("1_000")``, the date ``20250105``), and some
input makes it raise errors other than ``ValueError``. So all text from outside is parsed here. The
result is a value, or an ``InvalidValue`` with a reason that people can read.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn

type Clock = Callable[[], datetime]
"""Gives the current time (aware)."""

MAX_ID: Final = 2**63 - 1
"""The largest id: a signed 64-bit integer, as in the platform's database."""

MAX_REASON_BYTES: Final = 1_024
"""The most bytes that the reason of an ``InvalidValue`` takes, in UTF-8."""

_MAX_INTEGER_DIGITS: Final = 1_000
"""The most digits of a JSON integer: far more than any field allows."""

DECIMAL_PATTERN: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""The form of a number, as a regular expression for the whole text."""

_DECIMAL: Final = re.compile(DECIMAL_PATTERN)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

TIMESTAMP_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$"
"""The form of a timestamp, ``2026-01-05T19:35:21.000000Z``, as a regular expression."""

_TIMESTAMP: Final = re.compile(TIMESTAMP_PATTERN)
_CANONICAL_INTEGER: Final = re.compile(r"[1-9][0-9]{0,18}")

_WHITE_SPACE: Final = (
    "\0\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What Laravel's ``TrimStrings`` removes: Unicode's white space, NUL, U+200B and U+FEFF."""


class InvalidValue(ValueError):
    """A value from outside can't be used.

    Its text is the reason, cut at ``MAX_REASON_BYTES``. It never quotes the value.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(shorten(reason, MAX_REASON_BYTES))


def parse_json(text: bytes | str) -> object:
    """Returns the JSON value of ``text``; its numbers are exact (``int`` and ``Decimal``).

    A byte-order mark in front of bytes is ignored.

    Raises:
        InvalidValue: ``text`` is not UTF-8, is not JSON, is nested too deeply, or contains a number
            that is out of range.
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
    """Returns the number in ``text``: ASCII digits with optional sign, point and exponent.

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


# Made only once: making a decoder takes longer than decoding a short text.
_DECODER: Final = json.JSONDecoder(
    parse_float=parse_decimal, parse_int=_parse_integer, parse_constant=_refuse_constant
)


def parse_date(text: str) -> date:
    """Returns the date in ``text``, which has the form ``YYYY-MM-DD``.

    Raises:
        InvalidValue: ``text`` has another form, or there is no such day.
    """
    if not _DATE.fullmatch(text):
        raise InvalidValue("must be a date in the form YYYY-MM-DD")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidValue("must be a day that exists") from None


def parse_id(text: str | None) -> int | None:
    """Returns the id in ``text``, or None if ``text`` is not a canonical integer from 1 to 2^63-1.

    ``11`` is canonical; ``011``, ``+11`` and ``11.0`` are not.
    """
    if text is None or not _CANONICAL_INTEGER.fullmatch(text):
        return None
    number = int(text)
    return number if number <= MAX_ID else None


def parse_timestamp(text: str) -> datetime:
    """Returns the moment (aware) in ``text``, such as ``2026-01-05T19:35:21.000000Z``.

    Raises:
        ValueError: ``text`` has another form, or there is no such moment. Most timestamps come from
            our own tables, so the error isn't an ``InvalidValue``.
    """
    if not _TIMESTAMP.fullmatch(text):
        raise ValueError("not a timestamp of the form 2026-01-05T19:35:21.000000Z")
    return datetime.fromisoformat(text)


def format_timestamp(moment: datetime) -> str:
    """Returns ``moment`` (aware) in UTC, with microseconds: ``2026-01-05T19:35:21.000000Z``."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def to_milliseconds(moment: datetime) -> int:
    """Returns ``moment`` (aware) as milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def from_milliseconds(number: int) -> datetime:
    """Returns the moment (aware) that is ``number`` milliseconds after 1970 began."""
    return datetime.fromtimestamp(number / 1000, UTC)


def trim(text: str) -> str:
    """Returns ``text`` without the white space around it, as Laravel's middleware trims it."""
    return text.strip(_WHITE_SPACE)


def shorten(text: str, max_bytes: int) -> str:
    """Returns ``text``, cut between two characters to at most ``max_bytes`` in UTF-8."""
    encoded = text.encode("utf-8", "replace")
    if len(encoded) <= max_bytes:
        return encoded.decode()
    return f"{encoded[: max_bytes - 3].decode('utf-8', 'ignore')}…"
