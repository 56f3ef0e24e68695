"""Settings for calls to AWS, from a function's environment: region, endpoints, proxies.

The environment is read once and handed down. Credentials are not part of it: they are looked up at
each call (``credentials``), because with SnapStart there are none before the snapshot is restored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from workspace_usage.aws.endpoints import domain_of

_ENDPOINT_PREFIX: Final = "AWS_ENDPOINT_URL_"

_BOTOCORE_VARIABLES: Final = (
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_USE_FIPS_ENDPOINT",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "https_proxy",
    "http_proxy",
)
"""Variables that change where calls go. botocore supports them all, ``reader`` does not."""


@dataclass(frozen=True, slots=True)
class AwsEnvironment:
    """A function's settings for calls to AWS.

    Attributes:
        region: the function's region.
        endpoints: URLs to call instead of AWS's own, by the service's name.
        needs_botocore: whether only botocore knows where calls have to go (FIPS and dual-stack
            endpoints, proxies).
    """

    region: str
    endpoints: Mapping[str, str]
    needs_botocore: bool = False

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> Self:
        """Reads the environment's variables; empty ones count as absent.

        Raises:
            KeyError: there is no ``AWS_REGION``.
        """
        return cls(
            region=variables["AWS_REGION"],
            endpoints={
                name.removeprefix(_ENDPOINT_PREFIX).lower(): url
                for name, url in variables.items()
                if name.startswith(_ENDPOINT_PREFIX) and url
            },
            needs_botocore=any(variables.get(name) for name in _BOTOCORE_VARIABLES),
        )

    def endpoint_of(self, service: str) -> str:
        """Returns the URL of a service: ``https://dynamodb.us-east-1.amazonaws.com``."""
        default = f"https://{service}.{self.region}.{domain_of(self.region)}"
        return self.endpoints.get(service, default)
