"""A stack that is deployed to ministack, with the demo's data."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from local.data.demo import write_demo
from tests.deployed.emulator import Emulator, EmulatorError
from tests.deployed.stack import DeployedStack, DeploymentError


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo's data set."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, datetime.now(UTC))
    return folder


@pytest.fixture(scope="session")
def stack(demo: Path) -> Iterator[DeployedStack]:
    """The stack as `make build` made it, after its first deployment and the import of the demo.

    Without it there is nothing to test: then the run ends with the reason.
    """
    # Not pytest's folder, of which it keeps the last three: the copies of the package are large.
    with TemporaryDirectory(prefix="deploy-check-") as name, start(Path(name)) as emulator:
        deployed = DeployedStack(emulator, Path(name))
        try:
            deployed.deploy(deployed.package())
        except DeploymentError as error:
            pytest.exit(f"the first deployment failed:\n{error}", returncode=1)
        deployed.usagectl("import", demo)
        yield deployed
        deployed.keep_logs()


def start(folder: Path) -> Emulator:
    """Starts the emulator, or ends the run with the reason."""
    try:
        return Emulator(folder)
    except EmulatorError as error:
        pytest.exit(str(error), returncode=1)


@pytest.fixture(scope="session")
def token(stack: DeployedStack) -> str:
    """A token of Ana's that usagectl has issued. The demo's data set has none of its kind."""
    return stack.issue_token(1)


@pytest.fixture(scope="session")
def headers(token: str) -> dict[str, str]:
    """The headers of Ana's requests; she sees everyone's executions."""
    return {"Authorization": f"Bearer {token}", "x-workspace-id": "11"}
