"""JSON text whose numbers keep all their digits."""

import json
import re
import secrets
from decimal import Decimal
from typing import Final

MAX_ZEROS: Final = 200
"""The most zeros that are written for a number: more than any number in a table needs."""

_PLACEHOLDER: Final = secrets.token_hex(16)


def to_json(value: object) -> str:
    """Returns ``value`` as JSON text on one line.

    Decimals are written as plain decimals, with all their digits.

    Raises:
        TypeError: JSON has no form for something in it.
    """
    numbers: list[str] = []

    def placeholder(unknown: object) -> str:
        if not isinstance(unknown, Decimal):
            raise TypeError(f"{type(unknown).__name__} has no form in JSON")
        numbers.append(plain(unknown))
        return f"{_PLACEHOLDER}{len(numbers) - 1}"

    text = json.dumps(value, default=placeholder, ensure_ascii=False)
    if not numbers:
        return text
    return re.sub(rf'"{_PLACEHOLDER}(\d+)"', lambda match: numbers[int(match[1])], text)


def plain(number: Decimal) -> str:
    """Returns ``number`` without an exponent, such as ``0.0000001``.

    Only a number that no table could hold is written with an exponent.
    """
    if -MAX_ZEROS <= int(number.as_tuple().exponent) <= MAX_ZEROS:
        return f"{number:f}"
    return f"{number}"
