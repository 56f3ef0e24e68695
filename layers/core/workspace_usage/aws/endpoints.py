"""AWS's public partitions: the domain of a region's services."""

from typing import Final

_DEFAULT_DOMAIN: Final = "amazonaws.com"
_DOMAINS_BY_REGION_PREFIX: Final = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}


def domain_of(region: str) -> str:
    """Returns the domain of a region's services: ``amazonaws.com`` for ``us-east-1``."""
    return _DOMAINS_BY_REGION_PREFIX.get(region.partition("-")[0], _DEFAULT_DOMAIN)
