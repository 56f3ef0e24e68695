"""Writes the list of components (SBOM): the packages of others that are deployed.

    python -m tools.sbom CYCLONEDX_PY TARGET LOCK ...

The list is in CycloneDX's format, with their hashes, and the same for the same locks. The page's
Swagger UI is in it as the package that it comes from.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from usagectl import VERSION


def list_components(program: Path, locks: Sequence[Path]) -> dict[str, Any]:
    """Returns the list.

    Args:
        program: cyclonedx-py.
        locks: the lock files.

    Raises:
        subprocess.CalledProcessError: a lock can't be read.
    """
    command: list[str | Path] = [
        program,
        "requirements",
        "--schema-version",
        "1.6",
        "--short-PURLs",
    ]
    done = subprocess.run(  # noqa: S603 - a program of ours
        [*command, "--output-reproducible", "-"],
        input="".join(lock.read_text("utf-8") for lock in locks),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return with_product(json.loads(done.stdout))


def with_product(components: dict[str, Any]) -> dict[str, Any]:
    """Returns the list with what its components are for, and without where the locks have them."""
    product = {
        "bom-ref": "workspace-usage",
        "type": "application",
        "name": "workspace-usage",
        "version": VERSION,
        "licenses": [{"license": {"id": "MIT"}}],
    }
    kept = [
        {name: value for name, value in component.items() if name != "description"}
        for component in components["components"]
    ]
    metadata = {**components.get("metadata", {}), "component": product}
    return {**components, "components": kept, "metadata": metadata}


if __name__ == "__main__":
    cyclonedx, target, *names = sys.argv[1:]
    found = list_components(Path(cyclonedx), [Path(name) for name in names])
    Path(target).write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    sys.stdout.write(f"{target}: {len(found['components'])} components\n")
