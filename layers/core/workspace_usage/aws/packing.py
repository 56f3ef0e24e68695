"""JSON in few bytes: the value of an attribute whose content only this service reads."""

import zlib
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import orjson


def pack(content: object) -> dict[str, Any]:
    """Returns ``content`` (JSON) as the value of an attribute."""
    return {"B": zlib.compress(orjson.dumps(content))}


def unpack(value: Mapping[str, Any]) -> Any:
    """Returns what ``pack`` made ``value`` from."""
    content = value["B"]
    if isinstance(content, str):  # in Base64, as our reader leaves it
        content = b64decode(content)
    return orjson.loads(zlib.decompress(content))
