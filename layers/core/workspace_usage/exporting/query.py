"""What a caller wants to be exported: which rows, and in which format."""

from collections.abc import Collection, Iterator
from typing import Annotated

from workspace_usage.errors import InvalidRequest, Violation
from workspace_usage.exporting.formats import Format
from workspace_usage.listing.filters import Filters, one_of
from workspace_usage.values import InvalidValue, parse_json


class ExportQuery(Filters):
    """A checked request for an export. ``format`` is None only before that is checked."""

    format: Annotated[Format, one_of(Format)] | None = None

    def contradictions(self, given: Collection[str]) -> Iterator[Violation]:
        """Yields what is wrong with the fields together, and ``format`` if it is missing."""
        yield from super().contradictions(given)
        if "format" not in given:
            yield Violation("format", "required")


def parse_body(text: str | None) -> ExportQuery:
    """Returns the request in the body of a POST.

    An empty body counts as an object without fields. A byte-order mark is ignored.

    Raises:
        InvalidRequest: it isn't a JSON object, or fields break their rules.
    """
    try:
        body = parse_json((text or "").removeprefix("\ufeff") or "{}")
    except InvalidValue:
        body = None
    if not isinstance(body, dict):
        raise InvalidRequest((Violation("body", "invalid_body"),))
    return ExportQuery.parse(body)
