"""AWS's public partitions: the domain under which the services of a region answer."""

from typing import Final

_DOMAIN: Final = "amazonaws.com"
_OTHERS: Final = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}
"""By how the names of their regions begin."""


def domain_of(region: str) -> str:
    """The domain of a region: ``amazonaws.com`` for ``us-east-1``."""
    return _OTHERS.get(region.partition("-")[0], _DOMAIN)
