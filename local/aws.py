"""Settings of AWS clients that can reach nothing but this machine.

They read no profile, no configuration file and no credentials of the developer: a mistake here must
never write to a real account.
"""

import os
from typing import Final

import boto3
import botocore.session
from botocore.config import Config

REGION: Final = "us-east-1"
ACCOUNT: Final = "123456789012"

CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
}
"""The credentials of all clients and functions here. Lambda's have a session token, too."""

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


def session() -> boto3.Session:
    """Returns a session with the credentials above, which reads no file and no profile."""
    ignored = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    return boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=CREDENTIALS["AWS_SESSION_TOKEN"],
        region_name=REGION,
        botocore_session=botocore.session.Session(session_vars=ignored),
    )
