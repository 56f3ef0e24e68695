"""The functions, roles and logs of the real template: least privilege, and what the code reads."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import pytest

from tests.deploy.stack import ROOT, Stack, as_list, source
from workspace_api.settings import (
    AuthorizerSettings,
    CounterSettings,
    RecorderSettings,
    UsageSettings,
)
from workspace_usage.aws.environment import BOTOCORE_VARIABLES

LISTING_TABLES: Final = {
    "ExecutionsTable": {"by_user", "by_type", "by_user_and_type"},
    "ArchivedExecutionsTable": {"by_user", "by_type", "by_user_and_type"},
    "EditedChatsTable": {"by_user"},
}
SETTINGS: Final[dict[str, Callable[[Mapping[str, str]], object]]] = {
    "UsageFunction": UsageSettings.from_environment,
    "AuthorizerFunction": AuthorizerSettings.from_environment,
    "RecorderFunction": RecorderSettings.from_environment,
    "CounterFunction": CounterSettings.from_environment,
}


class Recorder(Mapping[str, str]):
    """An environment that remembers what was asked of it."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def granted(role: str) -> dict[str, set[str]]:
    """What a role allows: each action, with the resources that it is allowed on."""
    grants: dict[str, set[str]] = {}
    for logical_id, statement in Stack().statements():
        if logical_id == role:
            assert statement["Effect"] == "Allow"
            for action in as_list(statement["Action"]):
                grants.setdefault(action, set()).update(as_list(statement["Resource"]))
    return grants


def test_the_usage_function_may_only_read_what_the_listing_needs() -> None:
    """Queries of three tables and their named indexes, counts, a parameter, media, its own log."""
    tables = {
        resource
        for table, indexes in LISTING_TABLES.items()
        for resource in [
            f"${{{table}.Arn}}",
            *(f"${{{table}.Arn}}/index/{index}" for index in indexes),
        ]
    }
    parameter = "arn:aws:ssm:us-east-1:123456789012:parameter${MinDateParameter}"
    assert granted("UsageRole") == {
        "dynamodb:Query": tables | {"${RollupsTable.Arn}"},
        "dynamodb:GetItem": {"${RollupsTable.Arn}"},
        "ssm:GetParameter": {parameter},
        "s3:GetObject": {"${MediaBucket.Arn}/*"},
        "logs:CreateLogStream": {"${UsageLogGroup.Arn}"},
        "logs:PutLogEvents": {"${UsageLogGroup.Arn}"},
    }


def test_the_authorizer_may_only_read_tokens_and_memberships() -> None:
    """By key, and tokens by their hash's index; nothing of the listing, and its own log."""
    assert granted("AuthorizerRole") == {
        "dynamodb:GetItem": {"${AccessTokensTable.Arn}", "${MembershipsTable.Arn}"},
        "dynamodb:Query": {"${AccessTokensTable.Arn}/index/by_hash"},
        "logs:CreateLogStream": {"${AuthorizerLogGroup.Arn}"},
        "logs:PutLogEvents": {"${AuthorizerLogGroup.Arn}"},
    }


def test_the_recorder_may_only_take_events_and_write_rows_one_by_one() -> None:
    """It writes rows and counts, puts the rest, and rejects what it can't understand; no deleting.

    It can have workspaces counted.
    """
    rows = {f"${{{table}.Arn}}" for table in (*LISTING_TABLES, "RollupsTable")}
    put = {"${AccessTokensTable.Arn}", "${MembershipsTable.Arn}"}
    queues = {"${EventQueue.Arn}", "${AccessEventQueue.Arn}"}
    assert granted("RecorderRole") == {
        "dynamodb:GetItem": rows,
        "dynamodb:BatchGetItem": {"${RollupsTable.Arn}"},
        "dynamodb:ConditionCheckItem": rows,
        "dynamodb:PutItem": rows | put,
        "sqs:ReceiveMessage": queues,
        "sqs:DeleteMessage": queues,
        "sqs:GetQueueAttributes": queues,
        "sqs:SendMessage": {"${DeadLetterQueue.Arn}", "${CountQueue.Arn}"},
        "logs:CreateLogStream": {"${RecorderLogGroup.Arn}"},
        "logs:PutLogEvents": {"${RecorderLogGroup.Arn}"},
    }


