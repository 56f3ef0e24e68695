"""The types of a record's fields: how each is read, in what form, and how large it may be.

What a field can't be is said by an ``InvalidValue``, whose text goes on to the producer. The public
names here are the names in the published schemas.
"""

import re
from collections.abc import Iterable, Mapping
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

MAX_LIST_BYTES: Final = 65_535
"""The most bytes that a list of texts takes as JSON: what a TEXT column of the platform holds."""

_MAX_DIGITS: Final = 38
_MIN_EXPONENT: Final = -130
_MAX_EXPONENT: Final = 125
"""DynamoDB's numbers: significant digits, and the exponents of the first of them."""

_MAX_INTEGER_BITS: Final = 420
"""Bits of an integer that may be below 1E+126: larger ones are not even converted."""

_OUT_OF_RANGE: Final = "must have at most 38 digits and lie between 1E-130 and 1E+126"

_HASH_PATTERN: Final = "[0-9a-f]{64}"
_HASH: Final = re.compile(_HASH_PATTERN)

_NULL: Final = "null"
"""What MySQL's ``->>`` makes of a JSON null: a text."""


def _credits(value: object) -> Decimal:
    """Returns an amount as DynamoDB takes it.

    A negative one is a correction, and kept. Zero has one form, and zeros behind the last of 38
    digits are dropped: neither means anything, and a table would not take all of them.
    """
    if value is None:
        return Decimal(0)
    number = _decimal(value)
    if not number.is_finite():
        raise InvalidValue("must be a finite number")
    if not number:
        return Decimal(0)
    # The exponent first: only then is it known that writing the number down is cheap.
    if _MIN_EXPONENT <= number.adjusted() <= _MAX_EXPONENT:
        mantissa, _, exponent = f"{number:E}".partition("E")
        significant = mantissa.rstrip("0") if "." in mantissa else mantissa
        if len(significant.strip("-").replace(".", "")) <= _MAX_DIGITS:
            is_short = len(mantissa) <= _MAX_DIGITS
            return number if is_short else Decimal(f"{significant}E{exponent}")
    raise InvalidValue(_OUT_OF_RANGE)


def _decimal(value: object) -> Decimal:
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
            # It has passed a parser that knows no decimals; its shortest form is what was written.
            return Decimal(repr(value))
        case str():
            # Laravel serializes decimal columns as strings.
            return parse_decimal(value)
        case _:
            raise InvalidValue("must be a number")


def _timestamp(value: object) -> datetime:
    try:
        return parse_timestamp(value if isinstance(value, str) else "")
    except ValueError:
        raise InvalidValue("must be a timestamp like 2026-01-05T19:35:21.000000Z") from None


def _token_hash(text: str) -> str:
    if not _HASH.fullmatch(text):
        raise InvalidValue("must be a SHA-256 of 64 lower-case hexadecimal digits")
    return text


def _storable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidValue("must not contain half of a surrogate pair") from None
    return text


def _texts(value: object) -> frozenset[str]:
    """Returns the texts of a list, or of an object's values; looks no further than the first fault.

    PHP's ``json_encode`` makes an object of a list in which an index is missing.
    """
    match value:
        case None | "null":
            return frozenset()
        case list():
            return frozenset(_checked(value))
        case Mapping():
            return frozenset(_checked(value.values()))
        case _:
            raise InvalidValue("must be a list of texts")


def _checked(values: Iterable[object]) -> Iterable[str]:
    size = len("[]")
    for number, value in enumerate(values, 1):
        if not isinstance(value, str):
            raise InvalidValue(f"must be a list of texts, but item {number:,} is something else")
        size += len(_storable(value).encode()) + len('"",')
        if size > MAX_LIST_BYTES:
            raise InvalidValue(f"must take at most {MAX_LIST_BYTES:,} bytes as JSON")
        yield value


def _text_or_nothing(value: object) -> object:
    return None if value == _NULL else value


def _object_or_nothing(value: object) -> object:
    """PHP's ``json_encode`` makes a list of an empty object."""
    return None if value in ([], _NULL) else value


@dataclass(frozen=True, slots=True)
class _AlsoNothing:
    """Adds to an object's schema what ``_object_or_nothing`` takes besides."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Returns the schema of whatever this annotates, with an empty list and ``"null"``."""
        nothing = [{"type": "array", "maxItems": 0}, {"const": _NULL}]
        return {"anyOf": [*handler(schema)["anyOf"], *nothing]}


JSON_OBJECT: Final = (BeforeValidator(_object_or_nothing), _AlsoNothing())
"""Annotates an object, or None, from a JSON column."""

_TEXT_LIST: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "null"},
        {"const": _NULL},
    ],
    "description": f"Takes at most {MAX_LIST_BYTES:,} bytes as JSON.",
}
_CREDITS: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "number"},
        {"type": "string", "pattern": f"^{DECIMAL_PATTERN}$"},
        {"type": "null"},
    ]
}

type Id = Annotated[int, Field(strict=True, ge=1, le=MAX_ID)]
type Count = Annotated[int, Field(strict=True, ge=0, le=MAX_ID)]
type Text = Annotated[str, Field(strict=True), AfterValidator(_storable)]
type JsonText = Annotated[Text | None, BeforeValidator(_text_or_nothing)]
# 255 characters are what Laravel's string columns take. In UTF-8 that is within DynamoDB's limits
# for attributes of a key: 1,024 bytes.
type ShortText = Annotated[
    str, Field(strict=True, min_length=1, max_length=255), AfterValidator(_storable)
]
type Status = Annotated[str, Field(strict=True, max_length=255), AfterValidator(_storable)]
type Timestamp = Annotated[
    datetime,
    PlainValidator(_timestamp),
    WithJsonSchema({"type": "string", "pattern": TIMESTAMP_PATTERN}),
]
type Credits = Annotated[Decimal, PlainValidator(_credits), WithJsonSchema(_CREDITS)]
type TextList = Annotated[frozenset[str], PlainValidator(_texts), WithJsonSchema(_TEXT_LIST)]
type TokenHash = Annotated[
    str,
    Field(strict=True),
    AfterValidator(_token_hash),
    WithJsonSchema({"type": "string", "pattern": f"^{_HASH_PATTERN}$"}),
]
