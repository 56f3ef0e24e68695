"""Settings of AWS clients that can reach nothing but this machine.

They read no profile, no configuration file and no credentials of the developer: a mistake here must
never write to a real account.
"""

import os
from typing import Final

from botocore.config import Config

from usagectl.local_endpoint import CREDENTIALS, REGION, session

__all__ = ["ACCOUNT", "CLIENT_CONFIG", "CREDENTIALS", "NO_CONFIGURATION", "REGION", "session"]

ACCOUNT: Final = "123456789012"

NO_CONFIGURATION: Final = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Environment variables that keep a child process's botocore from finding other credentials."""

CLIENT_CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=20,
    proxies={},
    s3={"addressing_style": "path"},
)
