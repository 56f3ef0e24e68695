"""The real template's functions, roles and logs: least privilege, and the code's variables."""

import re
from collections.abc import Callable, Mapping
from typing import Final

import pytest

from tests.deploy.stack import Stack, as_list
from tests.docs.extraction import document
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

INDEXES_BY_TABLE: Final = {
    "ExecutionsTable": {"by_user", "by_type", "by_user_and_type"},
    "ArchivedExecutionsTable": {"by_user", "by_type", "by_user_and_type"},
    "EditedChatsTable": {"by_user"},
}
"""The indexes of each table of rows."""

SETTINGS_BY_FUNCTION: Final[dict[str, Callable[[Mapping[str, str]], object]]] = {
    "UsageFunction": UsageSettings.from_environment,
    "SummaryFunction": HistorySettings.from_environment,
    "ExportsFunction": ExportsSettings.from_environment,
    "ExporterFunction": ExporterSettings.from_environment,
    "PageFunction": PageSettings.from_environment,
    "AuthorizerFunction": AuthorizerSettings.from_environment,
    "RecorderFunction": RecorderSettings.from_environment,
    "CounterFunction": CounterSettings.from_environment,
    "DoctorFunction": DoctorSettings.from_environment,
}

ALL_FUNCTIONS: Final = {"ChecksEnabled": "true"}
"""The parameters of a stack that has all functions."""

OPERATOR_VARIABLES: Final = {
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "https_proxy",
    "http_proxy",
}
"""Variables that the template does not declare and that an operator may add."""


def variables_read_by(function: str) -> set[str]:
    """Returns the variables that a function's settings look up in the template's environment."""
    environment = LookupRecorder(
        {**Stack(**ALL_FUNCTIONS).environment(function), "AWS_REGION": "us-east-1"}
    )
    SETTINGS_BY_FUNCTION[function](environment)
    return environment.names


def permissions_of(role: str) -> dict[str, set[str]]:
    """Returns the actions that a role allows, each with the resources on which it allows them."""
    grants: dict[str, set[str]] = {}
    for logical_id, statement in Stack(**ALL_FUNCTIONS).statements():
        if logical_id == role:
            assert statement["Effect"] == "Allow"
            for action in as_list(statement["Action"]):
                grants.setdefault(action, set()).update(as_list(statement["Resource"]))
    return grants


TABLES_AND_INDEXES: Final = {
    resource
    for table, indexes in INDEXES_BY_TABLE.items()
    for resource in [
        f"${{{table}.Arn}}",
        *(f"${{{table}.Arn}}/index/{index}" for index in indexes),
    ]
}
MIN_DATE: Final = "arn:aws:ssm:us-east-1:123456789012:parameter${MinDateParameter}"


def test_the_usage_function_may_only_read_what_the_listing_needs() -> None:
    """It queries three tables and their indexes, and reads counts, a parameter and media."""
    assert permissions_of("UsageRole") == {
        "dynamodb:Query": TABLES_AND_INDEXES | {"${RollupsTable.Arn}"},
        "dynamodb:GetItem": {"${RollupsTable.Arn}"},
        "ssm:GetParameter": {MIN_DATE},
        "s3:GetObject": {"${MediaBucket.Arn}/*"},
        "logs:CreateLogStream": {"${UsageLogGroup.Arn}"},
        "logs:PutLogEvents": {"${UsageLogGroup.Arn}"},
    }


def test_the_summary_may_only_read_rows_counts_and_the_min_date() -> None:
    """It reads what the listing does, but no media, and no single block."""
    assert permissions_of("SummaryRole") == {
        "dynamodb:Query": TABLES_AND_INDEXES | {"${RollupsTable.Arn}"},
        "ssm:GetParameter": {MIN_DATE},
        "logs:CreateLogStream": {"${SummaryLogGroup.Arn}"},
        "logs:PutLogEvents": {"${SummaryLogGroup.Arn}"},
    }


