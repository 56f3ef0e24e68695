"""Writes the lock files of packages that are installed without what they require.

Each is made for a framework that nobody here needs, and pip-compile would lock that, too.
``make lock`` runs this with the Python that locks.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

_SWAGGER_UI: Final = """\
# Swagger UI, in a package made for Django, which is not installed. `make lock` writes this file.
"""
_GUARD: Final = """\
# cfn-guard with AWS Control Tower's rules, in a package made for the CDK, and rules of AWS's Guard
# Rules Registry, in a package made for an MCP server. What these require is not installed.
# `make lock` writes this file.
"""

LOCKS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "functions/page/requirements.txt": (_SWAGGER_UI, ("drf-spectacular-sidecar",)),
    "requirements/guard.txt": (
        _GUARD,
        ("awslabs.aws-iac-mcp-server", "cdklabs.cdk-validator-cfnguard"),
    ),
}
"""For each lock file, the comment at its head, and the packages."""


def lock(package: str) -> str:
    """Returns the line that locks the newest version of a package, without what it requires."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    command += ["--no-deps", "--only-binary=:all:", "--report", "-", package]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)  # noqa: S603
    (wheel,) = report["install"]
    version = wheel["metadata"]["version"]
    digest = wheel["download_info"]["archive_info"]["hashes"]["sha256"]
    return f"{package}=={version} \\\n    --hash=sha256:{digest}\n"


if __name__ == "__main__":
    for file, (head, packages) in LOCKS.items():
        (ROOT / file).write_text(head + "".join(map(lock, packages)), "utf-8")
