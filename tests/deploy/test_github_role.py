"""The role that GitHub deploys with can make the stack, and can do little else."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import pytest

from local.template.expand import expand
from local.template.template import Resource
from tests.deploy.stack import read_template
from tests.docs.extraction import document
from tests.support.functions import ROOT
from tools.scan.reasons import read_settings

STACK: Final = "workspace-usage"
"""The stack's name where local resolves the template."""

EVERYTHING: Final = read_settings(ROOT / "scanners.toml").templates["template.yaml"]
"""Parameters with which all of the template's resources exist."""

TEMPLATE: Final = expand(ROOT / "template.yaml", EVERYTHING)
ROLES: Final = expand(
    ROOT / "deploy" / "github-role.yaml",
    {"SubjectPrefix": "repo:example@1/usage@2", "Environment": "prod"},
)

SCHEMAS: Final = sorted(
    ROOT.glob(".venv-sam/lib/*/site-packages/cfnlint/data/schemas/resources/*.json")
)

_API: Final = "arn:aws:apigateway:us-east-1::/restapis"
_CLOUDWATCH: Final = "arn:aws:cloudwatch:us-east-1:123456789012"
_CODEDEPLOY: Final = "arn:aws:codedeploy:us-east-1:123456789012"
_DYNAMODB: Final = "arn:aws:dynamodb:us-east-1:123456789012"
_EVENTS: Final = "arn:aws:events:us-east-1:123456789012"
_LAMBDA: Final = "arn:aws:lambda:us-east-1:123456789012"
_WAF: Final = "arn:aws:wafv2:us-east-1:123456789012"

CREATED_BY: Final[Mapping[str, tuple[str, str]]] = {
    "AWS::ApiGateway::Deployment": ("apigateway:POST", f"{_API}/abc/deployments"),
    "AWS::ApiGateway::RestApi": ("apigateway:POST", _API),
    "AWS::ApiGateway::Stage": ("apigateway:POST", f"{_API}/abc/stages"),
    "AWS::CloudWatch::Alarm": ("cloudwatch:PutMetricAlarm", f"{_CLOUDWATCH}:alarm:{{name}}"),
    "AWS::CloudWatch::CompositeAlarm": ("cloudwatch:PutCompositeAlarm", "*"),
    "AWS::CloudWatch::Dashboard": (
        "cloudwatch:PutDashboard",
        "arn:aws:cloudwatch::123456789012:dashboard/{name}",
    ),
    "AWS::CodeDeploy::Application": (
        "codedeploy:CreateApplication",
        f"{_CODEDEPLOY}:application:{{name}}",
    ),
    "AWS::CodeDeploy::DeploymentGroup": (
        "codedeploy:CreateDeploymentGroup",
        f"{_CODEDEPLOY}:deploymentgroup:{STACK}-Application/{{name}}",
    ),
    "AWS::DynamoDB::Table": ("dynamodb:CreateTable", f"{_DYNAMODB}:table/{{name}}"),
    "AWS::Events::EventBus": ("events:CreateEventBus", f"{_EVENTS}:event-bus/{{name}}"),
    "AWS::Events::Rule": ("events:PutRule", f"{_EVENTS}:rule/{{bus}}{{name}}"),
    "AWS::IAM::Role": ("iam:CreateRole", "arn:aws:iam::123456789012:role/{name}"),
    "AWS::Lambda::Alias": ("lambda:CreateAlias", f"{_LAMBDA}:function:{STACK}-Function"),
    "AWS::Lambda::EventSourceMapping": (
        "lambda:CreateEventSourceMapping",
        f"{_LAMBDA}:event-source-mapping:id",
    ),
    "AWS::Lambda::Function": ("lambda:CreateFunction", f"{_LAMBDA}:function:{{name}}"),
    "AWS::Lambda::LayerVersion": ("lambda:PublishLayerVersion", f"{_LAMBDA}:layer:{{name}}"),
    "AWS::Lambda::Permission": ("lambda:AddPermission", f"{_LAMBDA}:function:{STACK}-Function"),
    "AWS::Lambda::Version": ("lambda:PublishVersion", f"{_LAMBDA}:function:{STACK}-Function"),
    "AWS::Logs::LogGroup": (
        "logs:CreateLogGroup",
        "arn:aws:logs:us-east-1:123456789012:log-group:{name}",
    ),
    "AWS::S3::Bucket": ("s3:CreateBucket", "arn:aws:s3:::{name}"),
    "AWS::S3::BucketPolicy": ("s3:PutBucketPolicy", f"arn:aws:s3:::{STACK}-bucket"),
    "AWS::SQS::Queue": ("sqs:CreateQueue", "arn:aws:sqs:us-east-1:123456789012:{name}"),
    "AWS::SQS::QueuePolicy": (
        "sqs:SetQueueAttributes",
        f"arn:aws:sqs:us-east-1:123456789012:{STACK}-queue",
    ),
    "AWS::SSM::Parameter": (
        "ssm:PutParameter",
        "arn:aws:ssm:us-east-1:123456789012:parameter{name}",
    ),
    "AWS::WAFv2::WebACL": ("wafv2:CreateWebACL", f"{_WAF}:regional/webacl/{{name}}/id"),
    "AWS::WAFv2::WebACLAssociation": ("apigateway:SetWebACL", f"{_API}/abc/stages/v1"),
    "AWS::XRay::SamplingRule": (
        "xray:CreateSamplingRule",
        "arn:aws:xray:us-east-1:123456789012:sampling-rule/{name}",
    ),
}
"""For each type of the template's resources, the action that creates one, and what it acts on.

A type that is missing here is new: add the actions that it needs to ``StackRole``, those that read,
change and delete it, too. AWS's documentation of the type lists them.
"""

