"""The command ``recount``."""

from typing import TYPE_CHECKING, Annotated

import typer

from usagectl.cli.arguments import parse_id
from usagectl.cli.output import number_of, show, tell
from usagectl.cli.target import find_deployment

if TYPE_CHECKING:
    from usagectl.recount import CountProgress, Recount


def recount_(
    context: typer.Context,
    workspace: Annotated[
        list[int],
        typer.Option(
            "--workspace",
            "-w",
            parser=parse_id,
            metavar="ID",
            help="A workspace's id; can be given more than once.",
        ),
    ],
    reset: Annotated[
        bool,
        typer.Option("--reset", help="Throw all counts away and count from the beginning."),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Show the progress until everything is counted.")
    ] = False,
) -> None:
    """Have a workspace's rows counted, for pages far down. The counter does it in the background.

    The listing is right meanwhile, and slower.

    Example: usagectl recount -w 11 --wait
    """
    from usagectl.recount import Recount

    resources = find_deployment(context).resources
    begun = [
        Recount.begin(resources, workspace_id, from_scratch=reset) for workspace_id in workspace
    ]
    for recount in begun:
        if wait:
            _wait(recount)
        else:
            what = "counted from the beginning" if reset else "counted"
            show(f"Workspace {recount.workspace_id} will be {what} in the next minutes.")


def _wait(recount: "Recount") -> None:
    try:
        for progress in recount.wait():
            if not progress.is_done:
                tell(f"Workspace {recount.workspace_id}: {_state(progress)}.")
    except KeyboardInterrupt:
        tell("Counting continues without this command.")
        raise
    show(f"Workspace {recount.workspace_id}: {_counted(progress)}.")


def _state(progress: "CountProgress") -> str:
    if progress.unchanged_for is None:
        return f"{number_of(progress.marks, 'mark')} left; {_counted(progress)}"
    minutes = number_of(round(progress.unchanged_for.total_seconds() / 60), "minute")
    return (
        f"nothing has changed for {minutes}; the counter is busy with other workspaces, or it"
        " fails: see docs/operations.md, FailedCountsAlarm"
    )


def _counted(progress: "CountProgress") -> str:
    from workspace_usage.rollups.counter import MIN_ROWS
    from workspace_usage.values import format_timestamp

    if progress.counted_to is not None:
        return f"counted up to {format_timestamp(progress.counted_to)}"
    if progress.is_done:
        return f"fewer than {number_of(MIN_ROWS, 'row')} that are old enough; it needs no counts"
    return "nothing is counted yet"
