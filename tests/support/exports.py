"""Exports over HTTP, as a client starts them, waits for them and reads them."""

import gzip
import time
from collections.abc import Mapping
from typing import Any

import httpx

PATH = "/workspaces/usage/exports"


def start_export(client: httpx.Client, url: str, headers: Mapping[str, str], **fields: Any) -> str:
    """Starts an export, and returns the URL at which it can be asked for.

    Args:
        client: sends the request.
        url: the API's URL.
        headers: the caller's.
        fields: what is asked for.
    """
    response = client.post(f"{url}{PATH}", headers=dict(headers), json=fields)
    assert response.status_code == 202, response.text
    return str(response.url.join(response.headers["Location"]))


def finish_export(client: httpx.Client, url: str, headers: Mapping[str, str]) -> Any:
    """Waits until an export does not run any more, and returns the answer's body.

    Args:
        client: sends the requests.
        url: the export's.
        headers: the caller's.
    """
    deadline = time.monotonic() + 300
    while True:
        response = client.get(url, headers=dict(headers))
        assert response.status_code == 200, response.text
        body = response.json()
        if body["status"] != "running":
            return body
        assert time.monotonic() < deadline, "the export still runs"
        time.sleep(0.1)


def read_export(link: str, client: httpx.Client | None = None) -> str:
    """Returns the text of an export's file, without a byte-order mark.

    Args:
        link: the export's link.
        client: sends the request, if it needs one that knows the way.
    """
    response = httpx.get(link) if client is None else client.get(link)
    return gzip.decompress(response.raise_for_status().content).decode("utf-8-sig")