WITHOUT_RESOURCES: Final = {
    "cloudwatch:DescribeAlarms",
    "cloudwatch:ListDashboards",
    "cloudwatch:PutCompositeAlarm",
    "dynamodb:ListTables",
    "events:ListEventBuses",
    "lambda:GetAccountSettings",
    "logs:DescribeIndexPolicies",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "s3:ListAllMyBuckets",
    "ssm:DescribeParameters",
    "wafv2:ListWebACLs",
    "xray:GetSamplingRules",
}
"""Actions that AWS takes for all resources only. None of them reads what is stored."""


def as_list(value: Any) -> list[Any]:
    """Returns a list, also of a single value, as IAM reads it."""
    return value if isinstance(value, list) else [value]


def statements(logical_id: str) -> list[Mapping[str, Any]]:
    """Returns the statements of a role or managed policy of deploy/github-role.yaml."""
    properties = ROLES.resources[logical_id].properties
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
    return [statement for document in documents for statement in document["Statement"]]


def patterns(statement: Mapping[str, Any]) -> list[str]:
    """Returns what a statement acts on, for a stack that is named as local names it."""
    resources = as_list(statement["Resource"])
    return [resource.replace(f"{STACK}-prod", STACK) for resource in resources]


def allows(logical_id: str, action: str, arn: str) -> bool:
    """Whether a policy allows an action, its conditions apart."""
    return any(
        action in as_list(statement["Action"])
        and any(fnmatchcase(arn, pattern) for pattern in patterns(statement))
        for statement in statements(logical_id)
    )


POLICIES: Final = ["DeployRole", "StackRole", "FunctionsBoundary"]

each_policy = pytest.mark.parametrize("logical_id", POLICIES)


@each_policy
def test_every_action_is_spelled_out(logical_id: str) -> None:
    """No action has a wildcard, and nothing is allowed by what is left out."""
    for statement in statements(logical_id):
        assert statement["Effect"] == "Allow"
        assert statement.keys() <= {"Sid", "Effect", "Action", "Resource", "Condition"}
        for action in as_list(statement["Action"]):
            assert re.fullmatch(r"[a-z0-9]+:[A-Za-z0-9]+", action)


