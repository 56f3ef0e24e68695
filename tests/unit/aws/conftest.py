"""Environments of a function: one with little in it, and one with a service that tests prepare."""

from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.support.aws_clients import forget_clients
from tests.support.prepared_service import PreparedService


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A region, and no credentials."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    forget_clients()
    yield
    forget_clients()


@pytest.fixture
def environment_credentials(bare_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """Credentials in that environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture(scope="module")
def running() -> Iterator[PreparedService]:
    """The running service."""
    with PreparedService() as service:
        Thread(target=service.serve_forever, args=(0.05,), daemon=True).start()
        yield service
        service.shutdown()


@pytest.fixture
def service(running: PreparedService, monkeypatch: pytest.MonkeyPatch) -> Iterator[PreparedService]:
    """The service, which has had no request yet, in the environment of a function."""
    running.reset()
    for name in ("DYNAMODB", "SSM"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{name}", running.url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr("time.sleep", lambda _: None)
    forget_clients()
    yield running
    forget_clients()
