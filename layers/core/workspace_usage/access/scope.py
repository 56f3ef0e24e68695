"""What a caller may see: a membership, and the scope that it gives.

A scope is a type, not a flag. Everything that reads rows requires one, and one can only be had from
a membership that was read, or for a caller that IAM let in. A filter that gets lost along the way
can therefore not widen what is seen.
"""

from dataclasses import dataclass
from typing import Final

from workspace_usage.errors import Forbidden

READ_USERS_ACTIVITY: Final = "read_users_activity"
"""The permission in a workspace to see other members' executions."""


@dataclass(frozen=True, slots=True)
class WholeWorkspace:
    """The right to see every execution in one workspace."""

    workspace_id: int

    def narrow_to_user(self, user_id: int | None) -> "Scope":
        """This scope, narrowed to one user's runs when ``user_id`` is given."""
        return self if user_id is None else OwnRuns(self.workspace_id, user_id)


@dataclass(frozen=True, slots=True)
class OwnRuns:
    """The right to see one user's executions in one workspace."""

    workspace_id: int
    user_id: int

    def narrow_to_user(self, user_id: int | None) -> "Scope":
        """This scope, if ``user_id`` asks for nothing beyond it.

        Raises:
            Forbidden: another user's runs are asked for.
        """
        if user_id not in (None, self.user_id):
            raise Forbidden("forbidden_user")
        return self


type Scope = WholeWorkspace | OwnRuns
"""What a caller may see."""


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's place in a workspace, as stored."""

    workspace_id: int
    user_id: int
    permissions: frozenset[str]

    @property
    def scope(self) -> Scope:
        """What this member may see."""
        if READ_USERS_ACTIVITY in self.permissions:
            return WholeWorkspace(self.workspace_id)
        return OwnRuns(self.workspace_id, self.user_id)
