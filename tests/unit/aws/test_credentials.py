"""Credentials come from the environment, or from wherever botocore finds them."""

from pathlib import Path

import botocore.credentials
import botocore.session
import pytest
from botocore.credentials import ReadOnlyCredentials
from botocore.exceptions import CredentialRetrievalError

from workspace_usage.aws.credentials import Credentials, current_credentials
from workspace_usage.errors import StoreUnavailable

pytestmark = pytest.mark.usefixtures("bare_environment")


@pytest.mark.usefixtures("environment_credentials")
def test_credentials_are_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """At each call: they may change."""
    assert current_credentials() == Credentials("id", "secret", None)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    assert current_credentials() == Credentials("id", "secret", "token")


def test_botocore_finds_credentials_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text(
        "[default]\naws_access_key_id = a\naws_secret_access_key = b\naws_session_token = c\n"
    )
    assert current_credentials() == Credentials("a", "b", "c")


def test_without_credentials_the_store_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match="no AWS credentials"):
        current_credentials()


def test_if_credentials_can_not_be_renewed_the_store_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stale(botocore.credentials.Credentials):
        def get_frozen_credentials(self) -> ReadOnlyCredentials:
            raise CredentialRetrievalError(provider="role", error_msg="expired")

    stale = Stale("id", "secret")
    monkeypatch.setattr(botocore.session.Session, "get_credentials", lambda _: stale)
    with pytest.raises(StoreUnavailable, match="CredentialRetrievalError"):
        current_credentials()
