"""Parameters of the template that functions read: each has the effect that a caller sees."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from types import ModuleType
from typing import Any, Final

import pytest

from local.store.clients import Clients
from local.template.expand import expand
from local.template.parse import parse_template
from local.template.template import Template
from tests.support.authorizer import authorize, put_membership, put_token
from tests.support.counting import CountedTables, count_batch
from tests.support.functions import ROOT, Context, environment_of, warm_function
from tests.support.usage import EVERYONE, NOW, proxy_event, put_row
from workspace_usage.errors import InvalidRequest
from workspace_usage.messages import translate
from workspace_usage.rollups.counter import MIN_ROWS
from workspace_usage.rows.row import Source
from workspace_usage.values import format_timestamp

TOPIC: Final = "arn:aws:sns:us-east-1:123456789012:topic"
OTHER_VALUES: Final = {
    "AlarmTopicArn": TOPIC,
    "AllowedOrigin": "https://app.example.com",
    "AppUrl": "https://app.example.com/x",
    "EventSource": "other",
    "LinkLifetimeSeconds": "900",
    "MediaOrigins": "https://cdn.example.com",
    "PageTopicArn": TOPIC,
    "PermissionsBoundary": "boundary",
    "RequestsPerAddress": "600",
    "RequestsPerToken": "300",
    "StageName": "other",
    "ThrottleBurst": "20",
    "ThrottleRate": "10",
    "TimeZone": "Pacific/Kiritimati",
    "TokenLifetimeMinutes": "60",
    "TokenableType": "Team",
    "TraceRate": "0.5",
    # Without the page, its other settings have no effect. Its own is tested with the page function.
    "PageEnabled": "true",
}
"""Values that aren't the defaults, of the parameters that may have any value."""


@dataclass(frozen=True)
class Deployment:
    """A deployment in which every parameter has another value than its default.

    Attributes:
        clients: reach its services.
        template: the template with these values.
        patch: sets the functions' variables.
        printed: returns what the functions have printed since it was called last.
    """

    clients: Clients
    template: Template
    patch: pytest.MonkeyPatch
    printed: Callable[[], str]

    def function(self, name: str) -> ModuleType:
        """Returns the module of a function."""
        environment = environment_of(self.template, f"{name.capitalize()}Function")
        return warm_function(name, environment, self.patch)

    def respond(self, name: str, event: dict[str, Any]) -> tuple[dict[str, str], Any]:
        """Returns the headers and the body of a function's response to a request."""
        response = self.function(name).lambda_handler(event, Context(remaining=[300_000]))
        return response["headers"], json.loads(response["body"])


@pytest.fixture(scope="module")
def other() -> Template:
    """The template with other values."""
    parameters = parse_template((ROOT / "template.yaml").read_text("utf-8"))["Parameters"]
    values = {
        name: next(
            str(value) for value in parameter["AllowedValues"] if value != parameter["Default"]
        )
        for name, parameter in parameters.items()
        if "AllowedValues" in parameter
    }
    assert values.keys() | OTHER_VALUES.keys() == parameters.keys(), "a parameter needs a value"
    return expand(ROOT / "template.yaml", {**values, **OTHER_VALUES})


