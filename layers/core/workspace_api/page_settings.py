"""The settings of the page function, by themselves: no other function has to load them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from workspace_api.settings import parse_locale


@dataclass(frozen=True, slots=True)
class PageSettings:
    """The page function's environment."""

    default_locale: str
    allowed_origin: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` or ``ValueError`` for a variable that is missing or unusable."""
        return cls(
            default_locale=parse_locale(environment["DEFAULT_LOCALE"]),
            allowed_origin=environment["ALLOWED_ORIGIN"] or None,
        )
