"""URLs: whether HTTP clients take them, and how they are opened."""

import re
from http.client import HTTPResponse
from ipaddress import ip_address
from typing import cast
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener


def is_http_url(text: str) -> bool:
    """Returns whether ``text`` is an absolute URL of HTTP or HTTPS, with a host."""
    try:
        url = urlsplit(text)
        is_complete = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    return is_complete and re.fullmatch("[!-~]+", text) is not None


def open_url(request: Request, timeout_seconds: float) -> HTTPResponse:
    """Returns the response to a request.

    An address of this machine is opened without the environment's proxy, which would look for it on
    another machine.

    Args:
        request: its URL must be one of HTTP or HTTPS.
        timeout_seconds: how long each step may take, such as connecting.

    Raises:
        OSError, http.client.HTTPException: nothing answers, or with an error
            (``urllib.error.HTTPError``).
    """
    direct = [ProxyHandler({})] if _is_on_this_machine(request.full_url) else []
    return cast("HTTPResponse", build_opener(*direct).open(request, timeout=timeout_seconds))


def _is_on_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
