"""The answer of a summary: its types.

A group has the fields of its dimensions, named as in the listing's items, and then its totals. The
docstrings of types and fields are their descriptions in ``openapi.json``.
"""

from decimal import Decimal
from typing import Literal, NotRequired, TypedDict

type Interval = Literal["day", "week", "month", "none"]
"""How long the buckets of a summary are."""

type Dimension = Literal["user", "type", "model", "agent", "origin", "source", "status"]
"""What rows are grouped by."""


class TokenTotals(TypedDict):
    """The sums of language-model tokens; what isn't known of a row counts as 0."""

    input: int
    """Tokens that models were sent."""
    output: int
    """Tokens that they generated."""
    total: int
    """Tokens that were billed."""


class Totals(TypedDict):
    """What rows add up to."""

    runs: int
    """The number of rows."""
    succeeded: int
    """How many of them succeeded."""
    failed: int
    """How many of them did not succeed."""
    credits: Decimal
    """The credits that were charged, exactly."""
    tokens: TokenTotals
    """The tokens of the rows whose billing was by tokens."""


class Group(Totals):
    """What the rows of a group add up to, after the values that ``group_by`` asks for."""

    user_id: NotRequired[int]
    """``user``: the user who ran them."""
    email: NotRequired[str]
    """``user``: the email address in the user's newest row in the window."""
    type: NotRequired[str]
    """``type``: the agent's type."""
    used_model: NotRequired[str | None]
    """``model``: the language model; null for rows without one."""
    slug: NotRequired[str]
    """``agent``: the agent's slug."""
    name: NotRequired[str]
    """``agent``: the agent's title in the agent's newest row in the window."""
    execution_origin: NotRequired[str | None]
    """``origin``: the execution's origin; null for rows without one."""
    source: NotRequired[Literal["current", "archived", "edited"]]
    """``source``: whether these are current executions, archived ones, or edited chats."""
    status: NotRequired[Literal["succeeded", "failed"]]
    """``status``: whether they succeeded."""


class Division(TypedDict):
    """What some rows add up to, and how that is divided among the groups."""

    totals: Totals
    """What the rows add up to."""
    groups: list[Group]
    """What the rows of each named group add up to; groups without any of the rows are left out."""
    other: Totals | None
    """What the rows of all other groups add up to; null if there are none."""


class Bucket(TypedDict):
    """What the rows of some days of the window add up to."""

    start_date: str
    """The first day, ``2026-01-05``."""
    end_date: str
    """The last day."""
    totals: Totals
    """What the rows of these days add up to."""
    groups: list[Group]
    """Those of the summary's groups that have rows in these days, in the summary's order."""
    other: Totals | None
    """What the rows of all other groups add up to; null if there are none in these days."""


class SummaryBody(TypedDict):
    """What the rows of a window add up to, by days and by groups."""

    time_zone: str
    """The IANA time zone whose days these are."""
    start_date: str | None
    """The first day of the window; null if ``usage_history_min_date`` hides all of it."""
    end_date: str | None
    """The last day of the window; null if ``usage_history_min_date`` hides all of it."""
    interval: Interval
    """How long the buckets are: the ``interval`` that was asked for."""
    group_by: list[Dimension]
    """What the rows are grouped by, in the order that was asked for."""
    totals: Totals
    """What all rows of the window add up to."""
    groups: list[Group]
    """Those with the most credits; among equals the most runs, then the least values, null last."""
    other: Totals | None
    """What the rows of all other groups add up to; null if all groups are named."""
    buckets: list[Bucket]
    """The window's days by ``interval``, oldest first; days without rows are there too."""
