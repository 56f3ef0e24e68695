"""Settings: all of a function's environment is read, and unusable variables are errors."""

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from workspace_api.page_settings import PageSettings
from workspace_api.settings import (
    AuthorizerSettings,
    CounterSettings,
    RecorderSettings,
    UsageSettings,
)
from workspace_usage.access.tokens import TokenPolicy
from workspace_usage.aws.environment import AwsEnvironment
from workspace_usage.rows.tables import RowTables, Tables

AUTHORIZER_ENVIRONMENT = {
    "DEFAULT_LOCALE": "en",
    "ACCESS_TOKENS_TABLE": "tokens",
    "MEMBERSHIPS_TABLE": "members",
    "TOKEN_LIFETIME_MINUTES": "0",
    "TOKENABLE_TYPE": "",
    "AWS_REGION": "sa-east-1",
}
USAGE_ENVIRONMENT = {
    "DEFAULT_LOCALE": "pt_BR",
    "ALLOWED_ORIGIN": "",
    "TIME_ZONE": "UTC",
    "EXECUTIONS_TABLE": "executions",
    "ARCHIVED_EXECUTIONS_TABLE": "archived",
    "EDITED_CHATS_TABLE": "edited",
    "ROLLUPS_TABLE": "rollups",
    "MEDIA_BUCKET": "media",
    "AWS_ENDPOINT_URL_S3": "",
    "AWS_REGION": "sa-east-1",
    "LINK_LIFETIME_SECONDS": "3600",
    "MIN_DATE_PARAMETER": "/usage/min-date",
}
RECORDER_ENVIRONMENT = {
    "EXECUTIONS_TABLE": "executions",
    "ARCHIVED_EXECUTIONS_TABLE": "archived",
    "EDITED_CHATS_TABLE": "edited",
    "ACCESS_TOKENS_TABLE": "tokens",
    "MEMBERSHIPS_TABLE": "members",
    "ROLLUPS_TABLE": "rollups",
    "DEAD_LETTER_QUEUE_URL": "https://queue",
    "COUNT_QUEUE_URL": "https://count",
}
COUNTER_ENVIRONMENT = {
    "EXECUTIONS_TABLE": "executions",
    "ARCHIVED_EXECUTIONS_TABLE": "archived",
    "EDITED_CHATS_TABLE": "edited",
    "ROLLUPS_TABLE": "rollups",
    "TIME_ZONE": "Asia/Tokyo",
    "COUNT_QUEUE_URL": "https://count",
}
type Settings = type[AuthorizerSettings | UsageSettings | RecorderSettings | CounterSettings]
ENVIRONMENTS: list[tuple[Settings, dict[str, str]]] = [
    (AuthorizerSettings, AUTHORIZER_ENVIRONMENT),
    (UsageSettings, USAGE_ENVIRONMENT),
    (RecorderSettings, RECORDER_ENVIRONMENT),
    (CounterSettings, COUNTER_ENVIRONMENT),
]


def test_the_authorizer_s_environment_becomes_its_settings() -> None:
    assert AuthorizerSettings.from_environment(AUTHORIZER_ENVIRONMENT) == AuthorizerSettings(
        default_locale="en",
        access_tokens_table="tokens",
        memberships_table="members",
        token_policy=TokenPolicy(lifetime=None, tokenable_type=None),
        aws=AwsEnvironment("sa-east-1", {}),
    )


def test_a_deployment_can_limit_the_lifetime_and_the_model_of_tokens() -> None:
    model = "App\\Models\\User"
    environment = AUTHORIZER_ENVIRONMENT | {"TOKEN_LIFETIME_MINUTES": "90", "TOKENABLE_TYPE": model}
    assert AuthorizerSettings.from_environment(environment).token_policy == TokenPolicy(
        lifetime=timedelta(minutes=90), tokenable_type=model
    )


def test_the_usage_function_s_environment_becomes_its_settings() -> None:
    assert UsageSettings.from_environment(USAGE_ENVIRONMENT) == UsageSettings(
        default_locale="pt_BR",
        allowed_origin=None,
        time_zone=UTC,
        tables=RowTables("executions", "archived", "edited", "rollups"),
        media_bucket="media",
        media_endpoint=None,
        aws=AwsEnvironment("sa-east-1", {}),
        url_lifetime=3600,
        min_date_parameter="/usage/min-date",
    )


