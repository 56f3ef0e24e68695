"""cfn-guard, AWS's program that checks templates, with AWS's rules.

Its program is in a package that was made for the CDK, together with the rules that AWS Control
Tower can put on an account. Rules of AWS's Guard Rules Registry are in another package. So both
come from PyPI, with the lock file's hashes.
"""

import platform
import re
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tools.scan.findings import Finding
from tools.scan.programs import FailedScan, run_for_json

_ARCHIVE: Final = "cdklabs/cdk_validator_cfnguard/_jsii/*.tgz"
_REGISTRY: Final = "awslabs/aws_iac_mcp_server/data/default_guard_rules.guard"
_PROGRAMS: Final = {
    ("linux", "x86_64"): "ubuntu/x86_64",
    ("linux", "aarch64"): "ubuntu/aarch64",
    ("darwin", "x86_64"): "macos/x86_64",
    ("darwin", "arm64"): "macos/aarch64",
}
"""The folder of the program, by system and processor."""

_HAS_CHECKED: Final = {0, 19}
"""The program's exit codes: all rules are followed, or some are not."""


def cfn_guard(environment: Path, expanded: Mapping[str, Path]) -> list[Finding]:
    """Returns what cfn-guard finds.

    Args:
        environment: the scanners' virtual environment.
        expanded: for each template's path in the project, its expanded file.

    Raises:
        FailedScan: the program does not run, or did not check all templates.
    """
    unpacked = _unpacked(environment)
    program = unpacked / "bin" / _folder_of_program() / "cfn-guard"
    (registry,) = environment.glob(f"lib/*/site-packages/{_REGISTRY}")
    names = {file.name: name for name, file in expanded.items()}
    folder = next(iter(expanded.values())).parent
    command: list[str | Path] = [program, "validate", "--structured", "--output-format", "json"]
    command += ["--show-summary", "none", "--data", *names, "--rules", unpacked / "rules", registry]
    printed = run_for_json(command, folder, exit_codes=_HAS_CHECKED)
    return list(guard_findings(printed, names))


def _folder_of_program() -> str:
    machine = (sys.platform, platform.machine())
    if machine not in _PROGRAMS:
        raise FailedScan(f"there is no cfn-guard for {' on '.join(machine)}")
    return _PROGRAMS[machine]


def _unpacked(environment: Path) -> Path:
    """Returns the folder of the CDK's package, and unpacks it the first time."""
    target = environment / "cfn-guard"
    if not target.exists():
        (archive,) = environment.glob(f"lib/*/site-packages/{_ARCHIVE}")
        partial = target.with_name(f"{target.name}.partial")
        with tarfile.open(archive) as content:
            content.extractall(partial, filter="data")
        partial.rename(target)
    return target / "package"


def guard_findings(
    printed: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> Iterator[Finding]:
    """Yields the findings in what cfn-guard prints.

    Args:
        printed: what cfn-guard prints.
        names: for each expanded file's name, the template's path in the project.

    Raises:
        FailedScan: cfn-guard did not check each template, or had no rules for it.
    """
    checked = {Path(document["name"]).name: document for document in printed}
    rules = ("not_compliant", "compliant")
    if checked.keys() != names.keys() or not all(
        any(document[kind] for kind in rules) for document in checked.values()
    ):
        raise FailedScan(f"cfn-guard checked {sorted(checked)}, and should have {sorted(names)}")
    for file, document in checked.items():
        for entry in document["not_compliant"]:
            rule = entry["Rule"]
            for subject in _subjects(rule["checks"]):
                yield Finding(names[file], subject, f"cfn-guard {rule['name']}", _message(rule))


def _subjects(checks: object) -> list[str]:
    """Returns the logical ids of the resources that failed, or ``Resources`` if none is named."""
    paths = [re.match(r"/Resources/([^/]+)", path) for path in _values(checks, "path")]
    return sorted({match[1] for match in paths if match}) or ["Resources"]


def _message(rule: Mapping[str, Any]) -> str:
    """Returns the first line of the first message that says what the rule wants."""
    messages = [text.strip() for text in _values(rule, "custom_message") if text.strip()]
    return messages[0].splitlines()[0] if messages else ""


def _values(tree: object, key: str) -> Iterator[str]:
    """Yields each text under a key, at any depth."""
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key and isinstance(value, str):
                yield value
            else:
                yield from _values(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from _values(value, key)
