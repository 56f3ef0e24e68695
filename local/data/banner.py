"""The text that is printed when the stack serves: its address, and a request to paste.

Lines that begin with two spaces, and not with ``#`` after them, are commands.
"""

import shlex
from collections.abc import Iterable, Iterator
from typing import Final

from local.data.demo import DemoAccount
from local.data.suggestion import Suggestion

LISTING_PATH: Final = "/workspaces/usage"

LAST_LINE: Final = "Ctrl-C stops it."


def demo_banner(url: str, accounts: Iterable[DemoAccount]) -> str:
    """Returns the banner of the demo: a request, and other tokens to use in it."""
    accounts = list(accounts)
    first = accounts[0]
    authorization = shlex.quote(f"Authorization: Bearer {first.token}")
    width = max(len(account.token) for account in accounts)
    lines = [
        f"Open {url}/ in a browser: it shows what the demo's workspace costs.",
        "",
        f"Serving {url}{LISTING_PATH} with demo data. A request with Ana's token:",
        "",
        f"  {_curl(url, authorization, first.workspace_id, '?per_page=2')}",
        "",
        "Use another token instead of hers:",
        "",
        *(f"  # {account.token:{width}}  {account.description}" for account in accounts),
        "",
        "README.md, Try it, has more: pages, filters, languages, errors, events.",
        LAST_LINE,
    ]
    return _join(lines)


def data_banner(url: str, suggestion: Suggestion) -> str:
    """Returns the banner of a data set: commands that issue a token, and use it in a request."""
    page = f"Open {url}/ in a browser, and enter a token; the next lines issue one."
    return _join(
        [page, "", f"Serving {url}{LISTING_PATH}", "", *_steps(url, suggestion), LAST_LINE]
    )


def _steps(url: str, suggestion: Suggestion) -> Iterator[str]:
    if not suggestion.has_rows:
        yield "No rows were loaded (executions, archived, edited.ndjson): every answer is empty."
    workspace_id, user_id = suggestion.workspace_id or 1, suggestion.user_id or 1
    if not suggestion.is_member:
        yield f"Workspace {workspace_id} has no members (members.ndjson): nobody has access yet."
    if not (suggestion.has_rows and suggestion.is_member):
        yield ""
    tool = f"bin/usagectl --endpoint {url}"
    sees = "only their own rows"
    if suggestion.sees_everyone or not suggestion.is_member:
        sees = "everyone's rows"
    if not suggestion.is_member:
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
    if suggestion.days is not None:
        query = "?start_date={}&end_date={}".format(*suggestion.days)
    yield from _step(
        "Use it in a request",
        _curl(url, '"Authorization: Bearer $TOKEN"', workspace_id, query),
    )


def _step(comment: str, command: str) -> Iterator[str]:
    yield from (f"  # {comment}", f"  {command}", "")


def _curl(url: str, authorization: str, workspace_id: int, query: str) -> str:
    """Returns a request as a command; ``authorization`` is the header, quoted for a shell."""
    workspace = shlex.quote(f"x-workspace-id: {workspace_id}")
    return f"curl -s -H {authorization} -H {workspace} {shlex.quote(f'{url}{LISTING_PATH}{query}')}"


def _join(lines: Iterable[str]) -> str:
    return "\n".join(["", *lines])
