"""A function is published when, and only when, something changes that a version freezes.

SAM gives a version a new logical id for each property of its function. Lambda publishes nothing if
only properties changed that no version freezes, such as tags; the deployment would then end with "A
version for this Lambda function exists". So functions that are published don't have such
properties.
"""

from copy import deepcopy
from functools import cache
from typing import Any, Final

import pytest
from botocore.session import get_session
from samtranslator.model.sam_resources import SamFunction, SamLayerVersion

from tests.deploy.stack import Stack, Tree, read_template, transform, transformed_template
from tests.deploy.versions import PUBLISHED, versions

QUEUE: Final = "arn:aws:sqs:us-east-1:123456789012:queue"
ACCESS_POINT: Final = "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/x"

FROZEN: Final[dict[str, Tree]] = {
    "Handler": "app.other",
    "Runtime": "python3.14",
    "Description": "Something else.",
    "MemorySize": 512,
    "Timeout": 9,
    "Role": {"Fn::GetAtt": ["RecorderRole", "Arn"]},
    "Environment": {"Variables": {"OTHER": "value"}},
    "Layers": [{"Ref": "CoreLayer"}],
    "Architectures": ["x86_64"],
    "SnapStart": {"ApplyOn": "None"},
    "LoggingConfig": {"LogGroup": "other"},
    "EphemeralStorage": {"Size": 1024},
    "VpcConfig": {"SubnetIds": ["subnet"], "SecurityGroupIds": ["group"]},
    "DeadLetterQueue": {"Type": "SQS", "TargetArn": QUEUE},
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/x",
    "SourceKMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/x",
    "FileSystemConfigs": [{"Arn": ACCESS_POINT, "LocalMountPath": "/mnt/x"}],
    "DurableConfig": {"ExecutionTimeout": 60, "RetentionPeriodInDays": 1},
    "Tracing": "Active",
}
"""Properties of SAM's function that a version freezes, each with a value that is not today's.

``CodeUri`` is another one; ``test_versions.py`` has tests for it, and for layers.
"""

LOOSE: Final[dict[str, Tree]] = {
    "Tags": {"team": "usage"},
    "ReservedConcurrentExecutions": 5,
    "CodeSigningConfigArn": "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-1",
    "RecursiveLoop": "Allow",
    "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
    "PublishToLatestPublished": True,
}
"""Properties that end up in the function, and that no version freezes."""

OUTSIDE: Final[dict[str, Tree]] = {
    "EventInvokeConfig": {"MaximumRetryAttempts": 1},
    "FunctionUrlConfig": {"AuthType": "AWS_IAM"},
    "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": 1},
    "DeploymentPreference": {"Type": "Canary10Percent30Minutes"},
    "VersionDeletionPolicy": "Retain",
    "Events": {},
}
"""Properties that end up in other resources: what invokes the function, its alias, its versions."""

UNUSABLE: Final = {
    # Other ways to bring code, or other kinds of functions.
    *("ImageUri", "ImageConfig", "InlineCode", "PackageType"),
    *("CapacityProviderConfig", "FunctionScalingConfig", "TenancyConfig"),
    # For roles that SAM makes. The functions have their own.
    *("AssumeRolePolicyDocument", "Policies", "RolePath", "PermissionsBoundary"),
    # What decides about versions itself, or is what another property says.
    *("AutoPublishAlias", "AutoPublishCodeSha256", "AutoPublishAliasAllProperties"),
    *("VersionDescription", "PropagateTags", "CodeUri"),
    # Another name is another function.
    "FunctionName",
}
"""Properties of SAM's function that make no sense in these tests."""

TAGS_OF_SAM: Final = [{"Key": "lambda:createdBy", "Value": "SAM"}]


@cache
def frozen_by_lambda() -> set[str]:
    """Returns the names, in CloudFormation, of what changes a function before it is published.

    Lambda's reference of PublishVersion names the two operations that count. botocore's model has
    their members.
    """
    model = get_session().get_service_model("lambda")
    members: set[str] = set()
    for operation in ("UpdateFunctionConfiguration", "UpdateFunctionCode"):
        shape = model.operation_model(operation).input_shape
        assert shape is not None
        members |= set(shape.members)
    members |= {"Code", "KmsKeyArn"}  # S3Bucket and S3Key; KMSKeyArn
    return members - {"FunctionName", "RevisionId", "Publish", "PublishTo", "DryRun"}


def changed(property_: str, value: Tree) -> dict[str, Tree]:
    """Returns the transformed template, in which a property of each published function differs."""
    template = read_template()
    for name in PUBLISHED:
        template["Resources"][name]["Properties"][property_] = deepcopy(value)
    return transform(template)


