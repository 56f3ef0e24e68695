"""The command ``recount``."""

from typing import TYPE_CHECKING, Annotated

import typer

from usagectl.cli.arguments import parse_id
from usagectl.cli.output import now, number_of, show
from usagectl.cli.target import find_deployment

if TYPE_CHECKING:
    from usagectl.recount import Recount


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
) -> None:
    """Count a workspace's rows again, for pages far down.

    The listing is right meanwhile, and slower.

    Example: usagectl recount -w 11
    """
    from usagectl.progress_bar import ProgressBar
    from usagectl.recount import recount

    resources = find_deployment(context).resources
    with ProgressBar("counting", "workspaces", len(workspace)) as bar:
        for workspace_id in workspace:
            counted = recount(resources, workspace_id, now())
            show(f"Workspace {workspace_id} {_how_far(counted)}.")
            bar.advance(1)


def _how_far(counted: "Recount") -> str:
    from workspace_usage.rollups.counting import WORTHWHILE

    head = counted.head
    if head is not None and head.is_held:
        return "is being written or counted by something else, and is counted after that"
    if head is not None and head.counted_until:
        return f"is counted up to {head.counted_until.partition('#')[0]}"
    if counted.is_disturbed:
        return "isn't counted: rows came late all the time; try again later"
    rows = number_of(WORTHWHILE, "row")
    return f"has fewer than {rows} that are older than three minutes, and needs no counts"
