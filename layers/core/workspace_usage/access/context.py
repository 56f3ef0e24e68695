"""The authorizer's context: how a scope passes through API Gateway, as flat strings.

``user_id`` and ``workspace_id`` are ids in decimal digits; ``sees`` is ``everyone`` or ``own``.
"""

from collections.abc import Mapping
from typing import Final

from workspace_usage.access.scope import Caller, Membership, OwnRuns, WholeWorkspace
from workspace_usage.errors import Forbidden
from workspace_usage.values import parse_id

_SEES_EVERYONE: Final = "everyone"
_SEES_OWN: Final = "own"


def to_context(membership: Membership) -> dict[str, str]:
    """Returns the context that tells the usage function what the caller may see."""
    is_whole = isinstance(membership.scope, WholeWorkspace)
    return {
        "user_id": str(membership.user_id),
        "workspace_id": str(membership.workspace_id),
        "sees": _SEES_EVERYONE if is_whole else _SEES_OWN,
    }


def from_context(context: Mapping[str, object], workspace_id: int) -> Caller:
    """Returns the caller in a context that ``to_context`` made.

    Args:
        context: the context.
        workspace_id: the workspace that the request names.

    Raises:
        Forbidden: the context is of another workspace, or is incomplete.
    """
    # API Gateway passes strings on; `sam local` may pass numbers.
    user_id = parse_id(str(context.get("user_id")))
    sees = context.get("sees")
    if user_id is None or parse_id(str(context.get("workspace_id"))) != workspace_id:
        raise Forbidden("forbidden_member")
    if sees == _SEES_EVERYONE:
        return Caller(user_id, WholeWorkspace(workspace_id))
    if sees == _SEES_OWN:
        return Caller(user_id, OwnRuns(workspace_id, user_id))
    raise Forbidden("forbidden_member")
