"""Changes: what an event says about one subject, with the version that orders it among others."""

from collections.abc import Mapping
from dataclasses import dataclass

from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken
from workspace_usage.rows.row import Row


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row as of one version.

    The row's source says what happened: current, an execution was recorded; archived, it was
    archived; edited, a chat was edited.
    """

    row: Row
    version: str

    @property
    def subject(self) -> Mapping[str, str | int]:
        """The ids of what is changed, for a log: nothing personal."""
        workspace_id, number = self.row.workspace_id, self.row.position.id
        return {"kind": self.row.source, "workspace_id": workspace_id, "id": number}


@dataclass(frozen=True, slots=True)
class TokenChange:
    """An access token as of one version; ``token`` is None if it is revoked."""

    token_id: int
    token: AccessToken | None
    version: str

    @property
    def subject(self) -> Mapping[str, str | int]:
        """The ids of what is changed, for a log: nothing personal."""
        return {"kind": "token", "token_id": self.token_id}


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """A membership as of one version; ``membership`` is None if the user was removed."""

    workspace_id: int
    user_id: int
    membership: Membership | None
    version: str

    @property
    def subject(self) -> Mapping[str, str | int]:
        """The ids of what is changed, for a log: nothing personal."""
        return {"kind": "membership", "workspace_id": self.workspace_id, "user_id": self.user_id}


type Change = RowChange | TokenChange | MembershipChange
"""What an event changes."""
