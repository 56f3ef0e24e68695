"""What happened on the platform: the events that producers send, checked, as changes to the tables.

Events come at least once and in any order. Each says when it happened (``occurred_at``), and that
orders the events of one subject: a change carries a version, and the greatest version wins,
whichever comes first (``recording``). Of events at the same moment the more final one wins: a
success, a removal; of equally final ones either, but always the same. A revocation wins over all.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workspace_usage.access.items import membership_item, token_item
from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken
from workspace_usage.recording.fields import Id, Timestamp
from workspace_usage.recording.payloads import (
    AccessTokenRecord,
    EditedChat,
    Execution,
    InvalidPayload,
    MemberRecord,
    Payload,
    checked,
)
from workspace_usage.recording.versions import MAX_AHEAD, version_of
from workspace_usage.rows.row import SUCCEEDED, Row, Source, to_stored_item


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row as of one version; its source says that it was recorded, archived or edited."""

    row: Row
    version: str

    @property
    def subject(self) -> Mapping[str, str | int]:
        """What is changed, by its ids alone: nothing personal, for a log."""
        workspace_id, number = self.row.workspace_id, self.row.position.id
        return {"kind": self.row.source, "workspace_id": workspace_id, "id": number}


@dataclass(frozen=True, slots=True)
class TokenChange:
    """A token as of one version; None: it is revoked."""

    token_id: int
    token: AccessToken | None
    version: str

    @property
    def subject(self) -> Mapping[str, str | int]:
        """As of ``RowChange``."""
        return {"kind": "token", "token_id": self.token_id}


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """A membership as of one version; None: the user is no member any more."""

    workspace_id: int
    user_id: int
    membership: Membership | None
    version: str

    @property
    def subject(self) -> Mapping[str, str | int]:
        """As of ``RowChange``."""
        return {"kind": "membership", "workspace_id": self.workspace_id, "user_id": self.user_id}


type Change = RowChange | TokenChange | MembershipChange
"""What an event changes."""


class Event(Payload, ABC):
    """What every event has in common: when it happened."""

    occurred_at: Timestamp

    @abstractmethod
    def change(self) -> Change:
        """What the event changes.

        Raises:
            InvalidRecord: what it says can't be stored.
        """


class _Run(Event):
    def _row_change(self, row: Row) -> RowChange:
        version = version_of(self.occurred_at, row.status == SUCCEEDED, to_stored_item(row))
        return RowChange(row, version)


class ExecutionRecorded(_Run):
    """An agent ran, or its execution has a later status. ``created_at`` never changes."""

    execution: Execution

    def change(self) -> RowChange:
        return self._row_change(self.execution.row(Source.CURRENT))


class ExecutionArchived(_Run):
    """An execution was deleted by its user: its output is hidden, the rest stays listed."""

    execution: Execution

    def change(self) -> RowChange:
        return self._row_change(self.execution.row(Source.ARCHIVED))


class ChatEdited(_Run):
    """A chat was edited; this is what it was, and cost, before."""

    chat: EditedChat

    def change(self) -> RowChange:
        return self._row_change(self.chat.row())


class AccessTokenIssued(Event):
    """A token was issued."""

    token: AccessTokenRecord

    def change(self) -> TokenChange:
        token = self.token.access_token()
        version = version_of(self.occurred_at, False, token_item(token))
        return TokenChange(token.token_id, token, version)


class AccessTokenChanged(AccessTokenIssued):
    """A token has other abilities or another expiry than before; all its fields are sent."""


class AccessTokenRevoked(Event):
    """A token was revoked: it is refused from the next request on, for good."""

    token_id: Id

    def change(self) -> TokenChange:
        return TokenChange(self.token_id, None, version_of(self.occurred_at, True, {}))


class WorkspaceMemberAdded(Event):
    """A user joined a workspace."""

    member: MemberRecord

    def change(self) -> MembershipChange:
        membership = self.member.membership()
        version = version_of(self.occurred_at, False, membership_item(membership))
        return MembershipChange(membership.workspace_id, membership.user_id, membership, version)


class WorkspaceMemberChanged(WorkspaceMemberAdded):
    """A member has other permissions than before; all of them are sent."""


class WorkspaceMemberRemoved(Event):
    """A user left a workspace, or was removed: refused from the next request on."""

    workspace_id: Id
    user_id: Id

    def change(self) -> MembershipChange:
        version = version_of(self.occurred_at, True, {})
        return MembershipChange(self.workspace_id, self.user_id, None, version)


EVENTS: Final[Mapping[str, type[Event]]] = {
    event.__name__: event
    for event in (
        ExecutionRecorded,
        ExecutionArchived,
        ChatEdited,
        AccessTokenIssued,
        AccessTokenChanged,
        AccessTokenRevoked,
        WorkspaceMemberAdded,
        WorkspaceMemberChanged,
        WorkspaceMemberRemoved,
    )
}
"""The events by their ``detail-type`` on the bus."""


def parse(envelope: object, now: datetime) -> Change:
    """The change of an event as EventBridge delivers it, parsed from JSON.

    Args:
        envelope: the event.
        now: this service's clock.

    Raises:
        InvalidRecord: it is no such event, or lies in the future, where it would win over all that
            really happens until then; the text says which field is wrong, never its value.
    """
    if not isinstance(envelope, Mapping):
        raise InvalidPayload("must be a JSON object")
    kind = envelope.get("detail-type")
    model = EVENTS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise InvalidPayload(f"detail-type: must be one of {', '.join(EVENTS)}")
    try:
        event = checked(model, envelope.get("detail"))
        if event.occurred_at - now > MAX_AHEAD:
            raise InvalidPayload("occurred_at: must be at most five minutes ahead of the clock")
        return event.change()
    except InvalidPayload as error:
        raise InvalidPayload(f"detail: {error}") from None
