"""What can go wrong, as one tree; the functions' edges turn it into answers.

    UsageError
    ├── Unauthorized          401  the token is missing, malformed, unknown or dead
    ├── Forbidden             403  the caller may not see what was asked for
    ├── InvalidRequest        422  a parameter breaks its rule
    ├── StoreUnavailable      503  a table or a setting could not be read in time
    └── RejectedByStore                    a table will never take what was to be written

Messages for callers are named by their key in the catalogues (``messages``) and are translated at
the edge. The names ``InvalidRequest`` and ``StoreUnavailable`` are public: a Step Functions
``Catch`` matches them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass


class UsageError(Exception):
    """Base of every expected failure of this service."""


class Unauthorized(UsageError):
    """No living token: missing, malformed, unknown, expired. Which of these is never told."""


class Forbidden(UsageError):
    """The caller is known but may not see this; ``message_key`` says why, in the catalogues."""

    def __init__(self, message_key: str) -> None:
        super().__init__(message_key)
        self.message_key = message_key


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule of one parameter: its catalogue key and the values that its text names."""

    field: str
    message_key: str
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)


class InvalidRequest(UsageError):
    """Parameters that break their rules, in the order in which the contract lists them.

    The text names fields and rules, never values, unless the edge gives one for the caller.
    """

    def __init__(self, violations: tuple[Violation, ...], text: str | None = None) -> None:
        super().__init__(text or "; ".join(f"{v.field}: {v.message_key}" for v in violations))
        self.violations = violations


class StoreUnavailable(UsageError):
    """A table or a setting could not be read in time; the same request may succeed later."""


class WriteConflict(StoreUnavailable):
    """Others changed the same items time and again; the store is well, and other items are free."""


class RejectedByStore(UsageError):
    """No table will ever take what was to be written: it is too large, or malformed."""
