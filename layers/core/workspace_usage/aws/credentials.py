"""The credentials by which AWS is called.

Importing botocore takes two hundred milliseconds: it is imported only when the environment has no
credentials, or while a snapshot is prepared.
"""

import os
from typing import TYPE_CHECKING, NamedTuple

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.errors import StoreUnavailable

if TYPE_CHECKING:
    from botocore.session import Session


class Credentials(NamedTuple):
    """Whose right is used; ``token`` is there when they are temporary."""

    access_key: str
    secret_key: str
    token: str | None = None


def current_credentials() -> Credentials:
    """The credentials of this moment.

    Lambda puts a function's into its environment and changes them only with it. With SnapStart it
    serves them at an address instead: botocore, which the snapshot then contains, asks there, and
    asks again as they age.

    Raises:
        StoreUnavailable: there are none, or they could not be renewed.
    """
    access_key, secret_key = (
        os.environ.get(name) for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    )
    if access_key and secret_key:
        return Credentials(access_key, secret_key, os.environ.get("AWS_SESSION_TOKEN") or None)
    return botocore_credentials()


def prepare_credentials() -> None:
    """Makes what finding credentials takes, and looks for none."""
    _botocore_session().get_component("credential_provider")


def botocore_credentials() -> Credentials:
    """The credentials that botocore finds at this moment; it renews them as they age.

    Raises:
        StoreUnavailable: there are none, or they could not be renewed.
    """
    with aws_errors_as_unavailable():
        found = _botocore_session().get_credentials()
        if found is None:
            raise StoreUnavailable("there are no AWS credentials")
        frozen = found.get_frozen_credentials()
    return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)


def _botocore_session() -> "Session":
    from workspace_usage.aws.session import botocore_session  # noqa: PLC0415 - see above

    return botocore_session()
