"""Fields: the types of a payload's fields, each with the rule for reading its value.

A rule that isn't met raises ``InvalidValue``, whose text goes to the producer. The public names of
the types are in the schemas that are published (``schemas/``).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    PlainValidator,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from workspace_usage.values import (
    DECIMAL_PATTERN,
    MAX_ID,
    TIMESTAMP_PATTERN,
    InvalidValue,
    parse_decimal,
    parse_timestamp,
)

# --- Whole numbers --------------------------------------------------------------------------------

type Id = Annotated[int, Field(strict=True, ge=1, le=MAX_ID)]
"""A positive id of 64 bits."""

type Count = Annotated[int, Field(strict=True, ge=0, le=MAX_ID)]
"""A number of something, or an id that can be 0."""

# --- Texts ----------------------------------------------------------------------------------------

SURROGATE_SENTENCE: Final = "must not contain half of a surrogate pair"
"""The reason for a text that is not Unicode: it can't be written as UTF-8."""

_NULL: Final = "null"
"""What MySQL's ``->>`` makes of a JSON null: a text."""


def _check_unicode(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValue(SURROGATE_SENTENCE) from None
    return text


def _null_as_none(value: object) -> object:
    return None if value == _NULL else value


type Text = Annotated[str, Field(strict=True), AfterValidator(_check_unicode)]
"""Any text that can be stored."""

type JsonText = Annotated[Text | None, BeforeValidator(_null_as_none)]
"""A text out of a JSON column, or None."""

type ShortText = Annotated[
    str, Field(strict=True, min_length=1, max_length=255), AfterValidator(_check_unicode)
]
"""A text that can be part of a key. Laravel's string columns take 255 characters; in UTF-8 these
are within DynamoDB's limit for an attribute of a key, 1,024 bytes."""

type Status = Annotated[str, Field(strict=True, max_length=255), AfterValidator(_check_unicode)]
"""An execution's status, which can be empty."""

# --- Timestamps -----------------------------------------------------------------------------------


def _parse_timestamp(value: object) -> datetime:
    try:
        return parse_timestamp(value if isinstance(value, str) else "")
    except ValueError:
        raise InvalidValue("must be a timestamp like 2026-01-05T19:35:21.000000Z") from None


type Timestamp = Annotated[
    datetime,
    PlainValidator(_parse_timestamp),
    WithJsonSchema({"type": "string", "pattern": TIMESTAMP_PATTERN}),
]
"""A moment in UTC with microseconds."""

# --- Credits --------------------------------------------------------------------------------------

_MAX_DIGITS: Final = 38
_MIN_EXPONENT: Final = -130
_MAX_EXPONENT: Final = 125
"""The limits of DynamoDB's numbers: significant digits, and the exponent of the first digit."""

_MAX_INTEGER_BITS: Final = 420
"""The bits of an integer that may be below 1E+126. A larger one is not even converted."""

_OUT_OF_RANGE: Final = "must have at most 38 digits and lie between 1E-130 and 1E+126"


def _parse_credits(value: object) -> Decimal:
    """Returns an amount in a form that DynamoDB takes; None is zero.

    A negative amount is a correction and is kept. Zero has only one form. Zeros after the last
    significant digit are dropped if the number has more than 38 digits with them: they mean
    nothing, and a table would not take the number.
    """
    if value is None:
        return Decimal(0)
    number = _parse_number(value)
    if not number.is_finite():
        raise InvalidValue("must be a finite number")
    if number.is_zero():
        return Decimal(0)
    # The exponent is checked first, so that writing the number down is cheap.
    if not _MIN_EXPONENT <= number.adjusted() <= _MAX_EXPONENT:
        raise InvalidValue(_OUT_OF_RANGE)
    mantissa, _, exponent = f"{number:E}".partition("E")
    significant = mantissa.rstrip("0") if "." in mantissa else mantissa
    if len(significant.strip("-").replace(".", "")) > _MAX_DIGITS:
        raise InvalidValue(_OUT_OF_RANGE)
    is_short = len(mantissa) <= _MAX_DIGITS
    return number if is_short else Decimal(f"{significant}E{exponent}")


def _parse_number(value: object) -> Decimal:
    match value:
        case bool():
            raise InvalidValue("must be a number")
        case Decimal():
            return value
        case int():
            if value.bit_length() > _MAX_INTEGER_BITS:
                raise InvalidValue(_OUT_OF_RANGE)
            return Decimal(value)
        case float():
            # The JSON parser made a float of a number. Its shortest form is what was written.
            return Decimal(repr(value))
        case str():
            # Laravel serializes decimal columns as strings.
            return parse_decimal(value)
        case _:
            raise InvalidValue("must be a number")


_CREDITS_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": f"^{DECIMAL_PATTERN}$"},
        {"type": "null"},
    ]
}

