"""Answers as JSON, with all digits of their numbers."""

from decimal import Decimal

import orjson

from workspace_usage.listing.answer import plain_number


def to_json(body: object) -> str:
    """Returns ``body`` as JSON with all digits of its numbers.

    Raises:
        TypeError: JSON has no form for something in it.
    """
    try:
        return orjson.dumps(body, default=_encode).decode()
    except TypeError:
        # orjson refuses integers of more than 64 bits. A sum of tokens may be one.
        return orjson.dumps(_with_decimals(body), default=_encode).decode()


def _with_decimals(value: object) -> object:
    """Returns a JSON value with decimals in place of integers."""
    match value:
        case dict():
            return {name: _with_decimals(part) for name, part in value.items()}
        case list():
            return [_with_decimals(part) for part in value]
        case int() if not isinstance(value, bool):
            return Decimal(value)
    return value


def _encode(value: object) -> orjson.Fragment:
    """Returns a Decimal as a JSON number, digit for digit.

    Raises:
        TypeError: JSON has no form for ``value``.
    """
    if not isinstance(value, Decimal):
        raise TypeError
    return orjson.Fragment(plain_number(value))