def test_the_counter_may_only_read_rows_and_write_counts() -> None:
    """It reads the tables themselves, no index; it deletes nothing, and changes no row."""
    counts = {"${RollupsTable.Arn}"}
    assert granted("CounterRole") == {
        "dynamodb:Query": {f"${{{table}.Arn}}" for table in LISTING_TABLES},
        "dynamodb:GetItem": counts,
        "dynamodb:BatchGetItem": counts,
        "dynamodb:PutItem": counts,
        "sqs:ReceiveMessage": {"${CountQueue.Arn}"},
        "sqs:DeleteMessage": {"${CountQueue.Arn}"},
        "sqs:GetQueueAttributes": {"${CountQueue.Arn}"},
        "sqs:SendMessage": {"${CountQueue.Arn}"},
        "logs:CreateLogStream": {"${CounterLogGroup.Arn}"},
        "logs:PutLogEvents": {"${CounterLogGroup.Arn}"},
    }


def test_no_role_is_wider_than_it_says() -> None:
    """No wildcard but a bucket's objects, no scan, no managed policy, no other principal."""
    stack = Stack()
    for role, statement in stack.statements():
        assert {"NotAction", "NotResource"}.isdisjoint(statement), role
        for action in as_list(statement["Action"]):
            assert "*" not in action
            assert "Scan" not in action
        for resource in as_list(statement["Resource"]):
            assert "*" not in resource.removesuffix("${MediaBucket.Arn}/*")
    roles = stack.of_type("AWS::IAM::Role")
    assert roles.keys() == {"UsageRole", "AuthorizerRole", "RecorderRole", "CounterRole"}
    for role_properties in roles.values():
        assert "ManagedPolicyArns" not in role_properties
        (trust,) = role_properties["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_each_function_has_its_own_role_and_log() -> None:
    """Functions share neither rights nor log groups."""
    stack = Stack()
    functions = stack.of_type("AWS::Lambda::Function")
    assert {name: properties["Role"] for name, properties in functions.items()} == {
        "UsageFunction": "${UsageRole.Arn}",
        "AuthorizerFunction": "${AuthorizerRole.Arn}",
        "RecorderFunction": "${RecorderRole.Arn}",
        "CounterFunction": "${CounterRole.Arn}",
    }
    logs = {name: function["LoggingConfig"]["LogGroup"] for name, function in functions.items()}
    assert logs == {
        "UsageFunction": "${UsageLogGroup}",
        "AuthorizerFunction": "${AuthorizerLogGroup}",
        "RecorderFunction": "${RecorderLogGroup}",
        "CounterFunction": "${CounterLogGroup}",
    }


def test_logs_do_not_stay_for_ever() -> None:
    """Every log group has the retention that the parameter says."""
    groups = Stack(LogRetentionDays="7").of_type("AWS::Logs::LogGroup")
    functions = {"UsageLogGroup", "AuthorizerLogGroup", "RecorderLogGroup", "CounterLogGroup"}
    assert groups.keys() == functions | {"AccessLogGroup"}
    assert {group["RetentionInDays"] for group in groups.values()} == {"7"}


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_functions_run_python_3_13_on_the_chosen_architecture(architecture: str) -> None:
    """The parameter decides; the layers fit both."""
    stack = Stack(Architecture=architecture)
    for function in stack.of_type("AWS::Lambda::Function").values():
        assert function["Runtime"] == "python3.13"
        assert function["Architectures"] == [architecture]
        assert len(function["Layers"]) == 2
    for layer in stack.of_type("AWS::Lambda::LayerVersion").values():
        assert layer["CompatibleRuntimes"] == ["python3.13"]
        assert layer["CompatibleArchitectures"] == ["arm64", "x86_64"]


def test_functions_give_up_before_the_gateway_does() -> None:
    """API Gateway waits 29 seconds for an integration and 10 for an authorizer."""
    stack = Stack()
    assert stack.properties("UsageFunction")["Timeout"] < 29
    assert stack.properties("AuthorizerFunction")["Timeout"] <= 10


def test_every_handler_is_there() -> None:
    """The files that the template names exist, with the handler it names."""
    resources = source()["Resources"]
    for name in SETTINGS:
        folder = ROOT / resources[name]["Properties"]["CodeUri"]
        assert "def lambda_handler(" in (folder / "app.py").read_text("utf-8")


@pytest.mark.parametrize("function", SETTINGS)
def test_each_function_finds_every_variable_that_it_reads(function: str) -> None:
    """Its settings can be made from what the template declares; Lambda itself adds AWS_REGION."""
    declared = Stack().environment(function)
    environment = Recorder({**declared, "AWS_REGION": "us-east-1"})
    SETTINGS[function](environment)
    # A deployment leaves botocore's own variables unset.
    assert environment.asked - {"AWS_REGION", *BOTOCORE_VARIABLES} <= declared.keys()


@pytest.mark.parametrize("function", SETTINGS)
def test_no_variable_is_declared_for_nothing(function: str) -> None:
    """What the settings don't read is Powertools' or botocore's."""
    declared = Stack().environment(function)
    environment = Recorder({**declared, "AWS_REGION": "us-east-1"})
    SETTINGS[function](environment)
    for name in declared.keys() - environment.asked:
        assert name.startswith(("POWERTOOLS_", "AWS_ENDPOINT_URL_")), name


@pytest.mark.parametrize("function", SETTINGS)
def test_endpoints_are_declared_and_empty(function: str) -> None:
    """So that sam local can set them, and a deployment uses AWS's own."""
    services = {
        "UsageFunction": ["DYNAMODB", "S3", "SSM"],
        "AuthorizerFunction": ["DYNAMODB"],
        "RecorderFunction": ["DYNAMODB", "SQS"],
        "CounterFunction": ["DYNAMODB", "SQS"],
    }
    declared = Stack().environment(function)
    for service in services[function]:
        assert declared[f"AWS_ENDPOINT_URL_{service}"] == ""


def test_events_are_never_logged() -> None:
    """Powertools' switch for it stays unset: an event carries the bearer token."""
    for function in SETTINGS:
        assert "POWERTOOLS_LOGGER_LOG_EVENT" not in Stack().environment(function)


def test_by_default_tokens_of_users_count_alone() -> None:
    """Another model's ids are not users' ids; a deployment may say that any model's count."""
    assert Stack().environment("AuthorizerFunction")["TOKENABLE_TYPE"] == "App\\Models\\User"
    assert Stack(TokenableType="").environment("AuthorizerFunction")["TOKENABLE_TYPE"] == ""


def test_parameters_reach_the_functions() -> None:
    """What differs between deployments is set by parameters."""
    stack = Stack(
        TimeZone="America/Sao_Paulo",
        DefaultLocale="pt_BR",
        TokenLifetimeMinutes="60",
        TokenableType="App\\Models\\Member",
        LinkLifetimeSeconds="900",
        LogLevel="DEBUG",
    )
    usage = stack.environment("UsageFunction")
    authorizer = stack.environment("AuthorizerFunction")
    # Windows and counts have to go by the same days.
    for function in ("UsageFunction", "RecorderFunction", "CounterFunction"):
        assert stack.environment(function)["TIME_ZONE"] == "America/Sao_Paulo"
    assert usage["LINK_LIFETIME_SECONDS"] == "900"
    assert authorizer["TOKEN_LIFETIME_MINUTES"] == "60"
    assert authorizer["TOKENABLE_TYPE"] == "App\\Models\\Member"
    for environment in (usage, authorizer):
        assert environment["DEFAULT_LOCALE"] == "pt_BR"
        assert environment["POWERTOOLS_LOG_LEVEL"] == "DEBUG"
