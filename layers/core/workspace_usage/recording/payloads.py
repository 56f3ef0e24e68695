"""Payloads: what the platform sends of an execution, a chat, a token or a member, checked.

A payload comes in an event's detail or on a line of an import file; the format is the same
(``docs/import.md``). It becomes a row, a token or a membership, or it is refused with a reason that
names the field. Unknown fields are ignored. What the listing doesn't show is dropped here, before
it can be stored. What no table would ever take is refused here, too.

The models' names and docstrings, and their fields' names, are in the schemas that are published
(``schemas/``). That is why two models are still called records. Change them only if the schemas
should change.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, WithJsonSchema

from workspace_usage.access.scope import Membership
from workspace_usage.access.tokens import AccessToken
from workspace_usage.listing.sizes import MAX_ROW_BYTES, fits_a_page
from workspace_usage.recording.fields import (
    JSON_OBJECT,
    Count,
    Credits,
    Id,
    JsonText,
    ShortText,
    Status,
    Text,
    TextList,
    Timestamp,
    TokenHash,
)
from workspace_usage.recording.reasons import reason_of
from workspace_usage.rows.position import Position
from workspace_usage.rows.row import (
    MAX_KEY_BYTES,
    SUCCEEDED,
    Row,
    Source,
    Tokens,
    is_url,
    kept_output,
    media_key,
)
from workspace_usage.values import InvalidValue, format_timestamp


class InvalidPayload(InvalidValue):
    """A payload that can't be used; its text is the reason, with the field's name."""


class Payload(BaseModel):
    """What all payloads have in common: they can't be changed, and unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Agent(Payload):
    """The agent that ran."""

    title: Text
    slug: Text
    type: ShortText


class Metadata(Payload):
    """What the platform noted about an execution."""

    execution_origin: JsonText = None


class DetailedCredits(Payload):
    """What an execution was billed by; token counts are listed when ``billing`` is ``tokens``."""

    billing: Text | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None


class _RowPayload(Payload):
    workspace_id: Id
    user_id: Id
    user_email: Text
    created_at: Timestamp
    agent: Agent
    status: Status
    credits: Credits = Decimal(0)
    output: Text | None = None
    root_id: Count | None = None
    metadata: Annotated[Metadata | None, *JSON_OBJECT] = None
    used_model: JsonText = None
    detailed_credits: Annotated[DetailedCredits | None, *JSON_OBJECT] = None

    def _to_row(self, source: Source, number: int) -> Row:
        row = Row(
            source=source,
            workspace_id=self.workspace_id,
            position=Position(format_timestamp(self.created_at), source.rank, number),
            user_id=self.user_id,
            user_email=self.user_email,
            agent_type=self.agent.type,
            agent_title=self.agent.title,
            agent_slug=self.agent.slug,
            status=self.status,
            credits=self.credits,
            output=kept_output(source, self.agent.type, self.output),
            root_id=self.root_id,
            execution_origin=self.metadata.execution_origin if self.metadata else None,
            used_model=None if source is Source.EDITED else self.used_model,
            tokens=self._tokens(),
        )
        if _has_unusable_output(row):
            raise InvalidPayload(
                f"output: must be an http(s) URL, or a key of at most {MAX_KEY_BYTES:,} bytes"
            )
        if not fits_a_page(row):
            raise InvalidPayload(
                f"texts: are too long: the row takes more than {MAX_ROW_BYTES:,} bytes of an answer"
            )
        return row

    def _tokens(self) -> Tokens | None:
        detail = self.detailed_credits
        if detail is None or detail.billing != "tokens":
            return None
        return Tokens(detail.input_tokens, detail.output_tokens, detail.total_tokens)


def _has_unusable_output(row: Row) -> bool:
    """Whether an output that is to be shown is neither a URL nor a key that an object can have."""
    if row.source is not Source.CURRENT or row.status != SUCCEEDED or not row.output:
        return False
    return not is_url(row.output) and media_key(row.output) is None


class Execution(_RowPayload):
    """An agent execution, current or archived."""

    id: Id

    def to_row(self, source: Source) -> Row:
        """Returns the execution as a row, without what the listing never shows.

        Raises:
            InvalidPayload: its texts are too long, or its output can't be linked to.
        """
        return self._to_row(source, self.id)


def _check_chat(agent_type: str) -> str:
    if agent_type != "chat":
        raise InvalidValue("must be chat: only chats are edited")
    return agent_type


class ChatAgent(Agent):
    # The listing asks the edited chats' table for no other type.
    type: Annotated[
        ShortText, AfterValidator(_check_chat), WithJsonSchema({"type": "string", "const": "chat"})
    ]


class EditedChat(_RowPayload):
    """A chat as it was before it was edited."""

    user_openai_id: Id
    agent: ChatAgent

    def to_row(self) -> Row:
        """Returns the edited chat as a row.

        Raises:
            InvalidPayload: its texts are too long.
        """
        return self._to_row(Source.EDITED, self.user_openai_id)


class AccessTokenRecord(Payload):
    """A Sanctum token; ``token`` is the lower-case hex SHA-256 of its secret, not the secret."""

    id: Id
    tokenable_type: ShortText
    tokenable_id: Id
    token: TokenHash
    abilities: TextList
    created_at: Timestamp | None = None
    expires_at: Timestamp | None = None

    def to_access_token(self) -> AccessToken:
        """Returns the access token."""
        return AccessToken(
            token_id=self.id,
            tokenable_type=self.tokenable_type,
            tokenable_id=self.tokenable_id,
            token_hash=self.token,
            abilities=self.abilities,
            created_at=self.created_at,
            expires_at=self.expires_at,
        )


class MemberRecord(Payload):
    """A user's place in a workspace."""

    workspace_id: Id
    user_id: Id
    permissions: TextList

    def to_membership(self) -> Membership:
        """Returns the membership."""
        return Membership(self.workspace_id, self.user_id, self.permissions)


def parse_row(source: Source, payload: object) -> Row:
    """Returns the row of an execution (``source`` says whether it is archived) or an edited chat.

    Raises:
        InvalidPayload: a field is missing or can't be used.
    """
    if source is Source.EDITED:
        return parse_payload(EditedChat, payload).to_row()
    return parse_payload(Execution, payload).to_row(source)


def parse_access_token(payload: object) -> AccessToken:
    """Returns the access token of a payload.

    Raises:
        InvalidPayload: a field is missing or can't be used.
    """
    return parse_payload(AccessTokenRecord, payload).to_access_token()


def parse_membership(payload: object) -> Membership:
    """Returns the membership of a payload.

    Raises:
        InvalidPayload: a field is missing or can't be used.
    """
    return parse_payload(MemberRecord, payload).to_membership()


def parse_payload[M: Payload](model: type[M], payload: object) -> M:
    """Returns a payload (parsed JSON) as a ``model``.

    Raises:
        InvalidPayload: a field is missing or can't be used; the text names all such fields.
    """
    if not isinstance(payload, Mapping):
        raise InvalidPayload("must be a JSON object")
    try:
        return model.model_validate(payload)
    except ValidationError as error:
        raise InvalidPayload(reason_of(error)) from None
