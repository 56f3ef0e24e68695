"""What the platform sends, checked: executions, archived and edited ones, tokens, members.

The formats are the import's (``docs/import.md``). A record becomes a row, a token or a membership,
or is refused with a reason that names the field; unknown fields are ignored. What the listing never
shows is dropped here, before it can be stored.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
)

from workspace_usage.access import AccessToken, Membership
from workspace_usage.position import MAX_ID, Position, format_timestamp, parse_timestamp
from workspace_usage.rows import MEDIA_TYPES, Row, Source, Tokens

MAX_TEXT_BYTES: Final = 16_384
"""The most that a row's texts may take together: 100 rows and links stay below Lambda's 6 MB."""


class InvalidRecord(ValueError):
    """A record that can't be used; its text is the reason, with the field's name."""


def _credits(value: object) -> Decimal:
    if value is None:
        return Decimal(0)
    # Laravel serializes decimal columns as strings; a float has passed a JSON parser on its way.
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError("must be a number")
    try:
        number = Decimal(repr(value) if isinstance(value, float) else value)
    except InvalidOperation:
        raise ValueError("must be a number") from None
    if not number.is_finite():
        raise ValueError("must be a finite number")
    if number and not (_digits(number) <= 38 and -130 <= number.adjusted() <= 125):
        raise ValueError("must have at most 38 digits and lie between 1E-130 and 1E+126")
    return number


def _digits(number: Decimal) -> int:
    """Significant digits, those that DynamoDB counts: without zeros at either end."""
    return len("".join(map(str, number.as_tuple().digits)).strip("0"))


def _timestamp(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be a timestamp like 2026-01-05T19:35:21.000000Z")
    return parse_timestamp(value)


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("must not contain half of a surrogate pair") from None
    return text


type _Id = Annotated[int, Field(strict=True, ge=1, le=MAX_ID)]
type _Count = Annotated[int, Field(strict=True, ge=0, le=MAX_ID)]
type _Text = Annotated[str, Field(strict=True), AfterValidator(_encodable)]
# Part of an index key, which DynamoDB wants to be non-empty and at most 2,048 bytes long.
type _KeyText = Annotated[
    str, Field(strict=True, min_length=1, max_length=255), AfterValidator(_encodable)
]
type _Timestamp = Annotated[datetime, BeforeValidator(_timestamp)]
type _Credits = Annotated[Decimal, PlainValidator(_credits)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Agent(_Record):
    title: _Text
    slug: _Text
    type: _KeyText


class _Metadata(_Record):
    execution_origin: _Text | None = None


class _DetailedCredits(_Record):
    billing: _Text | None = None
    input_tokens: _Count | None = None
    output_tokens: _Count | None = None
    total_tokens: _Count | None = None


class _Run(_Record):
    workspace_id: _Id
    user_id: _Id
    user_email: _Text
    created_at: _Timestamp
    agent: _Agent
    status: _Text
    credits: _Credits = Decimal(0)
    output: _Text | None = None
    root_id: _Count | None = None
    metadata: _Metadata | None = None
    used_model: _Text | None = None
    detailed_credits: _DetailedCredits | None = None

    def row(self, source: Source, number: int, *, output: str | None = None) -> Row:
        return Row(
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
            output=output,
            root_id=self.root_id,
            execution_origin=self.metadata.execution_origin if self.metadata else None,
            used_model=None if source is Source.EDITED else self.used_model,
            tokens=self._tokens(),
        )

    def _tokens(self) -> Tokens | None:
        detail = self.detailed_credits
        if detail is None or detail.billing != "tokens":
            return None
        return Tokens(detail.input_tokens, detail.output_tokens, detail.total_tokens)


class _Execution(_Run):
    id: _Id


class _ChatAgent(_Agent):
    # Only chats are edited: the listing asks the edited chats' table for no other type.
    type: Literal["chat"]


class _EditedChat(_Run):
    user_openai_id: _Id
    agent: _ChatAgent


class _AccessToken(_Record):
    id: _Id
    tokenable_type: _Text
    tokenable_id: _Id
    token: Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}\z")]
    abilities: frozenset[_Text]
    created_at: _Timestamp | None = None
    expires_at: _Timestamp | None = None


class _Member(_Record):
    workspace_id: _Id
    user_id: _Id
    permissions: frozenset[_Text]


def execution_row(source: Source, record: object) -> Row:
    """The row of one record of ``executions``, ``archived`` or ``edited``.

    Raises:
        InvalidRecord: a field is missing or can't be used.
    """
    if source is Source.EDITED:
        edited = _checked(_EditedChat, record)
        row = edited.row(source, edited.user_openai_id)
    else:
        execution = _checked(_Execution, record)
        is_shown = source is Source.CURRENT and execution.agent.type in MEDIA_TYPES
        row = execution.row(source, execution.id, output=execution.output if is_shown else None)
    if _text_bytes(row) > MAX_TEXT_BYTES:
        raise InvalidRecord(f"texts: must take at most {MAX_TEXT_BYTES:,} bytes together")
    return row


def access_token(record: object) -> AccessToken:
    """The token of one record of ``tokens``.

    Raises:
        InvalidRecord: a field is missing or can't be used.
    """
    token = _checked(_AccessToken, record)
    return AccessToken(
        token_id=token.id,
        tokenable_type=token.tokenable_type,
        tokenable_id=token.tokenable_id,
        token_hash=token.token,
        abilities=token.abilities,
        created_at=token.created_at,
        expires_at=token.expires_at,
    )


def membership(record: object) -> Membership:
    """The membership of one record of ``members``.

    Raises:
        InvalidRecord: a field is missing or can't be used.
    """
    member = _checked(_Member, record)
    return Membership(member.workspace_id, member.user_id, member.permissions)


def _checked[M: _Record](model: type[M], record: object) -> M:
    if not isinstance(record, Mapping):
        raise InvalidRecord("must be a JSON object")
    try:
        return model.model_validate(record)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise InvalidRecord("; ".join(map(_reason, problems))) from None


def _reason(problem: Mapping[str, Any]) -> str:
    field = ".".join(str(part) for part in problem["loc"])
    text = problem["msg"].removeprefix("Value error, ")
    return f"{field}: {text[:1].lower()}{text[1:]}"


def _text_bytes(row: Row) -> int:
    texts = (
        row.user_email,
        row.agent_title,
        row.agent_slug,
        row.status,
        row.output,
        row.execution_origin,
        row.used_model,
    )
    return sum(len(text.encode()) for text in texts if text)
