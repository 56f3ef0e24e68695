"""The command ``doctor``."""

from typing import Annotated

import typer

from usagectl.cli.arguments import AsJson, check_token, parse_id, refuse
from usagectl.cli.output import show_json
from usagectl.cli.target import find_deployment


def doctor(
    context: typer.Context,
    token: Annotated[
        str | None,
        typer.Option(
            envvar="USAGECTL_TOKEN", metavar="TOKEN", help="The token of a request to the API."
        ),
    ] = None,
    workspace: Annotated[
        int | None,
        typer.Option(
            "--workspace",
            "-w",
            parser=parse_id,
            metavar="ID",
            help="The workspace of the request to the API, and whose counts are checked.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check a deployment: tables, indexes, setting, bucket, queues, a request to the API, counts.

    Without --workspace, the counts of up to three workspaces are checked.

    Exit codes: 0 all checks succeed, 1 one of them fails.

    Example: usagectl doctor --token "$TOKEN" --workspace 11
    """
    if token is not None and workspace is None:
        refuse(context, "--token", "goes together with --workspace")
    if token is not None:
        check_token(context, token)

    from usagectl.doctor import examine
    from usagectl.findings import Finding
    from usagectl.service_check import Caller

    caller = None if token is None or workspace is None else Caller(token, workspace)
    findings: list[Finding] = []
    for finding in examine(find_deployment(context), caller, workspace):
        findings.append(finding)
        if not as_json:
            _show_finding(finding.is_well, f"{finding.check}: {finding.detail}")
    if as_json:
        show_json([{"check": f.check, "ok": f.is_well, "detail": f.detail} for f in findings])
    if any(finding.is_well is False for finding in findings):
        raise typer.Exit(1)


def _show_finding(is_well: bool | None, text: str) -> None:
    result, colour = {
        True: ("ok  ", "green"),
        False: ("FAIL", "red"),
        None: ("skip", "yellow"),
    }[is_well]
    typer.echo(f"{typer.style(result, fg=colour)} {text}")
