"""AWS clients that reach this machine's store and nothing else.

No profile, no configuration file and no credentials of whoever runs it are read: a mistake here
must never become a write to somebody's account.
"""

import os
from typing import Final

from botocore.config import Config

from usagectl.local_endpoint import CREDENTIALS, REGION, session

__all__ = ["ACCOUNT", "CONFIG", "CREDENTIALS", "NO_CONFIGURATION", "REGION", "session"]

ACCOUNT: Final = "123456789012"

NO_CONFIGURATION: Final = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""Variables that keep botocore in a child process from looking for credentials elsewhere."""

CONFIG: Final = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=20,
    proxies={},
    s3={"addressing_style": "path"},
)
