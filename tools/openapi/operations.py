"""What each route of the template answers.

A new route needs an entry in ``OPERATIONS``, or in ``NOT_DESCRIBED`` if it is no part of the API.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypedDict

from local.template.template import Template
from tools.openapi.texts import IncompleteDocument
from workspace_usage.exporting.answer import ExportBody
from workspace_usage.exporting.query import ExportQuery
from workspace_usage.listing.answer import Body
from workspace_usage.listing.filters import Filters
from workspace_usage.listing.query import Query
from workspace_usage.summary.answer import SummaryBody
from workspace_usage.summary.query import SummaryQuery


class Problem(TypedDict):
    """The body of an error."""

    message: str
    """What is wrong, in one sentence."""


class InvalidRequest(TypedDict):
    """The body of a 422."""

    message: str
    """The first thing that is wrong, and how many others there are."""
    errors: dict[str, list[str]]
    """All that is wrong, by parameter, header or field; each has one sentence or more."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation of the document.

    Attributes:
        operation_id: its name, which generated clients use.
        tag: the group in which it is shown.
        summary: what it does, in a few words.
        description: what it does, in sentences.
        headers: the names of the request headers that it reads, besides ``Authorization``.
        query: the model of its query parameters, if it has any.
        body: the model of the body of its requests, if they have one.
        status: the status of a success.
        answer: the type of a success's body, or None if that is a file.
        media_type: the media type of a success's body.
        success: what a success is.
        success_headers: the names of headers that only a success of this operation has.
        errors: the names of errors that only this operation has. They take the place of others of
            the same status.
        cache_control: which ``Cache-Control`` a file has: its name in the texts of headers.
    """

    operation_id: str
    tag: str
    summary: str
    description: str
    success: str
    headers: tuple[str, ...]
    query: type[Filters] | None = None
    body: type[Filters] | None = None
    status: int = 200
    answer: type | None = None
    media_type: str = "application/json"
    success_headers: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    cache_control: Literal["max-age", "no-cache"] = "max-age"

    @property
    def is_open(self) -> bool:
        """Whether it needs no token: it serves a file."""
        return self.answer is None


_CALLER: Final = ("x-workspace-id", "Accept-Language")
_FILE: Final = ("If-None-Match",)

OPERATIONS: Final[Mapping[str, Operation]] = {
    "GET /workspaces/usage": Operation(
        operation_id="listUsage",
        tag="Usage",
        summary="List executions",
        description=(
            "Current executions, archived ones and edited chats of the workspace in one list,"
            " newest first. Of executions of the same moment, the one with the greater id comes"
            " first; edited chats come before them. To read everything, send the `next_cursor` of"
            " each page as `cursor` of the next request, until it is null."
        ),
        success="A page of executions.",
        headers=_CALLER,
        query=Query,
        answer=Body,
    ),
    "GET /workspaces/usage/summary": Operation(
        operation_id="summarizeUsage",
        tag="Usage",
        summary="Add executions up",
        description=(
            "Runs, credits and tokens of the executions that the list shows for the same days,"
            " user and type: in total, by day, week or month, and by group. The sums are exact:"
            " buckets add up to the totals, and so do `groups` and `other`. If the rows of a large"
            " workspace are not counted yet, a long window may take too long. The answer is then"
            " 503; the request works once the rows are counted."
        ),
        success="What the executions add up to.",
        headers=_CALLER,
        query=SummaryQuery,
        answer=SummaryBody,
    ),
    "POST /workspaces/usage/exports": Operation(
        operation_id="startExport",
        tag="Exports",
        summary="Start an export",
        description=(
            "Writes all executions that the list shows at this moment, for the same days, user and"
            " type, to a file, in the same order. Executions that arrive later are not in it. A"
            " user may have two exports running, and each request starts another"
            " one. An export and its file are gone after 24 hours."
        ),
        success="The export is started. `Location` is its address.",
        headers=_CALLER,
        body=ExportQuery,
        status=202,
        answer=ExportBody,
        success_headers=("Location",),
        errors=("TooManyExports",),
    ),
    "GET /workspaces/usage/exports/{id}": Operation(
        operation_id="getExport",
        tag="Exports",
        summary="Get an export",
        description=(
            "Says how an export stands. Ask again every few seconds while `status` is `running`."
            " Anyone who has the `link` can load the file without a token, for an hour. Each answer"
            " has a new link. Answers are not cached."
        ),
        success="The export.",
        headers=_CALLER,
        answer=ExportBody,
        errors=("ExportNotFound",),
    ),
    "GET /openapi.json": Operation(
        operation_id="getDescription",
        tag="Description",
        summary="Get this description",
        description="This document (OpenAPI 3.1).",
        success="The document.",
        headers=_FILE,
    ),
    "GET /docs": Operation(
        operation_id="showReference",
        tag="Description",
        summary="Read this description",
        description="A page for people, which shows this document and can send requests.",
        success="The page.",
        headers=_FILE,
        media_type="text/html; charset=utf-8",
    ),
    "GET /": Operation(
        operation_id="showPage",
        tag="Page",
        summary="Look at usage",
        description=(
            "A page for people, which shows what this API answers to their token. 404 if the"
            " deployment has turned it off."
        ),
        success="The page.",
        headers=_FILE,
        media_type="text/html; charset=utf-8",
        cache_control="no-cache",
    ),
}
"""The operations of the document, by the template's routes, in the order of the document."""

NOT_DESCRIBED: Final = {"GET /docs/{file}", "GET /web/{version}/{file}"}
"""Routes that are no part of the API: the files that pages load."""


def check_routes(template: Template) -> None:
    """Raises an error unless the operations are the template's routes.

    Raises:
        IncompleteDocument: a route has no operation, an operation has no route, or one of them
            needs a token and the other doesn't.
    """
    routes = _routes(template)
    for name in routes.keys() - OPERATIONS.keys() - NOT_DESCRIBED:
        raise IncompleteDocument(f"{name} has no entry in tools/openapi/operations.py")
    for name in (OPERATIONS.keys() | NOT_DESCRIBED) - routes.keys():
        raise IncompleteDocument(f"{name} is no route of the template")
    for name, operation in OPERATIONS.items():
        if operation.is_open != routes[name]:
            raise IncompleteDocument(f"{name} differs from the template in whether it is open")


def _routes(template: Template) -> dict[str, bool]:
    """Returns whether each of the template's routes is open to everyone."""
    paths: Mapping[str, Any] = template.only("AWS::ApiGateway::RestApi").properties["Body"]["paths"]
    return {
        f"{method.upper()} {path}": definition.get("security") in (None, [], [{"NONE": []}])
        for path, methods in paths.items()
        for method, definition in methods.items()
    }
