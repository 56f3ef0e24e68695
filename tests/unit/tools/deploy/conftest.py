"""What the tests of the deployment's checks share: an account in which all is well."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.aws_answers import AwsAnswers
from tools.deploy.environment import read_environment
from tools.deploy.target import Target
from tools.deploy.template import Template


@pytest.fixture
def aws() -> AwsAnswers:
    """An account without any stack, as prod needs it for its first deployment."""
    aws = AwsAnswers()
    aws.answer(
        "sts",
        "GetCallerIdentity",
        {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/me", "UserId": "me"},
    )
    aws.refuse("cloudformation", "DescribeStacks", "ValidationError", "Stack does not exist")
    aws.answer("apigateway", "GetAccount", {"cloudwatchRoleArn": "arn:aws:iam::1:role/logging"})
    limits = {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}
    aws.answer("lambda", "GetAccountSettings", {"AccountLimit": limits})
    aws.answer("logs", "DescribeLogGroups", {"logGroups": []})
    aws.answer("events", "ListEventBuses", {"EventBuses": []})
    aws.answer("cloudwatch", "ListDashboards", {"DashboardEntries": []})
    aws.answer("ssm", "GetParameters", {"Parameters": []})
    aws.answer("wafv2", "ListWebACLs", {"WebACLs": []})
    aws.answer("dynamodb", "ListTables", {"TableNames": []})
    aws.answer("s3", "ListBuckets", {"Buckets": []})
    return aws


@pytest.fixture
def target(aws: AwsAnswers) -> Callable[..., Target]:
    """Makes a target of prod, in that account."""

    def make(region: str = "us-east-1", **parameters: str) -> Target:
        environment = read_environment("prod")
        overrides = {**environment.parameters, **parameters}
        environment = replace(environment, overrides=tuple(map("=".join, overrides.items())))
        return Target(environment, Template.read(environment), aws, region)

    return make
