"""A region's services have the domain of its partition."""

import pytest

from workspace_usage.aws.endpoints import domain_of


@pytest.mark.parametrize(
    ("region", "domain"),
    [
        ("us-east-1", "amazonaws.com"),
        ("us-gov-west-1", "amazonaws.com"),
        ("cn-northwest-1", "amazonaws.com.cn"),
        ("eusc-de-east-1", "amazonaws.eu"),
    ],
)
def test_a_region_has_the_domain_of_its_partition(region: str, domain: str) -> None:
    """As in botocore's table of partitions."""
    assert domain_of(region) == domain
