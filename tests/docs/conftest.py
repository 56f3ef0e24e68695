"""The stack with the demo's data, which the tests of commands and programs share.

Modules that use it are in the xdist group "try it", so that it is started once.
"""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.docs.extraction import ROOT


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a stack with the demo's data, served as ``make run`` does it."""
    log = tmp_path_factory.mktemp("stack") / "log.txt"
    command = [sys.executable, "-m", "local", "--port", "0", "--store", "moto"]
    path = os.pathsep.join([str(ROOT / "layers" / "core"), str(ROOT)])
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        served = (re.search(r"Serving (http://[^/]+)", line) for line in process.stdout)
        found = next(filter(None, served), None)
        assert found, f"the stack was not served: {log.read_text()}"
        yield found[1]
        process.send_signal(signal.SIGINT)
