"""Runs all scanners, and says what they find that ``scanners.toml`` has no reason for.

    python -m tools.scan CFN_LINT ENVIRONMENT

Args:
    CFN_LINT: the program cfn-lint.
    ENVIRONMENT: the virtual environment of the other scanners.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

from local.errors import TemplateError
from tools.scan.expansion import LeftOutResources, write_expanded
from tools.scan.findings import Finding, unexplained, unused
from tools.scan.guard import cfn_guard
from tools.scan.linters import cfn_lint, checkov
from tools.scan.programs import FailedScan
from tools.scan.reasons import InvalidReasons, Settings, read_settings
from tools.scan.workflows import schemas, zizmor

ROOT: Final = Path(__file__).parents[2]
SETTINGS: Final = "scanners.toml"


def main(lint: Path, environment: Path) -> int:
    """Prints what has to be done, and returns the exit code: 0 if nothing has."""
    began = time.monotonic()
    try:
        settings = read_settings(ROOT / SETTINGS)
        findings = scan(settings, lint, environment)
    except (FailedScan, InvalidReasons, LeftOutResources, TemplateError) as error:
        _say(str(error))
        return 2
    without_reason = unexplained(findings, settings.reasons)
    without_finding = unused(findings, settings.reasons)
    for finding in without_reason:
        _say(f"{finding.file}: {finding.subject}: {finding.rule}: {finding.text}")
    for sentence in without_finding:
        _say(f"{SETTINGS}: {sentence}")
    if without_reason or without_finding:
        _say(
            f"Mend what has been found, or give a reason in {SETTINGS};"
            " delete what is there without a finding. docs/development.md says how."
        )
        return 1
    duration = time.monotonic() - began
    _say(f"Scanners: {len(findings)} findings, and a reason for each, in {duration:.0f} s.")
    return 0


def scan(settings: Settings, lint: Path, environment: Path) -> list[Finding]:
    """Returns what the scanners find; they run at the same time."""
    programs = environment / "bin"
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor() as pool:
        expanded = _expand_all(settings.templates, Path(folder))
        scanners: list[Callable[[], list[Finding]]] = [
            partial(cfn_lint, lint, ROOT, list(settings.templates)),
            partial(checkov, programs / "checkov", expanded),
            partial(cfn_guard, environment, expanded),
            partial(zizmor, programs / "zizmor", ROOT),
            partial(schemas, programs / "check-jsonschema", ROOT),
        ]
        results = [pool.submit(scanner) for scanner in scanners]
        return sorted({finding for result in results for finding in result.result()})


def _expand_all(templates: Mapping[str, Mapping[str, str]], folder: Path) -> dict[str, Path]:
    files = {}
    for name, parameters in templates.items():
        files[name] = folder / f"{Path(name).stem}.json"
        write_expanded(ROOT / name, parameters, files[name])
    return files


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(*(Path(argument).absolute() for argument in sys.argv[1:])))