def changed_properties(template: dict[str, Tree], function: str) -> set[str]:
    """Returns the properties of a function that differ from those of the template as it is."""
    before: Any = transformed_template()["Resources"][function]["Properties"]
    after: Any = template["Resources"][function]["Properties"]
    return {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}


def test_every_property_of_a_function_has_its_place_here() -> None:
    """A new version of SAM may know new ones."""
    assert FROZEN.keys() | LOOSE.keys() | OUTSIDE.keys() | UNUSABLE == set(
        SamFunction.property_types
    )


@pytest.mark.parametrize("property_", FROZEN)
def test_a_property_that_a_version_freezes_is_published(property_: str) -> None:
    """Lambda sees a change, too, so it does publish."""
    template = changed(property_, FROZEN[property_])
    before, after = versions(transformed_template()), versions(template)
    for function in PUBLISHED:
        assert before[function] != after[function]
        names = changed_properties(template, function)
        if property_ == "SourceKMSKeyArn":
            assert names == {"Code"}
        assert names
        assert names <= frozen_by_lambda()


def test_what_is_no_part_of_the_function_publishes_nothing() -> None:
    """All of these properties are changed together."""
    template = read_template()
    for name in PUBLISHED:
        template["Resources"][name]["Properties"] |= deepcopy(OUTSIDE)
    template = transform(template)
    assert versions(template) == versions(transformed_template())
    for function in PUBLISHED:
        assert not changed_properties(template, function)


@pytest.mark.parametrize("property_", LOOSE)
def test_a_property_that_no_version_freezes_would_break_a_deployment(property_: str) -> None:
    """SAM makes a new version of it, and Lambda does not. So the next test refuses all of these."""
    template = changed(property_, LOOSE[property_])
    before, after = versions(transformed_template()), versions(template)
    for function in PUBLISHED:
        assert before[function] != after[function]
        assert not changed_properties(template, function) & frozen_by_lambda()


@pytest.mark.parametrize("function", PUBLISHED)
def test_a_published_function_has_only_properties_that_its_versions_freeze(function: str) -> None:
    """Tags belong to the stack (``sam deploy --tags``): CloudFormation puts them on functions.

    A property that is needed all the same has to come together with another ``Description``. That
    is a change that Lambda publishes.
    """
    properties = dict(Stack().properties(function))
    assert properties.pop("Tags") == TAGS_OF_SAM
    loose = properties.keys() - frozen_by_lambda()
    assert not loose, f"no version freezes {', '.join(sorted(loose))}: see docs/decisions/0014"


def test_tags_of_the_stack_change_nothing_in_the_template() -> None:
    """``sam deploy`` gives them to CloudFormation beside the template, which has none itself."""
    template = read_template()
    assert "Tags" not in template["Globals"]["Function"]
    for resource in template["Resources"].values():
        if resource["Type"].startswith("AWS::Serverless::"):
            assert "Tags" not in resource["Properties"]


def test_reserved_concurrency_publishes_nothing() -> None:
    """The functions that have it have no versions."""
    reserving, plain = Stack(ReservedConcurrency="true"), Stack()
    for logical_id, function in reserving.of_type("AWS::Lambda::Function").items():
        if "ReservedConcurrentExecutions" in function:
            assert logical_id not in PUBLISHED
    for version in plain.of_type("AWS::Lambda::Version"):
        assert reserving.properties(version) == plain.properties(version)


LAYER: Final[dict[str, Tree]] = {
    "LayerName": "other",
    "Description": "Something else.",
    "CompatibleArchitectures": ["arm64"],
    "CompatibleRuntimes": ["python3.14"],
    "LicenseInfo": "MIT",
    "RetentionPolicy": "Retain",
}
"""Properties of a layer, each with a value that is not today's. ContentUri has a test elsewhere."""


@pytest.mark.parametrize(
    ("layer", "property_"),
    [("DependenciesLayer", "Description"), *(("CoreLayer", property_) for property_ in LAYER)],
)
def test_whatever_changes_of_a_layer_gives_functions_another_layer_and_a_version(
    layer: str, property_: str
) -> None:
    """Not one without the other: a version is new if Lambda sees another ARN in ``Layers``."""
    assert LAYER.keys() | {"ContentUri", "PublishLambdaVersion"} == set(
        SamLayerVersion.property_types
    )
    template = read_template()
    template["Resources"][layer]["Properties"][property_] = LAYER[property_]
    after = transform(template)
    for function in PUBLISHED:
        assert versions(after)[function] != versions(transformed_template())[function]
        assert changed_properties(after, function) == {"Layers"}
