"""A scope's way through the gateway: the authorizer's context, flat and of strings."""

from collections.abc import Mapping
from typing import Final

from workspace_usage.access.scope import Membership, OwnRuns, Scope, WholeWorkspace
from workspace_usage.errors import Forbidden
from workspace_usage.values import parse_id

_EVERYONE: Final = "everyone"
_OWN: Final = "own"


def to_context(membership: Membership) -> dict[str, str]:
    """What the authorizer tells the function about the caller, in strings."""
    sees = _EVERYONE if isinstance(membership.scope, WholeWorkspace) else _OWN
    return {
        "user_id": str(membership.user_id),
        "workspace_id": str(membership.workspace_id),
        "sees": sees,
    }


def from_context(context: Mapping[str, object], workspace_id: int) -> Scope:
    """The scope that ``to_context`` described, for the workspace that the request names.

    Raises:
        Forbidden: the context is of another workspace, or isn't whole.
    """
    # Strings from API Gateway, numbers from `sam local`.
    user_id = parse_id(str(context.get("user_id")))
    sees = context.get("sees")
    if user_id is None or parse_id(str(context.get("workspace_id"))) != workspace_id:
        raise Forbidden("forbidden_member")
    if sees == _EVERYONE:
        return WholeWorkspace(workspace_id)
    if sees == _OWN:
        return OwnRuns(workspace_id, user_id)
    raise Forbidden("forbidden_member")
