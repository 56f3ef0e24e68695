"""JSON in few bytes: the value of an attribute whose content only this service reads."""

import zlib
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson


class Unreadable(ValueError):
    """A stored content that this version of the service has not written."""


def pack(content: object) -> dict[str, Any]:
    """Returns ``content`` (JSON) as the value of an attribute."""
    return {"B": zlib.compress(orjson.dumps(content))}


def unpack(value: Mapping[str, Any]) -> Any:
    """Returns what ``pack`` made ``value`` from.

    Raises:
        Unreadable: ``pack`` has not made it.
    """
    with wrong_form_as_unreadable():
        content = value["B"]
        if isinstance(content, str):  # in Base64, as our reader leaves it
            content = b64decode(content)
        return orjson.loads(zlib.decompress(content))


@contextmanager
def wrong_form_as_unreadable() -> Iterator[None]:
    """Turns the errors that parts of a wrong form lead to into ``Unreadable``."""
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError, zlib.error) as error:
        raise Unreadable(f"a stored content can't be read: {error}") from error
