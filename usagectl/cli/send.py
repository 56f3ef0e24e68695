"""The command ``send``."""

from pathlib import Path
from typing import Annotated

import typer

from usagectl.cli.arguments import parse_path, refuse
from usagectl.cli.output import number_of, show
from usagectl.cli.target import find_deployment


def send_(
    context: typer.Context,
    files: Annotated[
        list[Path],
        typer.Argument(
            parser=parse_path,
            metavar="FILE...",
            help="Files with one event each, in the form in which EventBridge delivers it.",
        ),
    ],
) -> None:
    """Send events to the deployment's bus, as the platform does. All are checked first.

    Example: usagectl --endpoint http://127.0.0.1:3000 send events/event-execution-recorded.json
    """
    for path in files:
        if not path.is_file():
            refuse(context, "FILE", f"there is no file {path}")

    from usagectl.send import read_event, send

    events = [read_event(path) for path in files]
    deployment = find_deployment(context)
    number = send(deployment.events, deployment.output("EventBusName"), events)
    verb = "It takes" if number == 1 else "They take"
    show(f"Sent {number_of(number, 'event')}. {verb} effect in a moment.")
