"""What the document says: descriptions of parameters, headers and statuses, for callers.

The fields of answers are described where they are defined, by their docstrings.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


class IncompleteDocument(Exception):
    """Something of the API has no description or no example."""


@dataclass(frozen=True, slots=True)
class Text:
    """What the document says about one thing.

    Attributes:
        description: sentences, in Markdown.
        example: a value, or None if an example would be misleading.
    """

    description: str
    example: Any = None


def text_of(texts: Mapping[str, Text], name: str) -> Text:
    """Returns the text about ``name``.

    Raises:
        IncompleteDocument: there is none.
    """
    if name not in texts:
        raise IncompleteDocument(f"{name} has no description in tools/openapi/texts.py")
    return texts[name]


TITLE: Final = "Workspace usage"

INTRODUCTION: Final = """\
The agent executions of a workspace: a list, newest first, what they add up to, and all of them in a
file.

**Access.** A request needs a user's access token, which has the ability `use_agents`, and the
workspace in the header `x-workspace-id`. A user sees their own executions. A user with the
permission `read_users_activity` in the workspace sees everyone's.

**Parameters.** White space around a value is removed, and a value that is then empty counts as
absent. If a name is sent twice, the last value counts. Names are case-sensitive, and names that are
not listed here change nothing.

**Errors** are JSON with a `message`, and with `errors` by parameter if the status is 422. Rely on
the status and on the keys of `errors`; the texts may change. Another path or another method is 404.

**Numbers.** Credits are exact decimals and may have more digits than a binary floating-point number
holds. Parse them as decimals before you add them up.

**Age.** A page of the list or a summary may be up to 60 seconds old, because it is cached. A token
that is revoked is refused at once all the same.

**Compression.** From 1024 bytes on, answers are compressed for clients that prefer `gzip` or
`deflate`.