@each_policy
def test_only_actions_without_resources_are_allowed_for_all(logical_id: str) -> None:
    """All others are for the stack's name, or for one kind of thing whose name is an id."""
    for statement in statements(logical_id):
        for pattern in as_list(statement["Resource"]):
            if pattern == "*":
                assert set(as_list(statement["Action"])) <= WITHOUT_RESOURCES
            else:
                assert re.match(r"arn:aws:[a-z0-9]+:[a-z0-9-]*:[0-9a-z]*:.", pattern)
                assert re.search(
                    rf"{STACK}-prod|:role/{STACK}-StackRole|samclisourcebucket|aws-sam-cli-managed-default"
                    r"|:apigateway:us-east-1::/(account|restapis|tags)|:event-source-mapping:"
                    r"|:transform/|:sampling-rule/usage-"
                    r"|:deploymentconfig:CodeDeployDefault",
                    pattern,
                ), f"{statement['Sid']}: {pattern} is not the stack's"


@each_policy
def test_policies_are_not_longer_than_iam_allows(logical_id: str) -> None:
    """Of a role all together, and without spaces."""
    text = "".join(json.dumps(found, separators=(",", ":")) for found in statements(logical_id))
    assert len(text) < (6144 if logical_id == "FunctionsBoundary" else 10240) - 300


def test_only_jobs_of_the_environment_get_the_role() -> None:
    """Of this repository, with a token for AWS. So prod's role needs the approval for prod."""
    (statement,) = ROLES.resources["DeployRole"].properties["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": "repo:example@1/usage@2:environment:prod",
        }
    }


def test_the_workflow_changes_the_stack_with_cloudformation_only() -> None:
    """With the stack's role, which is for CloudFormation alone.

    Besides, it uploads code, and restores the one setting that a deployment can reset.
    """
    writing = {
        action
        for statement in statements("DeployRole")
        for action in as_list(statement["Action"])
        if not re.search(r":(Get|GET|List|Describe|Query|Scan)", action)
    }
    assert writing == {
        "cloudformation:CreateChangeSet",
        "cloudformation:DeleteChangeSet",
        "cloudformation:ExecuteChangeSet",
        "iam:PassRole",
        "s3:PutObject",
        "ssm:PutParameter",
    }
    (setting,) = [
        found for found in statements("DeployRole") if found["Action"] == "ssm:PutParameter"
    ]
    assert setting["Resource"].endswith(f":parameter/{STACK}-prod/usage-history-min-date")
    (passing,) = [found for found in statements("DeployRole") if found["Action"] == "iam:PassRole"]
    assert passing["Resource"] == ROLES.resources["StackRole"].arn
    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}
    }
    (changing, _) = [
        found
        for found in statements("DeployRole")
        if found["Action"] == "cloudformation:CreateChangeSet"
    ]
    assert changing["Condition"] == {
        "StringEquals": {"cloudformation:RoleArn": ROLES.resources["StackRole"].arn}
    }


def test_the_stack_s_roles_have_the_boundary() -> None:
    """A deployment writes their policies, so that it could give itself any permission otherwise."""
    for statement in statements("StackRole"):
        actions = as_list(statement["Action"])
        conditions = statement.get("Condition", {})
        if "iam:PassRole" in actions:
            services = conditions["StringEquals"]["iam:PassedToService"]
            assert set(services) == {"codedeploy.amazonaws.com", "lambda.amazonaws.com"}
        elif {"iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy"} & set(actions):
            boundary = conditions["StringEquals"]["iam:PermissionsBoundary"]
            assert boundary == ROLES.resources["FunctionsBoundary"].ref
    allowed = {action for found in statements("StackRole") for action in as_list(found["Action"])}
    assert "iam:DeleteRolePermissionsBoundary" not in allowed
    assert not {
        action for action in allowed if "Policy" in action and action.startswith("iam:Creat")
    }


def roles() -> list[Resource]:
    """Returns the roles of the template."""
    return TEMPLATE.of_type("AWS::IAM::Role")


@pytest.mark.parametrize("role", roles(), ids=lambda role: role.logical_id)
def test_a_role_of_the_template_stays_within_the_boundary(role: Resource) -> None:
    """It has the boundary, which allows all that its policies allow."""
    assert role.properties["PermissionsBoundary"].endswith(
        f":policy/{EVERYTHING['PermissionsBoundary']}"
    )
    for action, arn in allowed_by(role):
        if arn.startswith("arn:aws:logs:") and "/aws/apigateway/" in arn:
            continue
        assert allows("FunctionsBoundary", action, arn), f"{action} on {arn}"


