"""The real template's functions, and what invokes them: as docs/resources.md has them."""

from typing import Final

import pytest

from tests.deploy.documented import FUNCTIONS, KEPT, QUEUES, STACK, without
from tests.deploy.stack import ROOT, Stack, read_template

TAGS_OF_SAM: Final = [{"Key": "lambda:createdBy", "Value": "SAM"}]
SERVICES: Final = {"apigateway.amazonaws.com": "the API", "events.amazonaws.com": "a schedule"}
"""What invokes a function, by the service that may do so."""


def queues_of(function: str) -> list[str]:
    """Returns the queues whose messages a function receives."""
    return [queue for queue, row in QUEUES.items() if row[0].strip("`") == function]


def test_the_documents_have_all_of_these_resources() -> None:
    """And no others."""
    for kinds, rows in (
        (["Lambda::Function"], FUNCTIONS),
        (["SQS::Queue"], QUEUES),
        (["DynamoDB::Table", "S3::Bucket", "SSM::Parameter"], KEPT),
    ):
        assert {name for kind in kinds for name in STACK.of_type(f"AWS::{kind}")} == rows.keys()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_the_documented_properties_and_no_others(function: str) -> None:
    """Its role and its log are its own. Those with an alias may have snapshots."""
    memory, timeout, invoked_by, alias = FUNCTIONS[function]
    name = function.removesuffix("Function")
    expected = {
        "Handler": "app.lambda_handler",
        "Runtime": "python3.13",
        "Architectures": ["arm64"],
        "MemorySize": int(memory),
        "Timeout": int(timeout),
        "Role": f"${{{name}Role.Arn}}",
        "LoggingConfig": {"LogGroup": f"${{{name}LogGroup}}"},
        # The core first: see the template.
        "Layers": [
            f"${{{layer}}}"
            for kind in ("CoreLayer", "DependenciesLayer")
            for layer in STACK.of_type("AWS::Lambda::LayerVersion")
            if layer.startswith(kind)
        ],
        "Tags": TAGS_OF_SAM,
    }
    if alias:
        expected["SnapStart"] = {"ApplyOn": "PublishedVersions"}
    if queues_of(function):
        expected["ReservedConcurrentExecutions"] = sum(
            int(QUEUES[q][2]) for q in queues_of(function)
        )
    if "itself" in invoked_by:
        # Lambda stops other functions that send messages to themselves, after sixteen times.
        expected["RecursiveLoop"] = "Allow"
    properties = STACK.properties(function)
    assert without(properties, "Code", "Description", "Environment") == expected
    assert (f"{function}Aliaslive" in STACK.resources) == (alias == "`live`")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_invoked_by_what_is_documented_and_nothing_else(function: str) -> None:
    invokers = {
        SERVICES[permission["Principal"]]
        for permission in STACK.of_type("AWS::Lambda::Permission").values()
        if permission["FunctionName"].startswith(f"${{{function}")
    }
    for queue in queues_of(function):
        invokers.add("its queue" if len(queues_of(function)) == 1 else "its queues")
        assert queue in STACK.resources
    assert {FUNCTIONS[function][2].split(",")[0]} == invokers


def test_the_schedule_is_the_documented_one() -> None:
    """The rule is on, since it has no ``State``, and only this rule may invoke the function."""
    minutes = FUNCTIONS["DoctorFunction"][2].removeprefix("a schedule, every ")
    rule, permission = (STACK.properties(f"DoctorFunctionCheck{x}") for x in ("", "Permission"))
    target = {"Arn": "${DoctorFunction.Arn}", "Id": "DoctorFunctionCheckLambdaTarget"}
    assert without(rule, "Description") == {
        "ScheduleExpression": f"rate({minutes})",
        "Targets": [target],
    }
    assert permission == {
        "Action": "lambda:InvokeFunction",
        "FunctionName": "${DoctorFunction}",
        "Principal": "events.amazonaws.com",
        "SourceArn": "${DoctorFunctionCheck.Arn}",
    }


