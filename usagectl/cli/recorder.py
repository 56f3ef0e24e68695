"""The commands ``recorder pause`` and ``recorder resume``."""

import typer

from usagectl.cli.output import show
from usagectl.cli.target import find_deployment

recorder = typer.Typer()


@recorder.command("pause")
def pause(context: typer.Context) -> None:
    """Let events wait in their queue.

    They can wait for up to 14 days, for example while an import runs.

    Example: usagectl recorder pause
    """
    _switch(context, enabled=False)


@recorder.command("resume")
def resume(context: typer.Context) -> None:
    """Apply events again, also those that have waited.

    Example: usagectl recorder resume
    """
    _switch(context, enabled=True)


def _switch(context: typer.Context, *, enabled: bool) -> None:
    deployment = find_deployment(context)
    mapping = deployment.lambda_.update_event_source_mapping(
        UUID=deployment.output("EventSourceMappingId"), Enabled=enabled
    )
    show(f"The recorder is {mapping['State'].lower()}; this takes up to a minute.")
