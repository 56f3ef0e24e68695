"""Findings: what the checks of a deployment found."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from usagectl.errors import CommandError
from workspace_usage.errors import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        check: what is checked.
        is_well: whether it is as it should be, or None if it can't be checked.
        detail: what was found.
    """

    check: str
    is_well: bool | None
    detail: str


class Problem(Exception):
    """Something is not as it should be; the text says what."""


FAILURES: Final = (Problem, BotoCoreError, ClientError, CommandError, StoreUnavailable)
"""What a check raises if something is not as it should be."""


def find(name: str, check: Callable[[], str]) -> Finding:
    """Returns what a check found.

    Args:
        name: what is checked.
        check: returns what was found if all is well. It raises ``Problem`` if something is not as
            it should be.
    """
    try:
        return Finding(name, True, check())
    except FAILURES as error:
        return Finding(name, False, str(error))