def test_the_code_of_a_function_is_in_the_folder_of_its_name() -> None:
    """With the handler that the template names."""
    for function in FUNCTIONS:
        name = function.removesuffix("Function").lower()
        code = read_template()["Resources"][function]["Properties"]["CodeUri"]
        assert code == f"functions/{name}"
        assert "def lambda_handler(" in (ROOT / code / "app.py").read_text("utf-8")


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_the_parameter_chooses_the_processor_and_the_layers_support_both(architecture: str) -> None:
    stack = Stack(ChecksEnabled="true", Architecture=architecture)
    for function in stack.of_type("AWS::Lambda::Function").values():
        assert function["Architectures"] == [architecture]
    layers = {name: r for name, r in stack.resources.items() if "LayerVersion" in r["Type"]}
    assert len(layers) == 2
    for name, layer in layers.items():
        kind = "core" if name.startswith("Core") else "dependencies"
        # Old ones are deleted: each version of a function keeps what it needs of them.
        assert without(layer, "Type", "Metadata", "Properties") == {"DeletionPolicy": "Delete"}
        assert without(layer["Properties"], "Description", "Content") == {
            "LayerName": f"stack-{kind}",
            "CompatibleArchitectures": ["arm64", "x86_64"],
            "CompatibleRuntimes": ["python3.13"],
        }
        source = read_template()["Resources"][
            "CoreLayer" if kind == "core" else "DependenciesLayer"
        ]
        assert source["Properties"]["ContentUri"] == f"layers/{kind}"
        assert source["Metadata"] == {
            "BuildMethod": "makefile",
            "BuildArchitecture": {"Ref": "Architecture"},
        }


def test_logs_expire_and_go_with_the_stack() -> None:
    """The parameter sets for how long they are kept. Each function has one under its own name."""
    stack = Stack(ChecksEnabled="true", LogRetentionDays="7")
    names = {
        f"{name}LogGroup": f"/aws/lambda/stack/{name.lower()}"
        for name in (function.removesuffix("Function") for function in FUNCTIONS)
    }
    names["AccessLogGroup"] = "/aws/apigateway/stack/access"
    groups = {
        name: without(resource, "Condition")
        for name, resource in stack.resources.items()
        if resource["Type"] == "AWS::Logs::LogGroup"
    }
    assert groups == {
        group: {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {"LogGroupName": name, "RetentionInDays": "7"},
        }
        for group, name in names.items()
    }


@pytest.mark.parametrize("boundary", ["", "functions"])
def test_each_role_is_for_one_service_and_has_the_boundary(boundary: str) -> None:
    """Other tests compare what the roles allow; here is all else of them."""
    stack = Stack(
        ChecksEnabled="true",
        PermissionsBoundary=boundary,
        DeploymentType="Canary10Percent10Minutes",
    )
    roles = stack.of_type("AWS::IAM::Role")
    expected = {function.replace("Function", "Role") for function in FUNCTIONS}
    assert roles.keys() == expected | {"DeploymentRole"}
    for name, role in roles.items():
        kind = name.removesuffix("Role").lower()
        service = "codedeploy" if kind == "deployment" else "lambda"
        assert role.keys() == {
            "Description",
            "PermissionsBoundary",
            "AssumeRolePolicyDocument",
            "Policies",
        }
        arn = f"arn:aws:iam::123456789012:policy/{boundary}"
        assert role["PermissionsBoundary"] == (arn if boundary else None)
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": f"{service}.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        assert role["AssumeRolePolicyDocument"] == {"Version": "2012-10-17", "Statement": [trust]}
        (policy,) = role["Policies"]
        assert policy["PolicyName"] == kind
        assert policy["PolicyDocument"].keys() == {"Version", "Statement"}
        assert policy["PolicyDocument"]["Version"] == "2012-10-17"
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement.keys() == {"Sid", "Effect", "Action", "Resource"}
            assert statement["Effect"] == "Allow"
