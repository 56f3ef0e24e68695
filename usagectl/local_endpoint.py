"""How tools reach the local stack: its credentials, and where it describes itself.

No profile, no configuration file and no credentials of the person who runs it are read: a mistake
here must never become a write to somebody's AWS account.
"""

import json
import os
from dataclasses import dataclass
from http.client import HTTPException
from typing import Final
from urllib.request import Request

import boto3
import botocore.session
from botocore.config import Config

from usagectl.errors import CommandError
from usagectl.urls import is_http_url, open_url

REGION: Final = "us-east-1"

CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_SESSION_TOKEN": "local",
}
"""What every request to it is signed with. Lambda's credentials also have a session token."""

DESCRIPTION_PATH: Final = "/_local/stack"
"""Where the local stack tells what it is made of (``local.description``)."""

_TIMEOUT_SECONDS: Final = 10


def session() -> boto3.Session:
    """Returns a session with the credentials above.

    It reads no file and no profile, and its clients use no proxy.
    """
    ignored = {
        "profile": (None, None, None, None),
        "config_file": (None, None, os.devnull, None),
        "credentials_file": (None, None, os.devnull, None),
    }
    core = botocore.session.Session(session_vars=ignored)
    core.set_default_client_config(Config(proxies={}))
    return boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=CREDENTIALS["AWS_SESSION_TOKEN"],
        region_name=REGION,
        botocore_session=core,
    )


@dataclass(frozen=True, slots=True)
class Description:
    """What the local stack tells of itself.

    Attributes:
        outputs: the template's outputs.
        endpoints: the URL of each service, by boto3's name for it.
    """

    outputs: dict[str, str]
    endpoints: dict[str, str]


def read_description(address: str) -> Description:
    """Returns what the local stack at ``address``, such as http://127.0.0.1:3000, is made of.

    Raises:
        CommandError: nothing answers there, or something that is not the local stack.
    """
    try:
        # The caller has checked that it is http(s).
        request = Request(f"{address}{DESCRIPTION_PATH}")  # noqa: S310
        with open_url(request, _TIMEOUT_SECONDS) as response:
            described = json.load(response)
        outputs, endpoints = _texts(described["outputs"]), _texts(described["endpoints"])
        if not endpoints or not all(map(is_http_url, endpoints.values())):
            raise ValueError
    except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError):
        raise CommandError(f"No local stack answers at {address}; make run starts one.") from None
    return Description(outputs, endpoints)


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise TypeError
    return value
