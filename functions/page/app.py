"""The page function: serves files to anyone, without a token: the OpenAPI document, the reference.

The files are part of the function's package, and read once. They hold no data of any workspace.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workspace_api.gateway import headers_of
from workspace_api.page_settings import PageSettings
from workspace_api.responses import cors_headers, proxy_response
from workspace_usage.messages import translate

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

HEADERS: Final = {
    # A browser asks again after five minutes, so a new deployment is seen soon, and all files of a
    # page are of about the same age. Most of these requests are a 304.
    "Cache-Control": "public, max-age=300",
    # Nothing inline, and nothing of another origin. Swagger UI's icons are data: URLs.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    # API Gateway compresses files, and doesn't say so to caches.
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of every file, and of what is said about one."""

settings = PageSettings.from_environment()

_HERE: Final = Path(__file__).parent
_FILES: Final = _HERE / "files"
_SWAGGER_UI: Final = "static/drf_spectacular_sidecar/swagger-ui-dist"

_HTML: Final = "text/html; charset=utf-8"
_CSS: Final = "text/css; charset=utf-8"
_JAVASCRIPT: Final = "text/javascript; charset=utf-8"
_TEXT: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class File:
    """A file that is served.

    Attributes:
        content: the text.
        content_type: its media type.
        etag: the entity tag, which only the content decides.
    """

    content: str
    content_type: str
    etag: str


def _package(name: str) -> Path:
    """Returns the folder of a Python package, which is not imported: this one needs Django."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(name)
    return Path(next(iter(spec.submodule_search_locations)))


def _read_files() -> Iterator[tuple[str, File]]:
    """Yields each file that is served, with its path in the API. All are texts, none is binary."""
    swagger_ui = _package("drf_spectacular_sidecar") / _SWAGGER_UI
    for path, source, content_type in (
        ("/openapi.json", _HERE / "openapi.json", "application/json"),
        ("/docs", _FILES / "reference.html", _HTML),
        ("/docs/reference.css", _FILES / "reference.css", _CSS),
        ("/docs/reference.js", _FILES / "reference.js", _JAVASCRIPT),
        ("/docs/swagger-ui.css", swagger_ui / "swagger-ui.css", _CSS),
        ("/docs/swagger-ui-bundle.js", swagger_ui / "swagger-ui-bundle.js", _JAVASCRIPT),
        # The first line of the bundle names this file.
        ("/docs/swagger-ui-bundle.js.LICENSE.txt", swagger_ui / "LICENSE", _TEXT),
    ):
        content = source.read_bytes()
        etag = f'"{sha256(content).hexdigest()[:32]}"'
        yield path, File(content.decode(), content_type, etag)


FILES: Final[Mapping[str, File]] = dict(_read_files())


def lambda_handler(event: Mapping[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Returns the proxy response to a request: a file, 304 if the client has it, or 404."""
    del context
    path = event["resource"].format(**event.get("pathParameters") or {})
    if path == "/docs" and event["path"].endswith("/"):
        # API Gateway ignores a slash at the end. The browser doesn't: it would look for the page's
        # files in another folder.
        return _response(308, {"Location": "../docs"})
    file = FILES.get(path)
    if file is None:
        message = translate(settings.default_locale, "not_found")
        return proxy_response(404, {"message": message}, settings.allowed_origin)
    headers = {"Content-Type": file.content_type, "ETag": file.etag}
    if _is_current(file.etag, headers_of(event).get("if-none-match", "")):
        return _response(304, headers)
    return _response(200, headers, file.content)


def _is_current(etag: str, if_none_match: str) -> bool:
    """Returns whether the client has the file already: its ``If-None-Match`` names the file's tag.

    The comparison is the weak one (RFC 9110, 13.1.2): proxies that compress make a tag weak.
    """
    return if_none_match.strip() == "*" or etag in re.findall(r'"[^"]*"', if_none_match)


def _response(status: int, headers: Mapping[str, str], body: str = "") -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {**HEADERS, **headers, **cors_headers(settings.allowed_origin)},
        "body": body,
        "isBase64Encoded": False,
    }
