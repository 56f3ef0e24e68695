"""What a person reads when the stack serves: where it is, and a first question that can be pasted.

Lines that begin with two spaces and no ``#`` are commands.
"""

import shlex
from collections.abc import Iterable, Iterator
from typing import Final

from local.data.demo import DemoAccount
from local.data.suggestion import Suggestion

LISTING_PATH: Final = "/workspaces/usage"

LAST_LINE: Final = "Ctrl-C stops it."


def demo_banner(url: str, accounts: Iterable[DemoAccount]) -> str:
    """The banner of the demo: one question, and the tokens that can be put into it."""
    accounts = list(accounts)
    first = accounts[0]
    authorization = shlex.quote(f"Authorization: Bearer {first.token}")
    width = max(len(account.token) for account in accounts)
    lines = [
        f"Serving {url}{LISTING_PATH} with demo data. Ask as Ana:",
        "",
        f"  {_curl(url, authorization, first.workspace_id, '?per_page=2')}",
        "",
        "Other tokens, in the place of hers:",
        "",
        *(f"  # {account.token:{width}}  {account.may}" for account in accounts),
        "",
        "README.md, Try it, has more: pages, filters, languages, errors, events.",
        LAST_LINE,
    ]
    return _joined(lines)


def data_banner(url: str, suggestion: Suggestion) -> str:
    """The banner of a data set of one's own: how to get a token, and what to ask with it."""
    return _joined([f"Serving {url}{LISTING_PATH}", "", *_steps(url, suggestion), LAST_LINE])


def _steps(url: str, found: Suggestion) -> Iterator[str]:
    if not found.has_rows:
        yield "No rows were loaded (executions, archived, edited.ndjson): every list is empty."
    workspace_id, user_id = found.workspace_id or 1, found.user_id or 1
    if not found.is_member:
        yield f"Workspace {workspace_id} has no members (members.ndjson): nobody may ask yet."
    if not (found.has_rows and found.is_member):
        yield ""
    tool = f"bin/usagectl --endpoint {url}"
    sees = "only their own rows"
    if found.sees_everyone or not found.is_member:
        sees = "everyone's rows"
    if not found.is_member:
        yield from _step(
            f"Make user {user_id} a member of workspace {workspace_id}",
            f"{tool} member set --workspace {workspace_id} --user {user_id}"
            " --permission read_users_activity",
        )
    yield from _step(
        f"Issue a token for user {user_id}, who sees {sees} in workspace {workspace_id}",
        f"TOKEN=$({tool} token issue --user {user_id})",
    )
    query = ""
    if found.days is not None:
        query = "?start_date={}&end_date={}".format(*found.days)
    yield from _step(
        "Ask with it",
        _curl(url, '"Authorization: Bearer $TOKEN"', workspace_id, query),
    )


def _step(what: str, command: str) -> Iterator[str]:
    yield from (f"  # {what}", f"  {command}", "")


def _curl(url: str, authorization: str, workspace_id: int, query: str) -> str:
    """A question; ``authorization`` is the header, quoted for a shell."""
    workspace = shlex.quote(f"x-workspace-id: {workspace_id}")
    return f"curl -s -H {authorization} -H {workspace} {shlex.quote(f'{url}{LISTING_PATH}{query}')}"


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(["", *lines])