def test_a_deployment_can_set_the_media_endpoint_the_time_zone_and_an_allowed_origin() -> None:
    endpoint, origin = "http://127.0.0.1:5000", "https://app.example.com"
    settings = UsageSettings.from_environment(
        {
            **USAGE_ENVIRONMENT,
            "AWS_ENDPOINT_URL_S3": endpoint,
            "TIME_ZONE": "America/Sao_Paulo",
            "ALLOWED_ORIGIN": origin,
        }
    )
    assert settings.media_endpoint == endpoint
    assert settings.allowed_origin == origin
    assert settings.time_zone == ZoneInfo("America/Sao_Paulo")


def test_the_recorder_s_environment_becomes_its_settings() -> None:
    assert RecorderSettings.from_environment(RECORDER_ENVIRONMENT) == RecorderSettings(
        tables=Tables(
            executions="executions",
            archived_executions="archived",
            edited_chats="edited",
            access_tokens="tokens",
            memberships="members",
            rollups="rollups",
        ),
        dead_letter_queue_url="https://queue",
        count_queue_url="https://count",
    )


def test_the_counter_s_environment_becomes_its_settings() -> None:
    assert CounterSettings.from_environment(COUNTER_ENVIRONMENT) == CounterSettings(
        tables=RowTables("executions", "archived", "edited", "rollups"),
        count_queue_url="https://count",
        time_zone=ZoneInfo("Asia/Tokyo"),
    )


@pytest.mark.parametrize(
    ("kind", "environment", "name"),
    [(kind, environment, name) for kind, environment in ENVIRONMENTS for name in environment],
)
def test_the_error_for_a_missing_variable_names_it(
    kind: Settings,
    environment: dict[str, str],
    name: str,
) -> None:
    incomplete = {key: value for key, value in environment.items() if key != name}
    with pytest.raises(KeyError, match=name):
        kind.from_environment(incomplete)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        (AuthorizerSettings, "TOKEN_LIFETIME_MINUTES", ""),
        (AuthorizerSettings, "TOKEN_LIFETIME_MINUTES", "an hour"),
        (AuthorizerSettings, "DEFAULT_LOCALE", "fr"),
        (UsageSettings, "DEFAULT_LOCALE", ""),
        (UsageSettings, "DEFAULT_LOCALE", "pt-BR"),
        (UsageSettings, "TIME_ZONE", "Mars/Olympus"),
        (UsageSettings, "TIME_ZONE", ""),
        (UsageSettings, "LINK_LIFETIME_SECONDS", "1h"),
        (CounterSettings, "TIME_ZONE", "Mars/Olympus"),
        (CounterSettings, "TIME_ZONE", ""),
    ],
)
def test_an_unusable_value_is_an_error(kind: Settings, name: str, value: str) -> None:
    (environment,) = [environment for settings, environment in ENVIRONMENTS if settings is kind]
    with pytest.raises((ValueError, KeyError)):
        kind.from_environment(environment | {name: value})


def test_the_page_s_settings_name_the_origins_of_its_media() -> None:
    """The bucket's is that of presigned URLs, at AWS and at another endpoint."""
    environment = {
        "DEFAULT_LOCALE": "es",
        "ALLOWED_ORIGIN": "https://app.example.com",
        "PAGE_ENABLED": "true",
        "APP_URL": "https://tess.example.com",
        "MEDIA_BUCKET": "media",
        "MEDIA_ORIGINS": "https://a.example.com,https://b.example.com",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_S3": "",
    }
    settings = PageSettings.from_environment(environment)
    assert settings == PageSettings(
        default_locale="es",
        allowed_origin="https://app.example.com",
        is_page_enabled=True,
        app_url="https://tess.example.com",
        media_origins=(
            "https://media.s3.eu-west-1.amazonaws.com",
            "https://a.example.com",
            "https://b.example.com",
        ),
    )
    assert (
        PageSettings.from_environment({**environment, "ALLOWED_ORIGIN": ""}).allowed_origin is None
    )
    local = PageSettings.from_environment(
        {**environment, "MEDIA_ORIGINS": "", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:5000/"}
    )
    assert local.media_origins == ("http://127.0.0.1:5000",)
    with pytest.raises(ValueError, match="fr"):
        PageSettings.from_environment({**environment, "DEFAULT_LOCALE": "fr"})
