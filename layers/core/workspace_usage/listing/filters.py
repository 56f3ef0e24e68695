"""Which rows a caller asks for: the parameters that every question has, checked.

The same rules hold for a query string, where every value is text, and for a direct invocation,
where numbers may be numbers. Texts lose the white space around them; what is empty then counts as
absent. Parameters of other names change nothing.

A kind of question is a class that adds its own parameters to ``Filters``. A new parameter is a
field; docs/development.md names the other places.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, tzinfo
from typing import Annotated, Any, Final, Literal, Self, get_args

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
from workspace_usage.rows.row import AgentType
from workspace_usage.rows.window import MAX_WINDOW_DAYS, Window, between, last_days, one_day
from workspace_usage.values import MAX_ID, InvalidValue, parse_date, trim

Range = Literal["1d", "7d", "30d"]
"""What ``range`` may be."""

DEFAULT_RANGE: Final = "30d"
"""The range of a question without dates and without a range."""

TypeFilter = Literal["all", AgentType]
"""What ``type`` may be: one agent type, or all rows whatever their type."""

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]*")


def _integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        # Thirty digits are beyond every limit already, and int() refuses very long texts.
        return int(value[:30])
    raise PydanticCustomError("invalid_integer", "not an integer in canonical form")


def _date(value: object) -> date:
    if isinstance(value, str):
        try:
            return parse_date(value)
        except InvalidValue:
            pass
    raise PydanticCustomError("invalid_date", "not a date")


def one_of(literal: Any) -> PlainValidator:
    """Returns a validator that accepts the texts of a ``Literal``; its error has them."""
    choices: tuple[str, ...] = get_args(literal)

    def check(value: object) -> object:
        if value in choices:
            return value
        texts = ", ".join(choices)
        raise PydanticCustomError("invalid_choice", "not a choice", {"choices": texts})

    return PlainValidator(check)


type Integer = Annotated[int, BeforeValidator(_integer)]
"""An integer in canonical form."""


class Filters(BaseModel):
    """A checked question about a workspace's executions; its fields are the parameters.

    ``start_date`` and ``end_date`` are both set or both None; when set, ``range`` is None.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    range: Annotated[Range, one_of(Range)] | None = None
    start_date: Annotated[date, PlainValidator(_date)] | None = None
    end_date: Annotated[date, PlainValidator(_date)] | None = None
    user_id: Annotated[Integer, Field(ge=1, le=MAX_ID)] | None = None
    type: Annotated[TypeFilter, one_of(TypeFilter)] = "all"

    @classmethod
    def parse(cls, parameters: Mapping[str, object]) -> Self:
        """Returns the question that ``parameters`` ask.

        Raises:
            InvalidRequest: parameters break their rules or contradict one another. The error names
                all that is wrong, in the order of the fields.
        """
        names = list(cls.model_fields)
        given = dict(_given(parameters, names))
        if "start_date" in given and "end_date" in given:
            given.pop("range", None)  # has no effect then, even if it is invalid
        violations: list[Violation] = []
        try:
            question = cls.model_validate(given)
        except ValidationError as error:
            violations += map(_violation, error.errors())
            broken = {violation.field for violation in violations}
            question = cls.model_validate({n: v for n, v in given.items() if n not in broken})
        violations += question.contradictions(given)
        if violations:
            violations.sort(key=lambda violation: names.index(violation.field))
            raise InvalidRequest(tuple(violations))
        return question

    def contradictions(self, given: Collection[str]) -> Iterator[Violation]:
        """Yields what is wrong with the parameters together, though each may be valid by itself.

        Args:
            given: the names of all parameters that are not absent; this question is what the valid
                ones ask.
        """
        if "end_date" in given and "start_date" not in given:
            yield Violation("start_date", "missing_date", {"other": "end_date"})
        if "start_date" in given and "end_date" not in given:
            yield Violation("end_date", "missing_date", {"other": "start_date"})
        if self.start_date is not None and self.end_date is not None:
            if self.end_date < self.start_date:
                yield Violation("end_date", "end_before_start")
            elif (self.end_date - self.start_date).days >= MAX_WINDOW_DAYS:
                yield Violation("end_date", "window_too_long", {"limit": MAX_WINDOW_DAYS})

    @property
    def agent_type(self) -> AgentType | None:
        """The one agent type that is asked for, or None for every type."""
        return None if self.type == "all" else self.type

    def window(self, now: datetime, zone: tzinfo) -> Window:
        """Returns the window that is asked for.

        Args:
            now: the time of the question (aware).
            zone: the time zone whose days count.
        """
        if self.start_date and self.end_date:
            return between(self.start_date, self.end_date, zone)
        match self.range or DEFAULT_RANGE:
            case "1d":
                return one_day(now, zone)
            case "7d":
                return last_days(7, now, zone)
            case "30d":
                return last_days(30, now, zone)


def _given(parameters: Mapping[str, object], names: Iterable[str]) -> Iterator[tuple[str, object]]:
    """Yields the parameters that are not absent, without the white space around their values."""
    for name in names:
        value = parameters.get(name)
        if isinstance(value, str):
            value = trim(value)
        if value not in (None, ""):
            yield name, value


def _violation(problem: ErrorDetails) -> Violation:
    """Returns the violation that pydantic describes, under the key of its message."""
    name, values = str(problem["loc"][0]), problem.get("ctx", {})
    match problem["type"]:
        case "greater_than_equal":
            return Violation(name, "invalid_minimum", {"limit": values["ge"]})
        case "less_than_equal":
            return Violation(name, "invalid_maximum", {"limit": values["le"]})
        case message_key:  # raised above, with the key of its message as type
            return Violation(name, message_key, values)