type Credits = Annotated[Decimal, PlainValidator(_parse_credits), WithJsonSchema(_CREDITS_SCHEMA)]
"""An exact amount: a JSON number, or a text that spells one."""

# --- Lists of texts -------------------------------------------------------------------------------

MAX_LIST_BYTES: Final = 65_535
"""The most bytes that a list of texts takes as JSON: what a TEXT column of the platform holds."""


def _parse_texts(value: object) -> frozenset[str]:
    """Returns the texts of a list, or of an object's values; stops at the first one that is wrong.

    PHP's ``json_encode`` writes a list as an object if an index is missing.
    """
    match value:
        case None | "null":
            return frozenset()
        case list():
            return frozenset(_check_texts(value))
        case Mapping():
            return frozenset(_check_texts(value.values()))
        case _:
            raise InvalidValue("must be a list of texts")


def _check_texts(values: Iterable[object]) -> Iterator[str]:
    size = len("[]")
    for number, value in enumerate(values, 1):
        if not isinstance(value, str):
            raise InvalidValue(f"must be a list of texts, but item {number:,} is something else")
        size += len(_check_unicode(value).encode()) + len('"",')
        if size > MAX_LIST_BYTES:
            raise InvalidValue(f"must take at most {MAX_LIST_BYTES:,} bytes as JSON")
        yield value


_TEXT_LIST_SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "null"},
        {"const": _NULL},
    ],
    "description": f"Takes at most {MAX_LIST_BYTES:,} bytes as JSON.",
}

type TextList = Annotated[
    frozenset[str], PlainValidator(_parse_texts), WithJsonSchema(_TEXT_LIST_SCHEMA)
]
"""Different texts in any order: abilities, permissions."""

# --- Hashes of tokens -----------------------------------------------------------------------------

_HASH_PATTERN: Final = "[0-9a-f]{64}"
_HASH: Final = re.compile(_HASH_PATTERN)


def _check_hash(text: str) -> str:
    if not _HASH.fullmatch(text):
        raise InvalidValue("must be a SHA-256 of 64 lower-case hexadecimal digits")
    return text


type TokenHash = Annotated[
    str,
    Field(strict=True),
    AfterValidator(_check_hash),
    WithJsonSchema({"type": "string", "pattern": f"^{_HASH_PATTERN}$"}),
]
"""The SHA-256 of a token's secret, as Sanctum stores it."""

# --- Objects out of JSON columns ------------------------------------------------------------------


def _empty_as_none(value: object) -> object:
    """Returns None for an empty list too: PHP's ``json_encode`` writes an empty object as one."""
    return None if value in ([], _NULL) else value


@dataclass(frozen=True, slots=True)
class _AlsoEmpty:
    """Adds to an object's schema the values that ``_empty_as_none`` turns into None."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Returns the schema of the annotated type, with an empty list and ``"null"`` added."""
        empty = [{"type": "array", "maxItems": 0}, {"const": _NULL}]
        return {"anyOf": [*handler(schema)["anyOf"], *empty]}


JSON_OBJECT: Final = (BeforeValidator(_empty_as_none), _AlsoEmpty())
"""Annotates a field that holds an object out of a JSON column, or None."""
