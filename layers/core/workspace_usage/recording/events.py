"""Events: what producers send when something has happened on the platform, read as changes.

An event says how its subject (an execution, a chat, a token, a membership) is from ``occurred_at``
on. It comes at least once and in any order; ``versions`` says which event of a subject wins.

To add an event, add its class and name it in ``EVENTS``. The tests then say what else is missing.
The names and the docstrings of the events, and of the models in ``payloads``, are in the schemas
that are published (``schemas/``): a producer reads them.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from workspace_usage.access.items import membership_item, token_item
from workspace_usage.recording.changes import Change, MembershipChange, RowChange, TokenChange
from workspace_usage.recording.fields import Id, Timestamp
from workspace_usage.recording.payloads import (
    AccessTokenRecord,
    EditedChat,
    Execution,
    InvalidPayload,
    MemberRecord,
    Payload,
    parse_payload,
)
from workspace_usage.recording.versions import MAX_CLOCK_SKEW, version_of
from workspace_usage.rows.row import SUCCEEDED, Row, Source, to_stored_item


class Event(Payload, ABC):
    """What every event has in common: when it happened."""

    occurred_at: Timestamp

    @abstractmethod
    def to_change(self) -> Change:
        """Returns what the event changes.

        Raises:
            InvalidPayload: what it says can't be stored.
        """


class _RowEvent(Event):
    def _to_row_change(self, row: Row) -> RowChange:
        version = version_of(self.occurred_at, row.status == SUCCEEDED, to_stored_item(row))
        return RowChange(row, version)


class ExecutionRecorded(_RowEvent):
    """An agent ran, or its execution has a later status. ``created_at`` never changes."""

    execution: Execution

    def to_change(self) -> RowChange:
        return self._to_row_change(self.execution.to_row(Source.CURRENT))


class ExecutionArchived(_RowEvent):
    """An execution was deleted by its user: its output is hidden, the rest stays listed."""

    execution: Execution

    def to_change(self) -> RowChange:
        return self._to_row_change(self.execution.to_row(Source.ARCHIVED))


class ChatEdited(_RowEvent):
    """A chat was edited; this is what it was, and cost, before."""

    chat: EditedChat

    def to_change(self) -> RowChange:
        return self._to_row_change(self.chat.to_row())


class _AccessEvent(Event):
    """What is common to events about who may see what: they are about tokens or members."""


class AccessTokenIssued(_AccessEvent):
    """A token was issued."""

    token: AccessTokenRecord

    def to_change(self) -> TokenChange:
        token = self.token.to_access_token()
        version = version_of(self.occurred_at, is_final=False, content=token_item(token))
        return TokenChange(token.token_id, token, version)


class AccessTokenChanged(AccessTokenIssued):
    """A token has other abilities or another expiry than before; all its fields are sent."""


class AccessTokenRevoked(_AccessEvent):
    """A token was revoked: it is refused from the next request on, for good."""

    token_id: Id

    def to_change(self) -> TokenChange:
        version = version_of(self.occurred_at, is_final=True, content={})
        return TokenChange(self.token_id, None, version)


class WorkspaceMemberAdded(_AccessEvent):
    """A user joined a workspace."""

    member: MemberRecord

    def to_change(self) -> MembershipChange:
        membership = self.member.to_membership()
        content = membership_item(membership)
        version = version_of(self.occurred_at, is_final=False, content=content)
        return MembershipChange(membership.workspace_id, membership.user_id, membership, version)


class WorkspaceMemberChanged(WorkspaceMemberAdded):
    """A member has other permissions than before; all of them are sent."""


class WorkspaceMemberRemoved(_AccessEvent):
    """A user left a workspace, or was removed: refused from the next request on."""

    workspace_id: Id
    user_id: Id

    def to_change(self) -> MembershipChange:
        version = version_of(self.occurred_at, is_final=True, content={})
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

_ACCESS_EVENTS: Final = [name for name, event in EVENTS.items() if issubclass(event, _AccessEvent)]
_ACCESS_DETAIL_TYPE: Final = re.compile(rf'"detail-type"\s*:\s*"(?:{"|".join(_ACCESS_EVENTS)})"')


def is_about_access(body: str) -> bool:
    """Whether a message's body is an event about a token or a member.

    It need not be an event that can be parsed: a revocation that is rejected is one, too.
    """
    return _ACCESS_DETAIL_TYPE.search(body) is not None


def parse_event(envelope: object, now: datetime) -> Change:
    """Returns what an event changes.

    Args:
        envelope: the event as EventBridge delivers it, parsed from JSON.
        now: this service's clock.

    Raises:
        InvalidPayload: the event isn't one of ``EVENTS``, a field can't be used, or ``occurred_at``
            is too far ahead of the clock: such an event would win over everything that really
            happens until then. The text names the field, but never its value.
    """
    if not isinstance(envelope, Mapping):
        raise InvalidPayload("must be a JSON object")
    kind = envelope.get("detail-type")
    model = EVENTS.get(kind) if isinstance(kind, str) else None
    if model is None:
        raise InvalidPayload(f"detail-type: must be one of {', '.join(EVENTS)}")
    try:
        event = parse_payload(model, envelope.get("detail"))
        if event.occurred_at - now > MAX_CLOCK_SKEW:
            raise InvalidPayload("occurred_at: must be at most five minutes ahead of the clock")
        return event.to_change()
    except InvalidPayload as error:
        raise InvalidPayload(f"detail: {error}") from None
