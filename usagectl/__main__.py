"""usagectl: the operator's command-line tool."""

import signal
import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

from usagectl import VERSION
from usagectl.cli.arguments import refuse
from usagectl.cli.commands import Commands
from usagectl.cli.output import show, tell
from usagectl.cli.target import Target
from usagectl.errors import CommandError
from usagectl.urls import is_http_url
from workspace_usage.errors import StoreUnavailable

USAGE_ERROR: Final = 2
"""The exit code if the command line can't be used."""

INTERRUPTED: Final = 130
"""The exit code after Ctrl-C or SIGTERM."""

app = typer.Typer(
    name="usagectl",
    cls=Commands,
    add_completion=False,
    # Plain text takes a fraction of the time of rich text.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _show_version(value: bool) -> None:
    if value:
        show(f"usagectl {VERSION}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    stack: Annotated[
        str, typer.Option(envvar="USAGECTL_STACK", help="The CloudFormation stack.")
    ] = "workspace-usage",
    region: Annotated[
        str | None, typer.Option(help="The stack's region (your AWS default).")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="The AWS profile (your default).")] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            envvar="USAGECTL_ENDPOINT",
            metavar="URL",
            help="The local stack instead, such as http://127.0.0.1:3000 (make run).",
        ),
    ] = None,
    version: Annotated[  # noqa: ARG001 - its callback does it
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Look after a deployment of workspace-usage: data, tokens, members, settings.

    Example: usagectl --endpoint http://127.0.0.1:3000 doctor
    """
    # An empty endpoint, such as that of an unset variable, must not lead to AWS instead.
    if endpoint is not None and not is_http_url(endpoint):
        refuse(context, "--endpoint", "must be a URL such as http://127.0.0.1:3000")
    target: Target = context.obj
    target.stack, target.region, target.profile = stack, region, profile
    target.endpoint = endpoint.rstrip("/") if endpoint else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    # SIGTERM, which process managers send, ends the command as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    for stream in (sys.stdout, sys.stderr):
        # File names may have bytes that are not UTF-8.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    words = list(sys.argv[1:] if arguments is None else arguments)
    target = Target()
    try:
        code = app(words or ["--help"], prog_name="usagectl", standalone_mode=False, obj=target)
    except typer.Abort:
        return _fail("Nothing was changed.")
    except typer.TyperException as error:
        return _fail(_usage_error(error), USAGE_ERROR)
    except (CommandError, StoreUnavailable) as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}." if error.filename else f"{error}.")
    except _aws_errors() as error:
        return _fail(_reason(error, target.place))
    if code == INTERRUPTED:
        tell("Stopped.")
    return (code or 0) if words else USAGE_ERROR


def _usage_error(error: typer.TyperException) -> str:
    """Returns what is wrong with the command line, and which command tells more."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "usagectl COMMAND"
    return f"{error.format_message().rstrip('.')} ({command} --help tells more)."


def _aws_errors() -> tuple[type[Exception], ...]:
    """Returns what boto3 raises. It is imported only after an exception, since that takes time."""
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def _reason(error: Exception, place: str) -> str:
    """Returns what AWS or the local stack refused, or why it can't be called."""
    place = f"{place[0].upper()}{place[1:]}"
    details = getattr(error, "response", {}).get("Error")
    if details is None:
        sentence = f"{place} can't be called: {error}"
    else:
        operation = getattr(error, "operation_name", "a call")
        sentence = f"{place} refuses {operation}: {details.get('Code')}: {details.get('Message')}"
    return f"{sentence.rstrip('.')}."


def _fail(sentence: str, code: int = 1) -> int:
    tell(" ".join(sentence.split()))
    return code


if __name__ == "__main__":
    sys.exit(main())