**Pages of another origin** may read answers if the deployment allows that origin. Then each path
also answers the preflight request `OPTIONS`, without a token.
"""

TAGS: Final = {
    "Usage": "What ran in a workspace.",
    "Exports": "All that the list shows, in a file.",
    "Page": "For people. It needs no token to be loaded, and one to show anything.",
    "Description": "This description of the API. It needs no token.",
}

SECURITY: Final = (
    "An access token of Laravel Sanctum, `<id>|<secret>` or the secret alone, with the ability"
    " `use_agents` or `*`. The scheme `Bearer` may be in any case."
)

HEADERS_OF_REQUESTS: Final[Mapping[str, Text]] = {
    "x-workspace-id": Text(
        "The workspace, an integer in its plain form: `11`, not `011` or `+11`. The token's user"
        " must be a member.",
        11,
    ),
    "Accept-Language": Text(
        "The language of messages: `en`, `pt_BR` (also for `pt` and `pt-PT`) or `es` (also for"
        " `es-MX`). For any other language, messages are in the deployment's.",
        "pt-BR",
    ),
    "If-None-Match": Text(
        "The `ETag` of the file that the client has. If the file is still the same, the answer is"
        " 304.",
        '"71d542268b7c6df41a2bc0f5d6768bf2"',
    ),
}

PARAMETERS: Final[Mapping[str, Text]] = {
    "range": Text(
        "The last 1, 7 or 30 days of the deployment's time zone, today included. It has no effect"
        " if both dates are sent.",
        "7d",
    ),
    "start_date": Text(
        "The first day, in the deployment's time zone. Send both dates or neither; they span at"
        " most 90 days, counting the first and the last.",
        "2026-11-20",
    ),
    "end_date": Text("The last day, not before `start_date`.", "2026-11-24"),
    "user_id": Text(
        "Only executions of this user. Another user than oneself can be asked for only with the"
        " permission `read_users_activity`.",
        2,
    ),
    "type": Text(
        "Only executions of agents of this type. `all` also includes types that are not listed"
        " here.",
        "chat",
    ),
    "page": Text(
        "The number of the page, 1 if absent. Not together with `cursor`. Rows move to later pages"
        " when new ones arrive; a cursor repeats no row.",
    ),
    "per_page": Text("The most items of a page.", 20),
    "cursor": Text(
        "The `next_cursor` of an earlier answer: the page continues where that one ended. Not"
        " together with `page`.",
    ),
    "interval": Text(
        "How long the buckets are. A week begins on Monday. The first and the last bucket end where"
        " the window does. With `none`, the only bucket is the window.",
        "week",
    ),
    "group_by": Text(
        "What rows are grouped by: one or two different ones of `user`, `type`, `model`, `agent`,"
        " `origin`, `source` and `status`, separated by a comma. If absent, there are no groups.",
        "user,model",
    ),
    "limit": Text(
        "How many groups are named at most: those with the most credits in the window. All others"
        " are added up as `other`.",
        5,
    ),
    "format": Text(
        "The format of the file: `csv`, for spreadsheets, or `ndjson`, a JSON object per line with"
        " the fields of the list. Both are compressed with gzip.",
        "csv",
    ),
    "id": Text(
        "The export's id, from the answer that started it. An id of another user or of another"
        " workspace is 404, like an unknown one.",
        "6f1f0c5e0a5b4c1f9d3e7b2a8c4d6e90",
    ),
}
"""Query parameters, fields of bodies, and parameters in paths."""

BODY_OF_REQUESTS: Final = (
    "It is read as JSON, whatever the `Content-Type` is. Null counts as absent. Otherwise, fields"
    " are checked as parameters are."
)

BODIES: Final[Mapping[str, Text]] = {
    "ExportRequest": Text("Which executions are exported, and in which format."),
}

HEADERS_OF_RESPONSES: Final[Mapping[str, Text]] = {
    "x-amzn-RequestId": Text(
        "The request's id, a UUID. Name it when you ask for support. A client can choose it, by a"
        " header of the same name.",
        "97d0e5e9-fb3c-4073-b2e8-83b886463818",
    ),
    "x-amz-apigw-id": Text(
        "A second id of the request, which no client can choose.", "VSDUbITAZbFPlMQ="
    ),
    "no-store": Text("Clients and proxies must not keep the answer.", "no-store"),
    "no-cache": Text("Clients ask each time whether the file has changed.", "no-cache"),
    "max-age": Text(
        "Clients and proxies may keep the file for five minutes.", "public, max-age=300"
    ),
    "WWW-Authenticate": Text("The scheme of `Authorization`.", "Bearer"),
    "Retry-After": Text("How many seconds to wait before the request is sent again.", 5),
    "Location": Text(
        "The address of the export, relative to the request's URL.",
        "exports/6f1f0c5e0a5b4c1f9d3e7b2a8c4d6e90",
    ),
    "ETag": Text(
        "Identifies the file's content, for `If-None-Match`.", '"71d542268b7c6df41a2bc0f5d6768bf2"'
    ),
    "Content-Security-Policy": Text(
        "What a page may load: files of its own origin, and nothing inline.",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src"
        " 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    "Referrer-Policy": Text(
        "Other pages and files that are loaded from here don't get this address.", "no-referrer"
    ),
    "Vary": Text("Caches keep a file for each coding that clients accept.", "Accept-Encoding"),
    "X-Content-Type-Options": Text("Browsers believe the content type.", "nosniff"),
    "Access-Control-Allow-Origin": Text(
        "The origin whose pages may read the answer. Only if the deployment allows one.",
        "https://app.example.com",
    ),
    "Access-Control-Expose-Headers": Text(
        "The headers that these pages may read. Only if the deployment allows an origin.",
        "x-amzn-RequestId,Retry-After,ETag,Location",
    ),
}
"""The headers of answers. ``no-store``, ``no-cache``, ``max-age``: values of ``Cache-Control``."""

STATUSES: Final[Mapping[str, Text]] = {
    "Unauthorized": Text(
        "The token is missing, malformed, unknown, expired or revoked. The message is in the"
        " deployment's language."
    ),
    "Forbidden": Text(
        "The token lacks the ability `use_agents`, its user is not a member of the workspace, or"
        " `user_id` is someone else's and the user may not see everyone's executions."
    ),
    "NotFound": Text(
        "Another path or another method. The message is in the deployment's language."
    ),
    "ExportNotFound": Text(
        "The user has no export with this id in this workspace, or it was started more than 24"
        " hours ago."
    ),
    "Invalid": Text(
        "The workspace id, a parameter or a field of the body is invalid. All that is wrong is"
        " named. If the body is not a JSON object, the only key of `errors` is `body`."
    ),
    "TooManyRequests": Text(
        "There were too many requests, counting those of all callers, or those of this token or"
        " address if the deployment limits each. Wait as many seconds as `Retry-After` says. The"
        " message is in the deployment's language."
    ),
    "TooManyExports": Text(
        "The user has two exports running, or there were too many requests, counting those of all"
        " callers, or those of this token or address if the deployment limits each. Wait as many"
        " seconds as `Retry-After` says."
    ),
    "Malformed": Text(
        "The request is malformed or too large: 400, 413, 414 or 431. The message is in the"
        " deployment's language."
    ),
    "Unavailable": Text(
        "The service can't answer at the moment. Wait as many seconds as `Retry-After` says. The"
        " message is in the deployment's language."
    ),
}
