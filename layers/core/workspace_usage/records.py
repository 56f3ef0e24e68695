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
    WithJsonSchema,
)

from workspace_usage.access import AccessToken, Membership
from workspace_usage.position import (
    MAX_ID,
    TIMESTAMP_PATTERN,
    Position,
    format_timestamp,
    parse_timestamp,
)
from workspace_usage.rows import MEDIA_TYPES, Row, Source, Tokens
from workspace_usage.values import InvalidValue

MAX_TEXT_BYTES: Final = 16_384
"""The most that a row's texts may take together: 100 rows and links stay below Lambda's 6 MB."""


class InvalidRecord(InvalidValue):
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
    if not number:
        return Decimal(0)  # in its one form: 0E-500 has too many digits for a table
    if not (_digits(number) <= 38 and -130 <= number.adjusted() <= 125):
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


# Public names: they are the names in the published schemas.
type Id = Annotated[int, Field(strict=True, ge=1, le=MAX_ID)]
type Count = Annotated[int, Field(strict=True, ge=0, le=MAX_ID)]
type Text = Annotated[str, Field(strict=True), AfterValidator(_encodable)]
# Part of an index key, which DynamoDB wants to be non-empty and at most 2,048 bytes long.
type KeyText = Annotated[
    str, Field(strict=True, min_length=1, max_length=255), AfterValidator(_encodable)
]
type Timestamp = Annotated[
    datetime,
    BeforeValidator(_timestamp),
    WithJsonSchema({"type": "string", "pattern": TIMESTAMP_PATTERN}),
]
type Credits = Annotated[
    Decimal, PlainValidator(_credits), WithJsonSchema({"type": ["number", "string", "null"]})
]


class Record(BaseModel):
    """What every record has in common: it can't be changed, and unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Agent(Record):
    """The agent that ran."""

    title: Text
    slug: Text
    type: KeyText


class Metadata(Record):
    """What the platform noted about an execution."""

    execution_origin: Text | None = None


class DetailedCredits(Record):
    """What an execution was billed by; token counts are listed when ``billing`` is ``tokens``."""

    billing: Text | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None


class _Run(Record):
    workspace_id: Id
    user_id: Id
    user_email: Text
    created_at: Timestamp
    agent: Agent
    status: Text
    credits: Credits = Decimal(0)
    output: Text | None = None
    root_id: Count | None = None
    metadata: Metadata | None = None
    used_model: Text | None = None
    detailed_credits: DetailedCredits | None = None

    def _row(self, source: Source, number: int, output: str | None) -> Row:
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
            output=output,
            root_id=self.root_id,
            execution_origin=self.metadata.execution_origin if self.metadata else None,
            used_model=None if source is Source.EDITED else self.used_model,
            tokens=self._tokens(),
        )
        if _text_bytes(row) > MAX_TEXT_BYTES:
            raise InvalidRecord(f"texts: must take at most {MAX_TEXT_BYTES:,} bytes together")
        return row

    def _tokens(self) -> Tokens | None:
        detail = self.detailed_credits
        if detail is None or detail.billing != "tokens":
            return None
        return Tokens(detail.input_tokens, detail.output_tokens, detail.total_tokens)


class Execution(_Run):
    """An agent execution, current or archived."""

    id: Id

    def row(self, source: Source) -> Row:
        """The execution as a row of the listing, without what that never shows.

        Raises:
            InvalidRecord: its texts are too long.
        """
        is_shown = source is Source.CURRENT and self.agent.type in MEDIA_TYPES
        return self._row(source, self.id, self.output if is_shown else None)


class ChatAgent(Agent):
    # Only chats are edited: the listing asks the edited chats' table for no other type.
    type: Literal["chat"]


class EditedChat(_Run):
    """A chat as it was before it was edited."""

    user_openai_id: Id
    agent: ChatAgent

    def row(self) -> Row:
        """The edited chat as a row of the listing.

        Raises:
            InvalidRecord: its texts are too long.
        """
        return self._row(Source.EDITED, self.user_openai_id, output=None)


class AccessTokenRecord(Record):
    """A Sanctum token; ``token`` is the lower-case hex SHA-256 of its secret, not the secret."""

    id: Id
    tokenable_type: Text
    tokenable_id: Id
    token: Annotated[str, Field(strict=True, pattern=r"^[0-9a-f]{64}$", max_length=64)]
    abilities: frozenset[Text]
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


class MemberRecord(Record):
    """A user's place in a workspace."""

    workspace_id: Id
    user_id: Id
    permissions: frozenset[Text]

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


def checked[M: Record](model: type[M], record: object) -> M:
    """``record``, a parsed JSON value, as a ``model``.

    Raises:
        InvalidRecord: a field is missing or can't be used; the text names all such fields.
    """
    if not isinstance(record, Mapping):
        raise InvalidRecord("must be a JSON object")
    try:
        return model.model_validate(record)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        raise InvalidRecord("; ".join(map(_reason, problems))) from None


def _reason(problem: Mapping[str, Any]) -> str:
    field = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "model_type":
        return f"{field}: must be a JSON object"
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
