"""zizmor, which looks for holes in GitHub's workflows, and the schemas of GitHub's files."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tools.scan.findings import Finding
from tools.scan.programs import FailedScan, run_for_json

_SCHEMAS: Final[Mapping[str, Sequence[str]]] = {
    "vendor.github-workflows": (".github/workflows/*.yml", ".github/workflows/*.yaml"),
    "custom.github-workflows-require-timeout": (
        ".github/workflows/*.yml",
        ".github/workflows/*.yaml",
    ),
    "vendor.dependabot": (".github/dependabot.yml", ".github/dependabot.yaml"),
}
"""The files of each schema that check-jsonschema has."""

_ZIZMOR_HAS_CHECKED: Final = {0, 11, 12, 13, 14}
"""Its exit codes: nothing found, or something, by severity."""


def zizmor(program: Path, folder: Path) -> list[Finding]:
    """Returns what zizmor finds, with the rules for its most careful users, without the network.

    Comments and settings that ignore a rule have no effect.

    Args:
        program: zizmor.
        folder: the project's folder.
    """
    command: list[str | Path] = [program, "--offline", "--persona", "auditor", "--no-progress"]
    command += [
        "--no-config",
        "--no-ignores",
        "--strict-collection",
        "--format",
        "json-v1",
        ".github",
    ]
    return list(zizmor_findings(run_for_json(command, folder, _ZIZMOR_HAS_CHECKED)))


def zizmor_findings(printed: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yields the findings in what zizmor prints."""
    for entry in printed:
        primary = [
            location["symbolic"]
            for location in entry["locations"]
            if location["symbolic"]["kind"] == "Primary"
        ]
        (key,) = {_path(location) for location in primary}
        notes = sorted({location["annotation"] for location in primary})
        yield Finding(key, key, f"zizmor {entry['ident']}", f"{entry['desc']}: {'; '.join(notes)}")


def _path(location: Mapping[str, Any]) -> str:
    path: str = location["key"]["Local"]["verbatim_path"]
    return path.removeprefix("./")


def schemas(program: Path, folder: Path) -> list[Finding]:
    """Returns where GitHub's files are not as their schemas say.

    Args:
        program: check-jsonschema.
        folder: the project's folder.
    """
    findings: list[Finding] = []
    for schema, patterns in _SCHEMAS.items():
        files = [
            str(file.relative_to(folder))
            for pattern in patterns
            for file in sorted(folder.glob(pattern))
        ]
        if not files:
            raise FailedScan(f"{schema}: there is no {', '.join(patterns)}")
        command: list[str | Path] = [program, "--builtin-schema", schema, "--output-format", "json"]
        printed = run_for_json([*command, *files], folder, exit_codes={0, 1})
        findings += schema_findings(printed, schema)
    return findings


def schema_findings(printed: Mapping[str, Any], schema: str) -> Iterator[Finding]:
    """Yields the findings in what check-jsonschema prints."""
    for error in printed.get("errors", []):
        file = error["filename"]
        yield Finding(file, file, f"schema {schema}", f"{error['path']}: {error['message']}")
    for error in printed.get("parse_errors", []):
        file = error["filename"]
        yield Finding(file, file, f"schema {schema}", error["message"])