def test_the_exports_function_may_only_start_exports_and_sign_links_to_their_files() -> None:
    """It can read no rows, and no object but files of exports. It can't delete anything."""
    assert permissions_of("ExportsRole") == {
        "dynamodb:GetItem": {"${ExportsTable.Arn}"},
        "dynamodb:Query": {"${ExportsTable.Arn}"},
        "dynamodb:PutItem": {"${ExportsTable.Arn}"},
        "sqs:SendMessage": {"${ExportsQueue.Arn}"},
        "ssm:GetParameter": {MIN_DATE},
        "s3:GetObject": {"${ExportsBucket.Arn}/*"},
        "logs:CreateLogStream": {"${ExportsLogGroup.Arn}"},
        "logs:PutLogEvents": {"${ExportsLogGroup.Arn}"},
    }


def test_the_exporter_may_only_read_rows_and_write_files() -> None:
    """It reads the tables and indexes that the listing reads, but no counts and no media."""
    assert permissions_of("ExporterRole") == {
        "dynamodb:Query": TABLES_AND_INDEXES,
        "dynamodb:GetItem": {"${ExportsTable.Arn}"},
        "dynamodb:PutItem": {"${ExportsTable.Arn}"},
        "s3:PutObject": {"${ExportsBucket.Arn}/*"},
        "s3:GetObject": {"${ExportsBucket.Arn}/*"},
        "sqs:ReceiveMessage": {"${ExportsQueue.Arn}"},
        "sqs:DeleteMessage": {"${ExportsQueue.Arn}"},
        "sqs:GetQueueAttributes": {"${ExportsQueue.Arn}"},
        "sqs:SendMessage": {"${ExportsQueue.Arn}"},
        "logs:CreateLogStream": {"${ExporterLogGroup.Arn}"},
        "logs:PutLogEvents": {"${ExporterLogGroup.Arn}"},
    }


def test_the_page_function_may_do_nothing_but_log() -> None:
    """Everyone may call it."""
    assert permissions_of("PageRole") == {
        "logs:CreateLogStream": {"${PageLogGroup.Arn}"},
        "logs:PutLogEvents": {"${PageLogGroup.Arn}"},
    }


def test_the_authorizer_may_only_read_tokens_and_memberships() -> None:
    """It reads both by key, and tokens by the index of their hashes, but no rows."""
    assert permissions_of("AuthorizerRole") == {
        "dynamodb:GetItem": {"${AccessTokensTable.Arn}", "${MembershipsTable.Arn}"},
        "dynamodb:Query": {"${AccessTokensTable.Arn}/index/by_hash"},
        "logs:CreateLogStream": {"${AuthorizerLogGroup.Arn}"},
        "logs:PutLogEvents": {"${AuthorizerLogGroup.Arn}"},
    }


