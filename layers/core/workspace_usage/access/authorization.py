"""Authorization: what a request presents → who its caller is, and what they may see."""

from dataclasses import dataclass
from datetime import datetime

from workspace_usage.access.context import to_context
from workspace_usage.access.store import AccessStore
from workspace_usage.access.tokens import USE_AGENTS, BearerToken, TokenPolicy
from workspace_usage.errors import Forbidden
from workspace_usage.values import parse_id


@dataclass(frozen=True, slots=True)
class Authorization:
    """Authorizes requests, each with consistent reads of its token and its membership."""

    store: AccessStore
    policy: TokenPolicy

    def authorize(
        self, authorization: str | None, workspace: str | None, now: datetime
    ) -> dict[str, str]:
        """Returns the authorizer's context (``context``) for a request.

        If the request names no workspace, neither does the context. The function that answers the
        request then says so, with a 422.

        Args:
            authorization: the header ``Authorization``.
            workspace: the header ``x-workspace-id``.
            now: the current time (aware).

        Raises:
            Unauthorized: there is no valid token.
            Forbidden: the token lacks the ability, or its user is not a member of the workspace.
            StoreUnavailable: a table can't be read in time.
        """
        presented = BearerToken.from_header(authorization)
        token = self.policy.check(presented, self.store.find_token(presented), now)
        if not token.allows(USE_AGENTS):
            raise Forbidden("forbidden_ability")
        workspace_id = parse_id(workspace)
        if workspace_id is None:
            return {"user_id": str(token.user_id)}
        membership = self.store.find_membership(workspace_id, token.user_id)
        if membership is None:
            raise Forbidden("forbidden_member")
        return to_context(membership)
