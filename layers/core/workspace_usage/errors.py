"""The expected failures of this service, as one tree of exceptions.

    UsageError
    ├── Unauthorized          401  the caller has no valid access token
    ├── Refusal                    the caller is told why
    │   ├── Forbidden         403  the caller may not see what was asked for
    │   ├── NotFound          404  there is no such thing, or it is not the caller's
    │   └── TooManyRequests   429  the caller has to wait
    ├── InvalidRequest        422  a parameter breaks its rule
    ├── StoreUnavailable      503  a table or a setting could not be read or written in time
    │   └── WriteConflict          others kept changing the same items
    └── RejectedByStore            a table will never take what was to be written

The functions turn them into responses. Errors without a status come from the recorder's writes,
which no caller of the API waits for.

Texts for callers are named by their key in the catalogues (``messages``) and are translated by the
functions. The names ``InvalidRequest`` and ``StoreUnavailable`` are public: a Step Functions
``Catch`` matches them.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


class UsageError(Exception):
    """Base of every expected failure of this service."""


class Unauthorized(UsageError):
    """The caller has no valid access token. The caller never learns the reason."""


class Refusal(UsageError):
    """The caller is told why they don't get what they ask for.

    Attributes:
        message_key: the text for the caller, as a key of the catalogues.
    """

    def __init__(self, message_key: str) -> None:
        super().__init__(message_key)
        self.message_key = message_key


class Forbidden(Refusal):
    """The caller is known but may not see this."""


class NotFound(Refusal):
    """There is no such thing, or it is not the caller's."""


class TooManyRequests(Refusal):
    """The caller has to wait.

    Attributes:
        retry_after: for how long.
    """

    def __init__(self, message_key: str, retry_after: timedelta) -> None:
        super().__init__(message_key)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule of one parameter.

    Attributes:
        field: the parameter's name.
        message_key: the rule's text, as a key of the catalogues.
        values: the values that the text has places for.
    """

    field: str
    message_key: str
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)


class InvalidRequest(UsageError):
    """Parameters break their rules.

    Args:
        violations: the broken rules, in the order in which the contract lists the parameters.
        text: the error's text for the caller, or None for a text that names fields and rules, but
            no values.
    """

    def __init__(self, violations: tuple[Violation, ...], text: str | None = None) -> None:
        super().__init__(text or "; ".join(f"{v.field}: {v.message_key}" for v in violations))
        self.violations = violations


class StoreUnavailable(UsageError):
    """A table or a setting could not be read or written in time. A later attempt may succeed."""


class WriteConflict(StoreUnavailable):
    """Others kept changing the same items. The store works, and other items can be written."""


class RejectedByStore(UsageError):
    """A table will never take what was to be written: it is too large, or malformed."""