def test_the_recorder_may_only_receive_events_and_put_items_one_by_one() -> None:
    """It can't delete, scan or read counts. It sends rejected messages, and requests to count."""
    rows = {f"${{{table}.Arn}}" for table in INDEXES_BY_TABLE}
    put = {"${AccessTokensTable.Arn}", "${MembershipsTable.Arn}", "${RollupsTable.Arn}"}
    queues = {"${EventQueue.Arn}", "${AccessEventQueue.Arn}"}
    assert permissions_of("RecorderRole") == {
        "dynamodb:GetItem": rows,
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
    """It reads tables without their indexes, and can't change or delete rows."""
    counts = {"${RollupsTable.Arn}"}
    assert permissions_of("CounterRole") == {
        "dynamodb:Query": {f"${{{table}.Arn}}" for table in INDEXES_BY_TABLE} | counts,
        "dynamodb:PutItem": counts,
        "dynamodb:DeleteItem": counts,
        "dynamodb:BatchWriteItem": counts,
        "sqs:ReceiveMessage": {"${CountQueue.Arn}"},
        "sqs:DeleteMessage": {"${CountQueue.Arn}"},
        "sqs:GetQueueAttributes": {"${CountQueue.Arn}"},
        "sqs:SendMessage": {"${CountQueue.Arn}"},
        "logs:CreateLogStream": {"${CounterLogGroup.Arn}"},
        "logs:PutLogEvents": {"${CounterLogGroup.Arn}"},
    }


def test_the_doctor_may_only_look() -> None:
    """It reads no index, no medium and no message, and no setting but the two that it needs."""
    region = "us-east-1:123456789012"
    assert permissions_of("DoctorRole") == {
        "dynamodb:Query": {f"${{{table}.Arn}}" for table in (*INDEXES_BY_TABLE, "RollupsTable")},
        "dynamodb:GetItem": {"${RollupsTable.Arn}"},
        "ssm:GetParameter": {MIN_DATE, f"arn:aws:ssm:{region}:parameter/stack/check-caller"},
        "s3:GetBucketPublicAccessBlock": {"${MediaBucket.Arn}"},
        "sqs:GetQueueAttributes": {
            f"${{{queue}.Arn}}"
            for queue in ("EventQueue", "AccessEventQueue", "DeadLetterQueue", "CountQueue")
        },
        "events:DescribeRule": {"${EventRule.Arn}", "${AccessEventRule.Arn}"},
        "lambda:GetEventSourceMapping": {
            f"arn:aws:lambda:{region}:event-source-mapping:${{RecorderFunction{mapping}}}"
            for mapping in ("Batch", "AccessBatch")
        },
        "logs:CreateLogStream": {"${DoctorLogGroup.Arn}"},
        "logs:PutLogEvents": {"${DoctorLogGroup.Arn}"},
    }


def test_no_role_has_wildcards_or_scans() -> None:
    """Only buckets' objects have a wildcard."""
    for role, statement in Stack(**ALL_FUNCTIONS).statements():
        for action in as_list(statement["Action"]):
            assert "*" not in action, role
            assert "Scan" not in action, role
        for resource in as_list(statement["Resource"]):
            is_object = resource in {"${MediaBucket.Arn}/*", "${ExportsBucket.Arn}/*"}
            assert is_object or "*" not in resource, role


def test_functions_end_before_api_gateway_stops_waiting() -> None:
    """API Gateway waits 29 seconds for an integration and 10 for an authorizer."""
    stack = Stack()
    for function in ("UsageFunction", "SummaryFunction", "ExportsFunction", "PageFunction"):
        assert stack.properties(function)["Timeout"] < 29
    assert stack.properties("AuthorizerFunction")["Timeout"] <= 10


@pytest.mark.parametrize("function", SETTINGS_BY_FUNCTION)
def test_the_template_declares_every_variable_that_a_function_reads(function: str) -> None:
    """Lambda adds AWS_REGION, and an operator may add others."""
    undeclared = variables_read_by(function) - Stack(**ALL_FUNCTIONS).environment(function).keys()
    assert undeclared <= {"AWS_REGION"} | OPERATOR_VARIABLES


@pytest.mark.parametrize("function", SETTINGS_BY_FUNCTION)
def test_a_function_reads_every_variable_that_the_template_declares(function: str) -> None:
    """Powertools and botocore read the others."""
    for name in Stack(**ALL_FUNCTIONS).environment(function).keys() - variables_read_by(function):
        assert name.startswith(("POWERTOOLS_", "AWS_ENDPOINT_URL_")), name


@pytest.mark.parametrize("function", SETTINGS_BY_FUNCTION)
def test_endpoints_are_declared_and_empty(function: str) -> None:
    """``sam local`` can set only declared variables, and a deployment calls AWS's endpoints."""
    services = {
        "UsageFunction": ["DYNAMODB", "S3", "SSM"],
        "SummaryFunction": ["DYNAMODB", "SSM"],
        "ExportsFunction": ["DYNAMODB", "S3", "SQS", "SSM"],
        "ExporterFunction": ["DYNAMODB", "S3", "SQS"],
        "PageFunction": ["S3"],
        "AuthorizerFunction": ["DYNAMODB"],
        "RecorderFunction": ["DYNAMODB", "SQS"],
        "CounterFunction": ["DYNAMODB", "SQS"],
        "DoctorFunction": ["DYNAMODB", "EVENTS", "LAMBDA", "S3", "SQS", "SSM"],
    }
    declared = Stack(**ALL_FUNCTIONS).environment(function)
    for service in services[function]:
        assert declared[f"AWS_ENDPOINT_URL_{service}"] == ""


def test_events_are_never_logged() -> None:
    """Powertools' switch for it is not set, because an event contains the bearer token."""
    for function in SETTINGS_BY_FUNCTION:
        assert "POWERTOOLS_LOGGER_LOG_EVENT" not in Stack(**ALL_FUNCTIONS).environment(function)


def test_by_default_only_tokens_of_users_are_accepted() -> None:
    """Ids of other models are no users' ids. A parameter can allow all models."""
    assert Stack().environment("AuthorizerFunction")["TOKENABLE_TYPE"] == "App\\Models\\User"
    assert Stack(TokenableType="").environment("AuthorizerFunction")["TOKENABLE_TYPE"] == ""


VARIABLES: Final = [
    (re.findall(r"`(\w+)`", names), functions, value)
    for names, functions, value in document("docs/configuration.md").rows(
        "The functions' environment"
    )
]
"""The variables of each row of the document, the functions that have them, and what they hold."""


def test_a_function_has_the_documented_variables_and_no_others() -> None:
    """Another test has those that set other endpoints."""
    functions = {name.removesuffix("Function").lower() for name in SETTINGS_BY_FUNCTION}
    expected: dict[str, set[str]] = {name: set() for name in functions}
    for variables, named, _ in VARIABLES:
        if not variables[0].startswith("AWS_ENDPOINT_URL_"):
            for function in functions if named == "all" else named.split(", "):
                expected[function].update(variables)
    for function, documented in expected.items():
        declared = Stack(**ALL_FUNCTIONS).environment(f"{function.capitalize()}Function")
        others = {name for name in declared if not name.startswith("AWS_ENDPOINT_URL_")}
        assert others == documented, function


def test_a_variable_holds_the_parameter_or_the_output_of_its_name() -> None:
    """``TIME_ZONE`` the parameter ``TimeZone``, ``EVENT_BUS`` the output ``EventBusName``.

    So windows and counts have the same days, and functions name each other's queues and tables.
    """
    names = {"TIME_ZONE": "America/Sao_Paulo", "DEFAULT_LOCALE": "pt_BR", "EVENT_SOURCE": "other"}
    names |= {"ALLOWED_ORIGIN": "https://a.example", "PAGE_ENABLED": "false", "APP_URL": "http://a"}
    names |= {"MEDIA_ORIGINS": "https://b.example", "TOKENABLE_TYPE": "App\\Models\\Member"}
    names |= {"TOKEN_LIFETIME_MINUTES": "60", "LINK_LIFETIME_SECONDS": "900"}
    parameters = {_camel_case(name): value for name, value in names.items()}
    stack = Stack(**ALL_FUNCTIONS, **parameters, LogLevel="DEBUG")
    values = {name: output["Value"] for name, output in stack.outputs.items()} | parameters
    for function in SETTINGS_BY_FUNCTION:
        environment = dict(stack.environment(function))
        name = function.removesuffix("Function").lower()
        assert environment.pop("POWERTOOLS_SERVICE_NAME", name) == name
        assert environment.pop("POWERTOOLS_METRICS_NAMESPACE") == "WorkspaceUsage/stack"
        assert environment.pop("POWERTOOLS_LOG_LEVEL") == "DEBUG"
        # Another test compares it with the queue.
        environment.pop("EXPORT_ATTEMPTS", None)
        for variable, value in environment.items():
            if not variable.startswith("AWS_ENDPOINT_URL_"):
                key = _camel_case(variable).replace("EventMapping", "EventSourceMapping")
                expected = values[key] if key in values else values[f"{key}Name"]
                assert value == expected, f"{function}: {variable}"


def _camel_case(variable: str) -> str:
    return "".join(map(str.capitalize, variable.split("_")))
