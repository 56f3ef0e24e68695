"""The environment says where calls go, and whether botocore has to make all of them."""

import pytest

from workspace_usage.aws.environment import AwsEnvironment


@pytest.mark.parametrize(
    ("region", "endpoint"),
    [
        ("sa-east-1", "https://dynamodb.sa-east-1.amazonaws.com"),
        ("cn-north-1", "https://dynamodb.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_a_service_has_the_endpoint_of_its_region(region: str, endpoint: str) -> None:
    """An empty variable counts as absent: the template declares some."""
    variables = {"AWS_REGION": region, "AWS_ENDPOINT_URL_DYNAMODB": ""}
    assert AwsEnvironment.from_variables(variables).endpoint_of("dynamodb") == endpoint


def test_an_endpoint_that_the_environment_names_comes_first() -> None:
    """It is that service's alone."""
    url = "http://127.0.0.1:8000"
    variables = {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_DYNAMODB": url}
    environment = AwsEnvironment.from_variables(variables)
    assert environment.endpoint_of("dynamodb") == url
    assert environment.endpoint_of("ssm") == "https://ssm.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    "name",
    [
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_USE_FIPS_ENDPOINT",
        "HTTPS_PROXY",
        "HTTP_PROXY",
        "https_proxy",
        "http_proxy",
    ],
)
def test_where_calls_go_another_way_botocore_is_needed(name: str) -> None:
    """An empty variable changes nothing."""
    variables = {"AWS_REGION": "us-east-1"}
    assert not AwsEnvironment.from_variables(variables).needs_botocore
    assert not AwsEnvironment.from_variables({**variables, name: ""}).needs_botocore
    assert AwsEnvironment.from_variables({**variables, name: "true"}).needs_botocore


def test_a_function_without_a_region_does_not_start() -> None:
    with pytest.raises(KeyError, match="AWS_REGION"):
        AwsEnvironment.from_variables({})
