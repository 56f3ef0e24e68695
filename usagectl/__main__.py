"""usagectl: the operator's command-line tool."""

import sys
from typing import Annotated

import typer
from botocore.exceptions import BotoCoreError, ClientError

from usagectl.cli import data, people, stack
from usagectl.cli.common import Target, err
from usagectl.dataset import UnreadableFile
from usagectl.errors import CommandError
from usagectl.load import LoadError
from workspace_usage.errors import StoreUnavailable

app = typer.Typer(
    name="usagectl",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Looks after a deployment of workspace-usage: data, tokens, members, settings.",
)


@app.callback()
def options(
    context: typer.Context,
    stack: Annotated[
        str, typer.Option(envvar="USAGECTL_STACK", help="The CloudFormation stack.")
    ] = "workspace-usage",
    region: Annotated[str | None, typer.Option(help="Its region (your AWS default).")] = None,
    profile: Annotated[str | None, typer.Option(help="The AWS profile (your default).")] = None,
    endpoint: Annotated[
        str | None,
        typer.Option(
            envvar="USAGECTL_ENDPOINT",
            help="A local stack instead, such as http://127.0.0.1:3000 (make run).",
        ),
    ] = None,
) -> None:
    """Reads which deployment is meant."""
    context.obj = Target(stack, region, profile, endpoint)


app.command("import")(data.import_)
app.command("export")(data.export_)
app.command("send")(data.send_)
app.add_typer(people.tokens, name="token")
app.add_typer(people.members, name="member")
app.command("forget-user")(people.forget_user)
app.add_typer(stack.settings, name="setting")
app.add_typer(stack.recorder, name="recorder")
app.command("recount")(stack.recount_)
app.command("doctor")(stack.doctor)


def main() -> int:
    """Runs one command; returns its exit code."""
    try:
        app(prog_name="usagectl")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except (CommandError, LoadError, StoreUnavailable, UnreadableFile) as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}")
    except ClientError as error:
        told = error.response.get("Error", {})
        return _fail(
            f"AWS refuses {error.operation_name}: {told.get('Code')}: {told.get('Message')}"
        )
    except BotoCoreError as error:
        return _fail(f"AWS can't be reached: {error}")
    return 0


def _fail(sentence: str) -> int:
    err.print(sentence, markup=False, soft_wrap=True)
    return 1


if __name__ == "__main__":
    sys.exit(main())
