"""Settings: all of a function's variables are read, and unusable ones are errors."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import pytest

from local.template.expand import expand
from local.template.template import Template
from tests.support.functions import ROOT, environment_of
from tests.support.lookups import LookupRecorder
from workspace_api.page_settings import PageSettings
from workspace_api.settings import (
    AuthorizerSettings,
    CounterSettings,
    DoctorSettings,
    ExporterSettings,
    ExportsSettings,
    HistorySettings,
    RecorderSettings,
    UsageSettings,
)


class Settings(Protocol):
    """The settings of a function."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Any:
        """Reads them."""


SETTINGS: Final[dict[str, type[Settings]]] = {
    "Authorizer": AuthorizerSettings,
    "Counter": CounterSettings,
    "Doctor": DoctorSettings,
    "Exporter": ExporterSettings,
    "Exports": ExportsSettings,
    "Page": PageSettings,
    "Recorder": RecorderSettings,
    "Summary": HistorySettings,
    "Usage": UsageSettings,
}

OF_LIBRARIES: Final = ("POWERTOOLS_", "AWS_", "HTTP_", "HTTPS_")
"""What the names of variables begin with that are for libraries."""


@pytest.fixture(scope="module")
def template() -> Template:
    """The template with all functions."""
    return expand(ROOT / "template.yaml", {"ChecksEnabled": "true"})


def own(names: set[str]) -> set[str]:
    """Returns the names of variables that only the settings are made of."""
    return {name for name in names if not name.upper().startswith(OF_LIBRARIES)}


def test_a_function_reads_each_of_its_variables_and_starts_with_none_missing(
    template: Template,
) -> None:
    """The error for a missing variable names it."""
    functions = {function.logical_id for function in template.of_type("AWS::Lambda::Function")}
    assert functions == {f"{name}Function" for name in SETTINGS}
    for name, settings in SETTINGS.items():
        declared = {**environment_of(template, f"{name}Function"), "AWS_REGION": "us-east-1"}
        environment = LookupRecorder(declared)
        settings.from_environment(environment)
        assert own(environment.names) == own({*declared}), name
        for variable in own({*declared}):
            incomplete = {key: value for key, value in declared.items() if key != variable}
            with pytest.raises(KeyError, match=variable):
                settings.from_environment(incomplete)


def test_an_unusable_value_is_an_error(template: Template) -> None:
    """So a function with it does not start."""
    for name, variable, value in (
        ("Authorizer", "TOKEN_LIFETIME_MINUTES", ""),
        ("Authorizer", "TOKEN_LIFETIME_MINUTES", "an hour"),
        ("Authorizer", "DEFAULT_LOCALE", "fr"),
        ("Usage", "DEFAULT_LOCALE", ""),
        ("Usage", "DEFAULT_LOCALE", "pt-BR"),
        ("Usage", "TIME_ZONE", "Mars/Olympus"),
        ("Usage", "TIME_ZONE", ""),
        ("Usage", "LINK_LIFETIME_SECONDS", "1h"),
        ("Exports", "DEFAULT_LOCALE", "fr"),
        ("Exports", "LINK_LIFETIME_SECONDS", ""),
        ("Exporter", "EXPORT_ATTEMPTS", ""),
        ("Counter", "TIME_ZONE", "Mars/Olympus"),
        ("Page", "DEFAULT_LOCALE", "fr"),
    ):
        environment = {**environment_of(template, f"{name}Function"), "AWS_REGION": "us-east-1"}
        with pytest.raises((ValueError, KeyError)):
            SETTINGS[name].from_environment({**environment, variable: value})


def test_the_page_s_settings_name_the_origins_of_its_media(template: Template) -> None:
    """The bucket's is that of presigned URLs, at AWS and at another endpoint."""
    environment = {
        **environment_of(template, "PageFunction"),
        "MEDIA_BUCKET": "media",
        "AWS_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_S3": "",
    }
    origins = "https://a.example.com,https://b.example.com"
    settings = PageSettings.from_environment({**environment, "MEDIA_ORIGINS": origins})
    assert settings.media_origins == (
        "https://media.s3.eu-west-1.amazonaws.com",
        "https://a.example.com",
        "https://b.example.com",
    )
    local = PageSettings.from_environment(
        {**environment, "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:5000/"}
    )
    assert local.media_origins == ("http://127.0.0.1:5000",)
