"""The caller of a request: who it is, and which rows they may see."""

from collections.abc import Mapping
from typing import Any

from workspace_usage.access.context import from_context
from workspace_usage.access.scope import Caller, Scope, WholeWorkspace
from workspace_usage.errors import InvalidRequest, Violation
from workspace_usage.values import MAX_ID, parse_id, trim


def caller_of_request(headers: Mapping[str, str], request_context: Mapping[str, Any]) -> Caller:
    """Returns the caller, with the scope that the authorizer allows in the request's workspace.

    Args:
        headers: the request's headers by their names in lower case.
        request_context: API Gateway's ``requestContext``, with the authorizer's context in it.

    Raises:
        InvalidRequest: ``x-workspace-id`` is missing, or is not a workspace id.
        Forbidden: the authorizer's context is about another workspace, or incomplete.
    """
    workspace_id = parse_id(headers.get("x-workspace-id"))
    if workspace_id is None:
        raise _invalid_workspace("x-workspace-id")
    return from_context(request_context.get("authorizer") or {}, workspace_id)


def scope_of_invocation(workspace_id: object) -> Scope:
    """Returns the scope of a direct invocation: the whole workspace that it names.

    Args:
        workspace_id: the invocation's ``workspace_id``, a number or its digits.

    Raises:
        InvalidRequest: ``workspace_id`` is not a workspace id.
    """
    match workspace_id:
        case str():
            number = parse_id(trim(workspace_id))
        case int() if not isinstance(workspace_id, bool) and 0 < workspace_id <= MAX_ID:
            number = workspace_id
        case _:
            number = None
    if number is None:
        raise _invalid_workspace("workspace_id")
    return WholeWorkspace(number)


def _invalid_workspace(field: str) -> InvalidRequest:
    return InvalidRequest((Violation(field, "invalid_workspace"),))
