"""cfn-lint and checkov, which look for mistakes in templates."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.scan.findings import Finding
from tools.scan.programs import FailedScan, run_for_json


def cfn_lint(program: Path, folder: Path, templates: Sequence[str]) -> list[Finding]:
    """Returns what cfn-lint finds, with all of its rules, the experimental ones included.

    Rules that a template's metadata ignores are checked, too.

    Args:
        program: cfn-lint.
        folder: the folder of the templates.
        templates: their paths in ``folder``.
    """
    command: list[str | Path] = [program, "--format", "json", "--include-experimental"]
    command += ["--include-checks", "I", "W", "E", "--mandatory-checks", "I", "W", "E"]
    command += ["--template", *templates]
    return list(cfn_lint_findings(run_for_json(command, folder)))


def cfn_lint_findings(printed: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Yields the findings in what cfn-lint prints."""
    for match in printed:
        path = match["Location"]["Path"] or ["template"]
        subject = path[1] if path[0] == "Resources" and len(path) > 1 else path[0]
        yield Finding(
            match["Filename"], str(subject), f"cfn-lint {match['Rule']['Id']}", match["Message"]
        )


def checkov(program: Path, expanded: Mapping[str, Path]) -> list[Finding]:
    """Returns what checkov finds.

    Args:
        program: checkov.
        expanded: for each template's path in the project, its expanded file.

    Raises:
        FailedScan: it could not read a template.
    """
    command: list[str | Path] = [program, "--framework", "cloudformation", "--output", "json"]
    command += ["--compact", "--skip-download"]
    command += [part for file in expanded.values() for part in ("--file", file)]
    folder = next(iter(expanded.values())).parent
    printed = run_for_json(command, folder, exit_codes={0, 1})
    return list(checkov_findings(printed, {file.name: name for name, file in expanded.items()}))


def checkov_findings(printed: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[Finding]:
    """Yields the findings in what checkov prints.

    Args:
        printed: what checkov prints.
        names: for each expanded file's name, the template's path in the project.

    Raises:
        FailedScan: checkov could not read a template.
    """
    results = printed["results"]
    checks = [*results["passed_checks"], *results["failed_checks"]]
    seen = {Path(check["file_path"]).name for check in checks}
    if results["parsing_errors"] or seen != names.keys():
        raise FailedScan(f"checkov checked {sorted(seen)}, and should have {sorted(names)}")
    for check in results["failed_checks"]:
        yield Finding(
            names[Path(check["file_path"]).name],
            check["resource"].rpartition(".")[2],
            f"checkov {check['check_id']}",
            check["check_name"],
        )
