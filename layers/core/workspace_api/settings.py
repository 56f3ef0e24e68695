"""The settings of a deployment: each function's environment variables, in a typed object.

The variables are declared in ``template.yaml``, which says what each variable means and which
values it may have.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from typing import Any, Final, Self

from workspace_usage.access.tokens import TokenPolicy
from workspace_usage.aws.environment import AwsEnvironment
from workspace_usage.messages import LOCALES
from workspace_usage.rows.tables import RowTables, Tables
from workspace_usage.rows.window import time_zone


@dataclass(frozen=True, slots=True)
class AuthorizerSettings:
    """The authorizer's environment."""

    default_locale: str
    access_tokens_table: str
    memberships_table: str
    token_policy: TokenPolicy
    aws: AwsEnvironment

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` or ``ValueError`` for a variable that is missing or unusable."""
        minutes = int(environment["TOKEN_LIFETIME_MINUTES"])
        return cls(
            default_locale=parse_locale(environment["DEFAULT_LOCALE"]),
            access_tokens_table=environment["ACCESS_TOKENS_TABLE"],
            memberships_table=environment["MEMBERSHIPS_TABLE"],
            token_policy=TokenPolicy(
                lifetime=timedelta(minutes=minutes) if minutes else None,
                tokenable_type=environment["TOKENABLE_TYPE"] or None,
            ),
            aws=AwsEnvironment.from_variables(environment),
        )


@dataclass(frozen=True, slots=True)
class QuestionSettings:
    """What the environments of the functions that answer questions about windows have in common."""

    default_locale: str
    allowed_origin: str | None
    time_zone: tzinfo
    min_date_parameter: str
    aws: AwsEnvironment


@dataclass(frozen=True, slots=True)
class HistorySettings(QuestionSettings):
    """What the environments of the functions that read histories have in common."""

    tables: RowTables

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` or ``ValueError`` for a variable that is missing or unusable."""
        return cls(**_history_settings(environment))


@dataclass(frozen=True, slots=True)
class UsageSettings(HistorySettings):
    """The usage function's environment; ``url_lifetime``, of presigned URLs, is in seconds."""

    media_bucket: str
    media_endpoint: str | None
    url_lifetime: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` or ``ValueError`` for a variable that is missing or unusable."""
        return cls(
            **_history_settings(environment),
            media_bucket=environment["MEDIA_BUCKET"],
            media_endpoint=environment["AWS_ENDPOINT_URL_S3"] or None,
            url_lifetime=int(environment["LINK_LIFETIME_SECONDS"]),
        )


@dataclass(frozen=True, slots=True)
class ExportsSettings(QuestionSettings):
    """The exports function's environment; ``url_lifetime``, of links, is in seconds."""

    exports_table: str
    exports_bucket: str
    exports_queue_url: str
    s3_endpoint: str | None
    url_lifetime: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` or ``ValueError`` for a variable that is missing or unusable."""
        return cls(
            **_question_settings(environment),
            exports_table=environment["EXPORTS_TABLE"],
            exports_bucket=environment["EXPORTS_BUCKET"],
            exports_queue_url=environment["EXPORTS_QUEUE_URL"],
            s3_endpoint=environment["AWS_ENDPOINT_URL_S3"] or None,
            url_lifetime=int(environment["LINK_LIFETIME_SECONDS"]),
        )


@dataclass(frozen=True, slots=True)
class ExporterSettings:
    """The exporter's environment; ``attempts`` is how often SQS delivers a message."""

    tables: RowTables
    exports_table: str
    exports_bucket: str
    exports_queue_url: str
    attempts: int
    aws: AwsEnvironment

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` or ``ValueError`` for a variable that is missing or unusable."""
        return cls(
            tables=RowTables.from_environment(environment),
            exports_table=environment["EXPORTS_TABLE"],
            exports_bucket=environment["EXPORTS_BUCKET"],
            exports_queue_url=environment["EXPORTS_QUEUE_URL"],
            attempts=int(environment["EXPORT_ATTEMPTS"]),
            aws=AwsEnvironment.from_variables(environment),
        )


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """The recorder's environment."""

    tables: Tables
    dead_letter_queue_url: str
    count_queue_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` or ``ValueError`` for a variable that is missing or unusable."""
        return cls(
            tables=Tables.from_environment(
                environment,
                access_tokens=environment["ACCESS_TOKENS_TABLE"],
                memberships=environment["MEMBERSHIPS_TABLE"],
            ),
            dead_letter_queue_url=environment["DEAD_LETTER_QUEUE_URL"],
            count_queue_url=environment["COUNT_QUEUE_URL"],
        )


@dataclass(frozen=True, slots=True)
class CounterSettings:
    """The counter's environment."""

    tables: RowTables
    count_queue_url: str
    time_zone: tzinfo

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` or ``ValueError`` for a variable that is missing or unusable."""
        return cls(
            tables=RowTables.from_environment(environment),
            count_queue_url=environment["COUNT_QUEUE_URL"],
            time_zone=time_zone(environment["TIME_ZONE"]),
        )


@dataclass(frozen=True, slots=True)
class DoctorSettings:
    """The doctor's environment.

    Attributes:
        api_url: the URL of the listing.
        caller_parameter: the name of the parameter that holds the caller of the checks.
        outputs: the outputs of the stack that the checks need, by their names.
        aws: how AWS is called.
    """

    api_url: str
    caller_parameter: str
    outputs: Mapping[str, str]
    aws: AwsEnvironment

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` for a variable that is missing."""
        return cls(
            api_url=environment["API_URL"],
            caller_parameter=environment["CHECK_CALLER_PARAMETER"],
            outputs={
                output: environment[variable] for variable, output in _OUTPUTS_BY_VARIABLE.items()
            },
            aws=AwsEnvironment.from_variables(environment),
        )


_OUTPUTS_BY_VARIABLE: Final = {
    "EXECUTIONS_TABLE": "ExecutionsTableName",
    "ARCHIVED_EXECUTIONS_TABLE": "ArchivedExecutionsTableName",
    "EDITED_CHATS_TABLE": "EditedChatsTableName",
    "ACCESS_TOKENS_TABLE": "AccessTokensTableName",
    "MEMBERSHIPS_TABLE": "MembershipsTableName",
    "ROLLUPS_TABLE": "RollupsTableName",
    "MEDIA_BUCKET": "MediaBucketName",
    "MIN_DATE_PARAMETER": "MinDateParameterName",
    "TIME_ZONE": "DaysTimeZone",
    "EVENT_BUS": "EventBusName",
    "EVENT_RULE": "EventRuleName",
    "ACCESS_EVENT_RULE": "AccessEventRuleName",
    "EVENT_SOURCE": "EventSourceName",
    "EVENT_QUEUE_URL": "EventQueueUrl",
    "ACCESS_EVENT_QUEUE_URL": "AccessEventQueueUrl",
    "DEAD_LETTER_QUEUE_URL": "DeadLetterQueueUrl",
    "COUNT_QUEUE_URL": "CountQueueUrl",
    "EVENT_MAPPING_ID": "EventSourceMappingId",
    "ACCESS_EVENT_MAPPING_ID": "AccessEventSourceMappingId",
}
"""The doctor's variables that are outputs of the stack. A function can't read its own stack's."""


def _question_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Returns the fields of ``QuestionSettings`` that an environment has."""
    return {
        "default_locale": parse_locale(environment["DEFAULT_LOCALE"]),
        "allowed_origin": environment["ALLOWED_ORIGIN"] or None,
        "time_zone": time_zone(environment["TIME_ZONE"]),
        "min_date_parameter": environment["MIN_DATE_PARAMETER"],
        "aws": AwsEnvironment.from_variables(environment),
    }


def _history_settings(environment: Mapping[str, str]) -> dict[str, Any]:
    """Returns the fields of ``HistorySettings`` that an environment has."""
    tables = RowTables.from_environment(environment)
    return {**_question_settings(environment), "tables": tables}


def parse_locale(name: str) -> str:
    """Returns the name of a locale, or raises ``ValueError`` if it has no messages."""
    if name not in LOCALES:
        raise ValueError(f"there are no messages in the locale {name!r}")
    return name
