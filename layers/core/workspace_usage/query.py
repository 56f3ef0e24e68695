"""What a caller asks for: the query parameters, checked.

The same rules hold for a query string, where every value is text, and for a direct invocation,
where numbers may be numbers. An empty value counts as absent; names not listed change nothing.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, tzinfo
from typing import Annotated, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from workspace_usage.errors import InvalidRequest, Violation
from workspace_usage.position import MAX_ID, Position, decode_cursor
from workspace_usage.window import MAX_DAYS, Window, between, last_day, last_days

DEFAULT_PER_PAGE: Final = 20
MAX_PER_PAGE: Final = 100

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        # Beyond every limit its exact value doesn't matter, and int() refuses very long texts.
        return int(value[:30])
    raise PydanticCustomError("invalid_integer", "not an integer in canonical form")


def _date(value: object) -> date:
    if isinstance(value, str) and _DATE.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:  # 2026-02-30
            pass
    raise PydanticCustomError("invalid_date", "not a date")


def _cursor(value: object) -> Position:
    if isinstance(value, str):
        try:
            return decode_cursor(value)
        except ValueError:
            pass
    raise PydanticCustomError("invalid_cursor", "not a cursor")


def _choice(value: object) -> object:
    # Half of a surrogate pair is a wrong choice like any other: pydantic can't read it as text.
    return value if isinstance(value, str) and value.isascii() else None


type _Integer = Annotated[int, BeforeValidator(_integer)]
_Choice: Final = BeforeValidator(_choice)


class Query(BaseModel):
    """A checked question about a workspace's executions.

    ``start_date`` and ``end_date`` are both set or both None; when set, ``range`` is None. With a
    ``cursor``, ``page`` is None.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    range: Annotated[Literal["1d", "7d", "30d"], _Choice] | None = None
    start_date: Annotated[date, PlainValidator(_date)] | None = None
    end_date: Annotated[date, PlainValidator(_date)] | None = None
    user_id: Annotated[_Integer, Field(ge=1, le=MAX_ID)] | None = None
    type: Annotated[
        Literal["all", "chat", "image", "text", "voiceover", "video", "code"], _Choice
    ] = "all"
    page: Annotated[_Integer, Field(ge=1, le=MAX_ID)] | None = None
    per_page: Annotated[_Integer, Field(ge=1, le=MAX_PER_PAGE)] = DEFAULT_PER_PAGE
    cursor: Annotated[Position, PlainValidator(_cursor)] | None = None

    @classmethod
    def parse(cls, parameters: Mapping[str, object]) -> Self:
        """The question that ``parameters`` ask.

        Raises:
            InvalidRequest: parameters break their rules; it names all that do each by itself or,
                when none does, all that contradict one another.
        """
        given = {name: parameters.get(name) for name in PARAMETERS}
        given = {name: value for name, value in given.items() if value not in (None, "")}
        if "start_date" in given and "end_date" in given:
            given.pop("range", None)  # it has no effect then, whatever it says
        try:
            query = cls.model_validate(given)
        except ValidationError as error:
            raise InvalidRequest(tuple(_violation(problem) for problem in error.errors())) from None
        violations = tuple(_contradictions(query))
        if violations:
            raise InvalidRequest(violations)
        return query

    @property
    def agent_type(self) -> str | None:
        """The one agent type that is asked for; None: every type."""
        return None if self.type == "all" else self.type

    @property
    def page_number(self) -> int | None:
        """The page asked for, from 1 on; None when a cursor says where to continue."""
        return None if self.cursor else self.page or 1

    def window(self, now: datetime, zone: tzinfo) -> Window:
        """The window that is asked for, as of ``now`` (aware)."""
        if self.start_date and self.end_date:
            return between(self.start_date, self.end_date, zone)
        if self.range == "1d":
            return last_day(now, zone)
        return last_days(7 if self.range == "7d" else 30, now, zone)


PARAMETERS: Final = tuple(Query.model_fields)
"""The names of the query parameters, in the contract's order: all that the listing reads."""


def _violation(problem: ErrorDetails) -> Violation:
    """What pydantic found, in the catalogues' terms."""
    name, values = str(problem["loc"][0]), problem.get("ctx", {})
    match problem["type"]:
        case "greater_than_equal":
            return Violation(name, "invalid_minimum", {"limit": values["ge"]})
        case "less_than_equal":
            return Violation(name, "invalid_maximum", {"limit": values["le"]})
        case "literal_error":
            return Violation(
                name,
                "invalid_choice",
                {"choices": values["expected"].replace("'", "").replace(" or ", ", ")},
            )
        case message_key:  # those raised above are named by their key
            return Violation(name, message_key)


def _contradictions(query: Query) -> Iterator[Violation]:
    match query.start_date, query.end_date:
        case None, date():
            yield Violation("start_date", "missing_date", {"other": "end_date"})
        case date(), None:
            yield Violation("end_date", "missing_date", {"other": "start_date"})
        case date() as start, date() as end if end < start:
            yield Violation("end_date", "end_before_start")
        case date() as start, date() as end if (end - start).days >= MAX_DAYS:
            yield Violation("end_date", "window_too_long", {"limit": MAX_DAYS})
    if query.cursor is not None and query.page is not None:
        yield Violation("cursor", "cursor_with_page")
