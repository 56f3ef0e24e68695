"""Writes the lock file of the page function: the newest Swagger UI, in a package from PyPI.

The package is made for Django, which it requires and nobody here needs. pip-compile would lock
Django, too. ``make lock`` runs this with the Python that locks.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

PACKAGE: Final = "drf-spectacular-sidecar"

_HEAD: Final = """\
# Swagger UI, in a package made for Django, which is not installed. `make lock` writes this file.
"""


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
    Path(sys.argv[1]).write_text(_HEAD + lock(PACKAGE), "utf-8")