@pytest.fixture
def deployment(
    clients: Clients,
    other: Template,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Deployment:
    """The deployment."""
    return Deployment(clients, other, monkeypatch, lambda: capsys.readouterr().out)


# --- What a caller asks for -----------------------------------------------------------------------


def bad_request(name: str, language: str) -> dict[str, Any]:
    """Returns a request that breaks a rule."""
    event = proxy_event(EVERYONE, {"range": "5d"}, language=language)
    return export_request({"range": "5d"}, language) if name == "exports" else event


def export_request(body: object, language: str = "en") -> dict[str, Any]:
    """Returns a request that starts an export."""
    event = proxy_event(EVERYONE, language=language)
    return {**event, "httpMethod": "POST", "path": "/usage/exports", "body": json.dumps(body)}


def finished_export(deployment: Deployment, **fields: str) -> Any:
    """Exports rows, and returns the body of the answer that says so."""
    started = deployment.respond("exports", export_request({"format": "csv", **fields}))[1]
    message = {"workspace_id": 11, "user_id": 1, "export_id": started["id"]}
    attributes = {"ApproximateReceiveCount": "1"}
    record = {"messageId": "m", "body": json.dumps(message), "attributes": attributes}
    deployment.function("exporter").lambda_handler(
        {"Records": [record]}, Context(remaining=[300_000])
    )
    event = {**proxy_event(EVERYONE), "pathParameters": {"id": started["id"]}}
    return deployment.respond("exports", event)[1]


def rows_of_day(deployment: Deployment, name: str, day: str) -> int:
    """Returns how many rows a function finds in a day."""
    days = {"start_date": day, "end_date": day}
    if name == "exports":
        rows: int = finished_export(deployment, **days)["rows"]
        return rows
    body = deployment.respond(name, proxy_event(EVERYONE, days))[1]
    return len(body["items"]) if name == "usage" else body["totals"]["runs"]


def page(deployment: Deployment, path: str) -> dict[str, Any]:
    """Returns the page function's response."""
    event = {"resource": path, "path": path, "httpMethod": "GET", "requestContext": {"path": "/"}}
    response: dict[str, Any] = deployment.function("page").lambda_handler(event, Context())
    return response


# --- What the settings do -------------------------------------------------------------------------


def speaks_the_default_locale(deployment: Deployment, name: str) -> None:
    """To callers who ask for no language that there is, and to direct invocations."""
    messages = {
        language: deployment.respond(name, bad_request(name, language))[1]["message"]
        for language in ("fr", "pt-BR", "en")
    }
    assert messages["fr"] == messages["pt-BR"] != messages["en"]
    if name != "exports":
        with pytest.raises(InvalidRequest) as refused:
            deployment.function(name).lambda_handler({"workspace_id": 0}, Context())
        # People read it in logs, where escapes would be in the way.
        assert f'"message": "{translate("pt_BR", "invalid_workspace")}"' in str(refused.value)


def denies_in_the_default_locale(deployment: Deployment, name: str) -> None:
    put_token_of_age(deployment, 50)
    authorizer = deployment.function(name)
    denials = [authorize(authorizer, language=language) for language in ("fr", "pt-BR")]
    assert denials[0] == denials[1] == ("Deny", {"message": translate("pt_BR", "forbidden_member")})


def lets_pages_of_the_origin_read(deployment: Deployment, name: str) -> None:
    headers, _ = deployment.respond(name, bad_request(name, "en"))
    assert headers["Access-Control-Allow-Origin"] == OTHER_VALUES["AllowedOrigin"]


def finds_rows_by_the_zone_s_days(deployment: Deployment, name: str) -> None:
    """At noon in UTC, the next day has begun there. The setting that hides rows is a day, too."""
    noon = datetime.combine(NOW - timedelta(days=5), time(12), UTC)
    day, next_day = (f"{noon + timedelta(days=days):%Y-%m-%d}" for days in (0, 1))
    put_row(
        deployment.clients,
        deployment.template,
        Source.CURRENT,
        1,
        created_at=format_timestamp(noon),
    )
    deployment.clients.ssm.put_parameter(
        Name=deployment.template.resources["MinDateParameter"].name,
        Value=json.dumps({"enabled": True, "date": next_day}),
        Overwrite=True,
    )
    assert rows_of_day(deployment, name, next_day) == 1
    assert rows_of_day(deployment, name, day) == 0


def counts_by_the_zone_s_days(deployment: Deployment, name: str) -> None:
    """The listing and the summary have the same days, so they need not read the rows.

    They don't use counts of the last minute, so these are older.
    """
    CountedTables(deployment.clients, deployment.template).put_rows(11, range(1, MIN_ROWS + 2))
    function = deployment.function(name)
    earlier = replace(function.counter(), clock=lambda: NOW - timedelta(minutes=5))
    deployment.patch.setattr(function, "counter", lambda: earlier)
    function.lambda_handler(count_batch(11), Context(remaining=[900_000]))
    last_page = {"page": f"{MIN_ROWS + 1}", "per_page": "1"}
    for reader, parameters in (("usage", last_page), ("summary", {})):
        deployment.printed()
        deployment.respond(reader, proxy_event(EVERYONE, parameters))
        lines = map(json.loads, deployment.printed().splitlines())
        [answered] = [line for line in lines if line.get("message") == "answered"]
        assert answered["RowsRead"] < MIN_ROWS, reader


def signs_links_for_the_lifetime(deployment: Deployment, name: str) -> None:
    if name == "exports":
        link = finished_export(deployment, range="30d")["link"]
    else:
        agent = {"title": "Painter", "slug": "painter", "type": "image"}
        put_row(
            deployment.clients,
            deployment.template,
            Source.CURRENT,
            1,
            agent=agent,
            output="picture.png",
        )
        [item] = deployment.respond(name, proxy_event(EVERYONE))[1]["items"]
        link = item["link"]
    assert f"X-Amz-Expires={OTHER_VALUES['LinkLifetimeSeconds']}&" in link


def put_token_of_age(deployment: Deployment, minutes: int, **fields: object) -> None:
    """Stores a token of the model that is accepted here, unless ``fields`` say otherwise."""
    put_token(
        deployment.clients,
        deployment.template,
        created_at=datetime.now(UTC) - timedelta(minutes=minutes),
        **{"tokenable_type": OTHER_VALUES["TokenableType"], **fields},
    )


def check_token(authorizer: ModuleType, *, is_valid: bool) -> None:
    """Checks whether the token lets its user in."""
    if is_valid:
        assert authorize(authorizer)[0] == "Allow"
        return
    with pytest.raises(Exception, match=r"\AUnauthorized\Z"):
        authorize(authorizer)


def lets_no_older_token_in(deployment: Deployment, name: str) -> None:
    put_membership(deployment.clients, deployment.template)
    for minutes, is_valid in ((50, True), (70, False)):
        put_token_of_age(deployment, minutes)
        check_token(deployment.function(name), is_valid=is_valid)


def lets_no_token_of_another_model_in(deployment: Deployment, name: str) -> None:
    put_membership(deployment.clients, deployment.template)
    for model, is_valid in (("Team", True), ("App\\Models\\User", False)):
        put_token_of_age(deployment, 50, tokenable_type=model)
        check_token(deployment.function(name), is_valid=is_valid)


def shows_the_page_in_the_default_locale(deployment: Deployment, _: str) -> None:
    """To browsers of other languages; the message of a 404 is for everyone."""
    assert 'name="default-locale" content="pt_BR"' in page(deployment, "/")["body"]
    message = json.loads(page(deployment, "/unknown")["body"])["message"]
    assert message == translate("pt_BR", "not_found")


def lets_pages_of_the_origin_read_files(deployment: Deployment, _: str) -> None:
    for path in ("/", "/openapi.json", "/unknown"):
        headers = page(deployment, path)["headers"]
        assert headers["Access-Control-Allow-Origin"] == OTHER_VALUES["AllowedOrigin"]


def leads_to_the_web_application(deployment: Deployment, _: str) -> None:
    text = page(deployment, "/")["body"]
    assert f'name="app-url" content="{OTHER_VALUES["AppUrl"]}"' in text


def loads_media_of_the_origins(deployment: Deployment, _: str) -> None:
    response, origin = page(deployment, "/"), OTHER_VALUES["MediaOrigins"]
    policy = response["headers"]["Content-Security-Policy"]
    for directive in ("img-src", "media-src"):
        [sources] = [part for part in policy.split("; ") if part.startswith(directive)]
        assert sources.endswith(f" {origin}")
    assert f' {origin}"' in response["body"]


CASES: Final[dict[tuple[str, str], Callable[[Deployment, str], None]]] = {
    **{
        (name, variable): check
        for name in ("usage", "summary", "exports")
        for variable, check in {
            "DEFAULT_LOCALE": speaks_the_default_locale,
            "ALLOWED_ORIGIN": lets_pages_of_the_origin_read,
            "TIME_ZONE": finds_rows_by_the_zone_s_days,
        }.items()
    },
    ("usage", "LINK_LIFETIME_SECONDS"): signs_links_for_the_lifetime,
    ("exports", "LINK_LIFETIME_SECONDS"): signs_links_for_the_lifetime,
    ("counter", "TIME_ZONE"): counts_by_the_zone_s_days,
    ("authorizer", "DEFAULT_LOCALE"): denies_in_the_default_locale,
    ("authorizer", "TOKEN_LIFETIME_MINUTES"): lets_no_older_token_in,
    ("authorizer", "TOKENABLE_TYPE"): lets_no_token_of_another_model_in,
    ("page", "DEFAULT_LOCALE"): shows_the_page_in_the_default_locale,
    ("page", "ALLOWED_ORIGIN"): lets_pages_of_the_origin_read_files,
    ("page", "APP_URL"): leads_to_the_web_application,
    ("page", "MEDIA_ORIGINS"): loads_media_of_the_origins,
}
"""What a variable of a function does, if its value is not the default one."""

POWERTOOLS: Final = {"POWERTOOLS_LOG_LEVEL"}
"""Variables that only the library reads."""


def test_each_setting_that_a_parameter_changes_has_a_case(
    template: Template, other: Template
) -> None:
    changed = {
        (function.logical_id.removesuffix("Function").lower(), variable)
        for function in template.of_type("AWS::Lambda::Function")
        for variable, value in environment_of(other, function.logical_id).items()
        if environment_of(template, function.logical_id)[variable] != value
    }
    assert {case for case in changed if case[1] not in POWERTOOLS} == CASES.keys()


@pytest.mark.parametrize(("name", "variable"), CASES)
def test_a_setting_has_its_effect(deployment: Deployment, name: str, variable: str) -> None:
    """With a value that is not the default one, from the template's parameter on."""
    CASES[name, variable](deployment, name)
