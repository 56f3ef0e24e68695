"""How a deployment is set up: each function's environment, read once into a typed object.

The variables are declared in ``template.yaml``, which says what they mean and what they may be.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Final, Self

from workspace_usage.access import TokenPolicy
from workspace_usage.aws import reading
from workspace_usage.errors import StoreUnavailable
from workspace_usage.window import midnight, time_zone

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient


@dataclass(frozen=True, slots=True)
class AuthorizerSettings:
    """The authorizer's environment."""

    default_locale: str
    access_tokens_table: str
    memberships_table: str
    token_policy: TokenPolicy

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` or ``ValueError`` for a variable that is missing or unusable."""
        minutes = int(environment["TOKEN_LIFETIME_MINUTES"])
        return cls(
            default_locale=environment["DEFAULT_LOCALE"],
            access_tokens_table=environment["ACCESS_TOKENS_TABLE"],
            memberships_table=environment["MEMBERSHIPS_TABLE"],
            token_policy=TokenPolicy(
                lifetime=timedelta(minutes=minutes) if minutes else None,
                tokenable_type=environment["TOKENABLE_TYPE"] or None,
            ),
        )


@dataclass(frozen=True, slots=True)
class UsageSettings:
    """The usage function's environment; ``link_lifetime`` is in seconds."""

    default_locale: str
    time_zone: tzinfo
    executions_table: str
    archived_executions_table: str
    edited_chats_table: str
    media_bucket: str
    media_endpoint: str | None
    region: str
    link_lifetime: int
    min_date_parameter: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` or ``ValueError`` for a variable that is missing or unusable."""
        return cls(
            default_locale=environment["DEFAULT_LOCALE"],
            time_zone=time_zone(environment["TIME_ZONE"]),
            executions_table=environment["EXECUTIONS_TABLE"],
            archived_executions_table=environment["ARCHIVED_EXECUTIONS_TABLE"],
            edited_chats_table=environment["EDITED_CHATS_TABLE"],
            media_bucket=environment["MEDIA_BUCKET"],
            media_endpoint=environment["AWS_ENDPOINT_URL_S3"] or None,
            region=environment["AWS_REGION"],
            link_lifetime=int(environment["LINK_LIFETIME_SECONDS"]),
            min_date_parameter=environment["MIN_DATE_PARAMETER"],
        )


MIN_DATE_LIFETIME: Final = timedelta(minutes=1)
"""How long the app setting is believed before it is read again."""


class MinDate:
    """The app setting ``usage_history_min_date``: a Systems Manager parameter of JSON text::

        {"enabled": true, "date": "2026-01-01"}

    It is read at most once a minute. While it can't be read, the last value that could be counts; a
    deployment that never could read it does not answer, since the answer might show too much.
    """

    def __init__(self, client: "SSMClient", name: str, zone: tzinfo) -> None:
        self._client = client
        self._name = name
        self._zone = zone
        self._earliest: datetime | None = None
        self._read_at: datetime | None = None

    def earliest(self, now: datetime, warn: Callable[[str], object]) -> datetime | None:
        """The moment before which nothing is shown; None when the setting is not enabled.

        ``warn`` hears of it when an old value has to serve.

        Raises:
            StoreUnavailable: the setting can't be read, and never was.
        """
        if self._read_at is None or not timedelta() <= now - self._read_at < MIN_DATE_LIFETIME:
            try:
                self._earliest = self._read()
            except StoreUnavailable as error:
                if self._read_at is None:
                    raise
                warn(f"usage_history_min_date is old: {error}")
            self._read_at = now
        return self._earliest

    def _read(self) -> datetime | None:
        with reading():
            answer = self._client.get_parameter(Name=self._name)
        return parse_min_date(answer["Parameter"]["Value"], self._zone)


def parse_min_date(text: str, zone: tzinfo) -> datetime | None:
    """The moment that the setting's JSON ``text`` names: midnight of its date in ``zone``.

    None when it isn't enabled.

    Raises:
        StoreUnavailable: the text can't be understood.
    """
    try:
        setting = json.loads(text)
        if setting["enabled"] is False:
            return None
        if setting["enabled"] is True:
            return midnight(date.fromisoformat(setting["date"]), zone)
    except (ValueError, TypeError, KeyError):
        pass
    raise StoreUnavailable("usage_history_min_date can not be understood")
