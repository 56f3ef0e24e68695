"""What the platform sends, checked: executions, archived and edited ones, tokens, members.

The formats are the import's (``docs/import.md``). A record becomes a row, a token or a membership,
or is refused with a reason that names the field; unknown fields are ignored. What nobody needs
later is dropped here, before it can be stored; what no table would ever take is refused.
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
    """A record that can't be used; its text is the reason, with the field's name."""


class Payload(BaseModel):
    """What every record has in common: it can't be changed, and unknown fields are ignored."""

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


class _Run(Payload):
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

    def _row(self, source: Source, number: int) -> Row:
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
        if _is_out_of_reach(row):
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


def _is_out_of_reach(row: Row) -> bool:
    """Whether a link to the medium would be signed for a key that no object can have."""
    if row.source is not Source.CURRENT or row.status != SUCCEEDED or not row.output:
        return False
    return not is_url(row.output) and media_key(row.output) is None


class Execution(_Run):
    """An agent execution, current or archived."""

    id: Id

    def row(self, source: Source) -> Row:
        """The execution as a row of the listing, without what that never shows.

        Raises:
            InvalidRecord: its texts are too long, or its output can't be linked to.
        """
        return self._row(source, self.id)


def _chat(agent_type: str) -> str:
    if agent_type != "chat":
        raise InvalidValue("must be chat: only chats are edited")
    return agent_type


class ChatAgent(Agent):
    # The listing asks the edited chats' table for no other type.
    type: Annotated[
        ShortText, AfterValidator(_chat), WithJsonSchema({"type": "string", "const": "chat"})
    ]


class EditedChat(_Run):
    """A chat as it was before it was edited."""

    user_openai_id: Id
    agent: ChatAgent

    def row(self) -> Row:
        """The edited chat as a row of the listing.

        Raises:
            InvalidRecord: its texts are too long.
        """
        return self._row(Source.EDITED, self.user_openai_id)


class AccessTokenRecord(Payload):
    """A Sanctum token; ``token`` is the lower-case hex SHA-256 of its secret, not the secret."""

    id: Id
    tokenable_type: ShortText
    tokenable_id: Id
    token: TokenHash
    abilities: TextList
    created_at: Timestamp | None = None
    expires_at: Timestamp | None = None

    def access_token(self) -> AccessToken:
        """The token as it is stored."""
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

    def membership(self) -> Membership:
        """The membership as it is stored."""
        return Membership(self.workspace_id, self.user_id, self.permissions)


def execution_row(source: Source, record: object) -> Row:
    """The row of one record of ``executions``, ``archived`` or ``edited``.

    Raises:
        InvalidRecord: a field is missing or can't be used.
    """
    if source is Source.EDITED:
        return checked(EditedChat, record).row()
    return checked(Execution, record).row(source)


def access_token(record: object) -> AccessToken:
    """The token of one record of ``tokens``.

    Raises:
        InvalidRecord: a field is missing or can't be used.
    """
    return checked(AccessTokenRecord, record).access_token()


def membership(record: object) -> Membership:
    """The membership of one record of ``members``.

    Raises:
        InvalidRecord: a field is missing or can't be used.
    """
    return checked(MemberRecord, record).membership()


def checked[M: Payload](model: type[M], record: object) -> M:
    """``record``, a parsed JSON value, as a ``model``.

    Raises:
        InvalidRecord: a field is missing or can't be used; the text names all such fields.
    """
    if not isinstance(record, Mapping):
        raise InvalidPayload("must be a JSON object")
    try:
        return model.model_validate(record)
    except ValidationError as error:
        raise InvalidPayload(reason_of(error)) from None
