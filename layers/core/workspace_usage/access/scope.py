"""Scopes: what a caller may see, and the membership that says so.

A scope is a type, not a flag, and everything that reads rows requires one. It is made only from a
membership that was read, or for a caller that IAM authorized. So code that forgets a filter can't
show more than the scope allows. If access can't be determined, it is denied.
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
        """Returns the runs of ``user_id`` as a scope, or this scope if ``user_id`` is None."""
        return self if user_id is None else OwnRuns(self.workspace_id, user_id)

    def includes(self, other: "Scope") -> bool:
        """Returns whether everything in another scope may be seen in this one, too."""
        return other.workspace_id == self.workspace_id


@dataclass(frozen=True, slots=True)
class OwnRuns:
    """The right to see one user's executions in one workspace."""

    workspace_id: int
    user_id: int

    def narrow_to_user(self, user_id: int | None) -> "Scope":
        """Returns this scope; it can't be narrowed to another user.

        Raises:
            Forbidden: ``user_id`` is another user's.
        """
        if user_id not in (None, self.user_id):
            raise Forbidden("forbidden_user")
        return self

    def includes(self, other: "Scope") -> bool:
        """Returns whether everything in another scope may be seen in this one, too."""
        return other == self


type Scope = WholeWorkspace | OwnRuns
"""What a caller may see."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A user who asks for something, and what they may see."""

    user_id: int
    scope: Scope


def user_of(scope: Scope) -> int | None:
    """Returns the one user whose runs a scope shows, or None if it shows everybody's."""
    return scope.user_id if isinstance(scope, OwnRuns) else None


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's membership in a workspace, with the permissions that it gives."""

    workspace_id: int
    user_id: int
    permissions: frozenset[str]

    @property
    def scope(self) -> Scope:
        """What this member may see."""
        if READ_USERS_ACTIVITY in self.permissions:
            return WholeWorkspace(self.workspace_id)
        return OwnRuns(self.workspace_id, self.user_id)
