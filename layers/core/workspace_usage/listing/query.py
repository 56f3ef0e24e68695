"""What a caller of the listing asks for: which rows, and which page of them."""

from collections.abc import Collection, Iterator
from typing import Annotated, Final

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

from workspace_usage.errors import Violation
from workspace_usage.listing.answer import MAX_PER_PAGE
from workspace_usage.listing.filters import Filters, Integer
from workspace_usage.rows.position import Position, decode_cursor
from workspace_usage.values import MAX_ID

DEFAULT_PER_PAGE: Final = 20
"""How many items a page has if ``per_page`` is absent."""


def _cursor(value: object) -> Position:
    if isinstance(value, str):
        try:
            return decode_cursor(value)
        except ValueError:
            pass
    raise PydanticCustomError("invalid_cursor", "not a cursor")


class Query(Filters):
    """A checked question of the listing. With a ``cursor``, ``page`` is None."""

    page: Annotated[Integer, Field(ge=1, le=MAX_ID)] | None = None
    per_page: Annotated[Integer, Field(ge=1, le=MAX_PER_PAGE)] = DEFAULT_PER_PAGE
    cursor: Annotated[Position, PlainValidator(_cursor)] | None = None

    def contradictions(self, given: Collection[str]) -> Iterator[Violation]:
        """Yields what is wrong with the parameters together; see ``Filters``."""
        yield from super().contradictions(given)
        if "cursor" in given and "page" in given:
            yield Violation("cursor", "cursor_with_page")

    @property
    def page_number(self) -> int | None:
        """The number of the page, from 1 on, or None if a cursor says where to continue."""
        return None if self.cursor else self.page or 1


PARAMETER_NAMES: Final = tuple(Query.model_fields)
"""The names of the query parameters, in the contract's order; the listing reads no others."""
