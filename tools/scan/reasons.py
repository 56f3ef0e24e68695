"""Reads ``scanners.toml``: which templates are scanned, and the reasons for what stays."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.scan.findings import Reason

_KEYS_OF_A_REASON = {"rules", "subjects", "reason"}


class InvalidReasons(Exception):
    """The file is not as it should be. The message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The content of the file.

    Attributes:
        templates: for each template's path in the project, the parameters that it is expanded with.
        reasons: the reasons.
    """

    templates: Mapping[str, Mapping[str, str]]
    reasons: tuple[Reason, ...]


def read_settings(path: Path) -> Settings:
    """Returns the content of a file.

    Raises:
        InvalidReasons: it is not TOML, a key is missing, unknown or of another type, or a reason is
            empty.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InvalidReasons(f"{path.name} is not TOML: {error}") from None
    unknown = content.keys() - {"templates", "reason"}
    if unknown:
        raise InvalidReasons(f"{path.name}: nothing reads {', '.join(sorted(unknown))}")
    return Settings(
        templates=content.get("templates", {}),
        reasons=tuple(_reason(entry, path.name) for entry in content.get("reason", [])),
    )


def _reason(entry: Mapping[str, Any], file: str) -> Reason:
    if entry.keys() != _KEYS_OF_A_REASON:
        raise InvalidReasons(
            f"{file}: an entry has {sorted(entry)}, not {sorted(_KEYS_OF_A_REASON)}"
        )
    rules, subjects, text = entry["rules"], entry["subjects"], entry["reason"]
    for names in (rules, subjects):
        if not names or not isinstance(names, list) or len(set(names)) != len(names):
            raise InvalidReasons(f"{file}: {names!r} is not a list of different names")
    if not isinstance(text, str) or not text.strip():
        raise InvalidReasons(f"{file}: the entry of {', '.join(rules)} has no reason")
    return Reason(tuple(rules), tuple(subjects), text.strip())