def allowed_by(role: Resource) -> Iterator[tuple[str, str]]:
    """Yields each action that a role of the template allows, and what it acts on."""
    for policy in role.properties.get("Policies", []):
        for statement in policy["PolicyDocument"]["Statement"]:
            for action in as_list(statement["Action"]):
                for arn in as_list(statement["Resource"]):
                    yield action, arn


@pytest.mark.parametrize("kind", sorted({found.type for found in TEMPLATE.resources.values()}))
def test_cloudformation_can_make_every_resource(kind: str) -> None:
    """With the name that the template gives it, or CloudFormation makes up."""
    assert kind in CREATED_BY, f"{kind} is new: see CREATED_BY"
    action, arn = CREATED_BY[kind]
    for found in TEMPLATE.of_type(kind):
        bus = found.properties.get("EventBusName")
        named = arn.format(name=name_of(found), bus=f"{bus}/" if bus else "")
        assert allows("StackRole", action, named), f"StackRole does not allow {action} on {named}"


OTHER_SERVICES: Final = (
    "kms:",
    *("amplify:", "apprunner:", "appsync:", "bedrock-agentcore:"),
    *("cognito-idp:", "ec2:", "elasticloadbalancing:"),
)
"""Nothing is encrypted with keys of one's own, and the web ACL protects only the API's stage."""


@pytest.mark.skipif(not SCHEMAS, reason="make scan installs cfn-lint")
def test_cloudformation_may_read_what_its_handlers_read() -> None:
    """AWS's schemas of the types say what that is; cfn-lint has them."""
    kinds = {found.type for found in TEMPLATE.resources.values()}
    schemas = [json.loads(path.read_text("utf-8")) for path in SCHEMAS]
    wanted = {
        action
        for schema in schemas
        if schema["typeName"] in kinds
        for action in schema.get("handlers", {}).get("read", {}).get("permissions", [])
        if not action.lower().startswith(OTHER_SERVICES)
    }
    assert len(wanted) > 50
    # IAM ignores the case of actions.
    allowed = {
        action.lower() for found in statements("StackRole") for action in as_list(found["Action"])
    }
    assert {action for action in wanted if action.lower() not in allowed} == set()


def name_of(found: Resource) -> str:
    """Returns the name of a resource."""
    properties = found.properties
    match found.type:
        case "AWS::CloudWatch::Alarm":
            return str(properties.get("AlarmName", found.name))
        case "AWS::CloudWatch::Dashboard":
            return str(properties.get("DashboardName", found.name))
        case "AWS::Lambda::LayerVersion":
            return str(properties["LayerName"])
        case "AWS::WAFv2::WebACL":
            return str(properties["Name"])
        case "AWS::XRay::SamplingRule":
            return str(properties["SamplingRule"]["RuleName"])
        case _:
            return found.name


def test_code_is_uploaded_where_the_workflow_may_write() -> None:
    """Each environment has a folder of SAM's bucket, as samconfig.toml says."""
    samconfig = tomllib.loads((ROOT / "samconfig.toml").read_text("utf-8"))
    for name in samconfig.keys() & {"dev", "prod"}:
        assert samconfig[name]["deploy"]["parameters"]["s3_prefix"] == f"{STACK}-{name}"
    (upload,) = [found for found in statements("DeployRole") if found["Sid"] == "UploadCode"]
    assert upload["Resource"].endswith(f"-samclisourcebucket-*/{STACK}-prod/*")


def test_the_workflow_may_have_the_template_expanded() -> None:
    """CloudFormation asks for each transform."""
    for transform in as_list(read_template()["Transform"]):
        arn = f"arn:aws:cloudformation:us-east-1:aws:transform/{transform.removeprefix('AWS::')}"
        assert allows("DeployRole", "cloudformation:CreateChangeSet", arn)


def test_the_workflow_may_read_what_doctor_reads() -> None:
    """The table of docs/usagectl.md says what that is."""
    (row,) = [
        line
        for line in document("docs/usagectl.md").text.splitlines()
        if line.startswith("| `doctor` | `")
    ]
    wanted = set(re.findall(r"`([a-z0-9]+:[A-Za-z]+)`", row))
    assert len(wanted) > 5
    allowed = {action for found in statements("DeployRole") for action in as_list(found["Action"])}
    assert wanted <= allowed
