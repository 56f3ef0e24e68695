"""Whether a text is a URL that HTTP clients take."""

import re
from urllib.parse import urlsplit


def is_http_url(text: str) -> bool:
    """Returns whether ``text`` is an absolute URL of HTTP or HTTPS, with a host."""
    try:
        url = urlsplit(text)
        is_complete = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        return False
    return is_complete and re.fullmatch("[!-~]+", text) is not None
