"""What a caller of the summary asks for: which rows, and how they are added up."""

from typing import Annotated, Final, get_args

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

from workspace_usage.listing.filters import Filters, Integer, one_of
from workspace_usage.summary.answer import Dimension, Interval
from workspace_usage.values import trim

MAX_GROUPS: Final = 50
"""The most groups that an answer names."""

DEFAULT_LIMIT: Final = 10
"""How many groups an answer names if ``limit`` is absent."""

MAX_DIMENSIONS: Final = 2
"""The most dimensions that rows are grouped by."""

_DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension.__value__)


def _dimensions(value: object) -> tuple[object, ...]:
    """Returns the dimensions in a text such as ``user,model``, or in a list of their names."""
    names = value.split(",") if isinstance(value, str) else value
    if isinstance(names, list):
        dimensions = [trim(name) if isinstance(name, str) else name for name in names]
        known = [dimension for dimension in dimensions if dimension in _DIMENSIONS]
        if len(dimensions) == len(known) == len(set(known)) <= MAX_DIMENSIONS:
            return tuple(known)
    choices = {"choices": ", ".join(_DIMENSIONS)}
    raise PydanticCustomError("invalid_groups", "not one or two dimensions", choices)


class SummaryQuery(Filters):
    """A checked question of the summary."""

    interval: Annotated[Interval, one_of(Interval.__value__)] = "day"
    group_by: Annotated[tuple[Dimension, ...], PlainValidator(_dimensions)] = ()
    limit: Annotated[Integer, Field(ge=1, le=MAX_GROUPS)] = DEFAULT_LIMIT


PARAMETER_NAMES: Final = tuple(SummaryQuery.model_fields)
"""The names of the query parameters, in the contract's order; the summary reads no others."""
