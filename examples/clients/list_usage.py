"""Lists a workspace's usage from one day to another, and compares its sums with the summary's.

    python3 list_usage.py 2026-11-01 2026-11-30 > usage.tsv

USAGE_URL is the API's address, USAGE_TOKEN the caller's token, USAGE_WORKSPACE the workspace. If
the program has stopped, set USAGE_CURSOR to the cursor that it printed, and it continues there.
"""

import gzip
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from decimal import Decimal, getcontext
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener

ATTEMPTS = 6  # of one request
TIMEOUT = 35  # seconds; API Gateway answers after 29 at the latest
LONGEST_WAIT = 120  # seconds; if the service asks for more, the program stops
RETRIED = (429, 500, 502, 503, 504)

getcontext().prec = 400  # so that sums are exact: unless set, they are rounded to 28 digits


class Stopped(Exception):
    """The service refused the request, or did not answer it."""


class NoRedirects(HTTPRedirectHandler):
    """Follows no redirect: urllib would send the token to the other address, too."""

    def redirect_request(self, *_: Any) -> None:
        return None


OPENER = build_opener(NoRedirects)


def setting(name: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value:
        raise Stopped(f"Set the environment variable {name}.")
    return value


def parse(response: Any) -> dict[str, Any]:
    body = response.read()
    if response.headers.get("Content-Encoding") == "gzip":
        body = gzip.decompress(body)
    parsed: dict[str, Any] = json.loads(body, parse_float=Decimal)
    return parsed


def describe_sums(runs: int, succeeded: int, amount: Decimal | int) -> str:
    return f"{runs} runs, {succeeded} succeeded, {Decimal(amount).normalize():f} credits"


def describe(error: HTTPError) -> str:
    try:
        body = parse(error)
    except ValueError:
        body = {}
    errors = [text for texts in body.get("errors", {}).values() for text in texts]
    message = " ".join(errors) or body.get("message", error.reason)
    return f"HTTP {error.code}: {message} (request id {error.headers.get('x-amzn-RequestId')})"


def ask(path: str, query: dict[str, str]) -> dict[str, Any]:
    """Returns the body of the 200. Tries again if the status is RETRIED or there is no answer."""
    headers = {
        "Authorization": f"Bearer {setting('USAGE_TOKEN')}",
        "x-workspace-id": setting("USAGE_WORKSPACE"),
        "Accept-Encoding": "gzip",
    }
    url = f"{setting('USAGE_URL').rstrip('/')}{path}?{urlencode(query)}"
    for attempt in range(ATTEMPTS):
        wait = 2**attempt
        try:
            with OPENER.open(Request(url, headers=headers), timeout=TIMEOUT) as response:
                return parse(response)
        except HTTPError as error:
            problem = describe(error)
            if error.code not in RETRIED:
                break
            retry_after = error.headers.get("Retry-After", "")
            if retry_after.isdecimal():
                wait = int(retry_after)
        except (OSError, HTTPException, json.JSONDecodeError) as error:
            problem = f"No answer: {error}"
        if wait > LONGEST_WAIT or attempt == ATTEMPTS - 1:
            break
        # Some more, so that clients that were refused together don't come back together.
        time.sleep(wait + random.random())
    raise Stopped(problem)


def pages(window: dict[str, str], cursor: str) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Yields the items of each page, and the cursor of the next page ("" after the last)."""
    while True:
        query = {**window, "per_page": "100"} | ({"cursor": cursor} if cursor else {})
        page = ask("/workspaces/usage", query)
        cursor = page["next_cursor"] or ""
        yield page["items"], cursor
        if not cursor:
            return


def main() -> int:
    if len(sys.argv) != 3:
        print("Name the first and the last day, such as 2026-11-01 2026-11-30.", file=sys.stderr)
        return 1
    window = {"start_date": sys.argv[1], "end_date": sys.argv[2]}
    first_cursor = cursor = os.environ.get("USAGE_CURSOR", "")
    runs, succeeded, charged = 0, 0, Decimal(0)
    try:
        for items, next_cursor in pages(window, first_cursor):
            for item in items:
                columns = ("created_at", "id", "user_id", "source", "status")
                amount = Decimal(item["credits"])
                # The format "f" has no exponent.
                print(*(item[name] for name in columns), f"{amount:f}", sep="\t")
                runs += 1
                succeeded += item["status"] == "succeeded"
                charged += amount
            cursor = next_cursor
        sums = describe_sums(runs, succeeded, charged)
        if first_cursor:
            print(f"From the cursor on: {sums}", file=sys.stderr)
            return 0
        print(f"The listing: {sums}", file=sys.stderr)
        totals = ask("/workspaces/usage/summary", {**window, "interval": "none"})["totals"]
    except Stopped as error:
        print(error, file=sys.stderr)
        if cursor != first_cursor:
            print(f"So far: {describe_sums(runs, succeeded, charged)}", file=sys.stderr)
            print(f"To continue: USAGE_CURSOR={cursor}", file=sys.stderr)
        return 1
    summary = describe_sums(totals["runs"], totals["succeeded"], totals["credits"])
    print(f"The summary: {summary}", file=sys.stderr)
    print("They are equal." if summary == sums else "They differ.", file=sys.stderr)
    return 0 if summary == sums else 2


if __name__ == "__main__":
    sys.exit(main())
