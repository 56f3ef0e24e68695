"""The credentials that sign calls to AWS.

They are looked up at each call, not read once with the rest of the environment: with SnapStart a
function has no credentials before the snapshot is restored, and gets new ones before they expire.

Importing botocore takes two hundred milliseconds. It is imported only if the environment has no
credentials, or while a snapshot is prepared.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import StoreUnavailable

if TYPE_CHECKING:
    from botocore.session import Session


class Credentials(NamedTuple):
    """An access key; ``token`` is the session token that temporary credentials have."""

    access_key: str
    secret_key: str
    token: str | None = None


def current_credentials() -> Credentials:
    """Returns the credentials of this moment.

    Without SnapStart, Lambda puts them into the environment, where they stay the same as long as
    the function's process lives. With SnapStart, Lambda serves them at an endpoint instead.
    The snapshot then contains botocore, which gets them there, and gets new ones before they
    expire.

    Raises:
        StoreUnavailable: there are none, or they could not be renewed.
    """
    access_key = os.environ.get("AWS_ACCESS_KEY_ID")
    secret_key = os.environ.get("AWS_SECRET_ACCESS_KEY")
    if access_key and secret_key:
        return Credentials(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN") or None)
    return botocore_credentials()


def prepare_credentials() -> None:
    """Creates what botocore needs to look up credentials, without looking up any."""
    _botocore_session().get_component("credential_provider")


def botocore_credentials() -> Credentials:
    """Returns the credentials that botocore has at this moment; it renews them as they age.

    Raises:
        StoreUnavailable: there are none, or they could not be renewed.
    """
    with aws_errors_as_unavailable():
        credentials = _botocore_session().get_credentials()
        if credentials is None:
            raise StoreUnavailable("there are no AWS credentials")
        frozen = credentials.get_frozen_credentials()
    return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)


def _botocore_session() -> "Session":
    from workspace_usage.aws.session import botocore_session  # noqa: PLC0415 - takes 200 ms

    return botocore_session()
