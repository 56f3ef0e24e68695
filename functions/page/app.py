"""The page function: serves files to anyone, without a token: page, OpenAPI document, reference.

The files are part of the function's package, and read once. They hold no data of any workspace.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from workspace_api.gateway import headers_of
from workspace_api.page_settings import PageSettings
from workspace_api.responses import cors_headers, proxy_response
from workspace_usage.messages import translate

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

HEADERS: Final = {
    "Referrer-Policy": "no-referrer",
    # API Gateway compresses files, and doesn't say so to caches.
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of every file, and of what is said about one."""

settings = PageSettings.from_environment()

# A browser asks again after five minutes, so a new deployment is seen soon, and all files of the
# reference are of about the same age. Most of these requests are a 304.
_FIVE_MINUTES: Final = "public, max-age=300"
# The page names its files with their version. So it is asked for each time, and they never again.
_EACH_TIME: Final = "no-cache"
_FOR_EVER: Final = "public, max-age=31536000, immutable"

# Nothing inline, and nothing of another origin.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; {media}; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Swagger UI's icons are data: URLs.
_REFERENCE_POLICY: Final = _POLICY.format(media="img-src 'self' data:")

_HERE: Final = Path(__file__).parent
_FILES: Final = _HERE / "files"
_WEB: Final = _HERE / "web"
_SWAGGER_UI: Final = "static/drf_spectacular_sidecar/swagger-ui-dist"

_HTML: Final = "text/html; charset=utf-8"
_CSS: Final = "text/css; charset=utf-8"
_JAVASCRIPT: Final = "text/javascript; charset=utf-8"
_TEXT: Final = "text/plain; charset=utf-8"
_WEB_TYPES: Final = {".css": _CSS, ".js": _JAVASCRIPT, ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class File:
    """A file that is served.

    Attributes:
        content: the text.
        content_type: its media type.
        etag: the entity tag, which only the content decides.
        cache_control: for how long clients may keep it.
        policy: its Content-Security-Policy.
    """

    content: str
    content_type: str
    etag: str
    cache_control: str
    policy: str

    @classmethod
    def of(
        cls, content: str, content_type: str, cache_control: str, policy: str = _REFERENCE_POLICY
    ) -> Self:
        """Returns a file with its entity tag."""
        etag = f'"{_digest(content)}"'
        return cls(content, content_type, etag, cache_control, policy)

    @property
    def headers(self) -> dict[str, str]:
        """The headers that differ between files."""
        return {
            "Cache-Control": self.cache_control,
            "Content-Security-Policy": self.policy,
            "Content-Type": self.content_type,
            "ETag": self.etag,
        }


def _digest(content: str) -> str:
    return sha256(content.encode()).hexdigest()[:32]


def _package(name: str) -> Path:
    """Returns the folder of a Python package, which is not imported: this one needs Django."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(name)
    return Path(next(iter(spec.submodule_search_locations)))


def _read_reference() -> Iterator[tuple[str, File]]:
    """Yields each file of the reference, and the document, with its path in the API."""
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
        yield path, File.of(source.read_text("utf-8"), content_type, _FIVE_MINUTES)


def _read_page() -> Iterator[tuple[str, File]]:
    """Yields each file of the page with its path in the API.

    The version is part of the paths of all files but the page itself. Modules that belong together
    are therefore loaded together, even while a new version is being deployed.
    """
    sources = {path.name: path.read_text("utf-8") for path in sorted(_WEB.iterdir())}
    page = sources.pop("index.html")
    version = _digest("".join(sources.values()))[:16]
    media = " ".join(settings.media_origins)
    policy = _POLICY.format(
        # Browsers that know Trusted Types then refuse to make markup of any text.
        media=f"img-src 'self' {media}; media-src {media}; require-trusted-types-for 'script'"
    )
    for name, text in {
        "web": f"web/{version}",
        "default_locale": settings.default_locale,
        "app_url": settings.app_url,
        "media_origins": media,
    }.items():
        page = page.replace(f"{{{name}}}", escape(text))
    yield "/", File.of(page, _HTML, _EACH_TIME, policy)
    for name, content in sources.items():
        path = f"/web/{version}/{name}"
        yield path, File.of(content, _WEB_TYPES[Path(name).suffix], _FOR_EVER, policy)


def _read_files() -> Iterator[tuple[str, File]]:
    """Yields each file that is served, with its path in the API. All are texts, none is binary."""
    yield from _read_reference()
    if settings.is_page_enabled:
        yield from _read_page()


FILES: Final[Mapping[str, File]] = dict(_read_files())


def lambda_handler(event: Mapping[str, Any], context: "LambdaContext") -> dict[str, Any]:
    """Returns the proxy response to a request: a file, 304 if the client has it, or 404."""
    del context
    path = event["resource"].format(**event.get("pathParameters") or {})
    if path == "/docs" and event["path"].endswith("/"):
        # API Gateway ignores a slash at the end. The browser doesn't: it would look for the page's
        # files in another folder.
        return _redirect("../docs")
    file = FILES.get(path)
    if path == "/" and file and not _sent_path(event).endswith("/"):
        # The stage's name without a slash: the browser would look for the files beside the stage.
        return _redirect(f"{_sent_path(event).rpartition('/')[2]}/")
    if file is None:
        message = translate(settings.default_locale, "not_found")
        return proxy_response(404, {"message": message}, settings.allowed_origin)
    headers = file.headers
    if _is_current(file.etag, headers_of(event).get("if-none-match", "")):
        return _response(304, headers)
    return _response(200, headers, file.content)


def _sent_path(event: Mapping[str, Any]) -> str:
    """Returns the path of a request as the client sent it, with the stage's name or a base path."""
    path: str = (event.get("requestContext") or {}).get("path") or "/"
    return path


def _redirect(location: str) -> dict[str, Any]:
    """Returns a redirect to another address, which is relative to the one that was asked for."""
    headers = {
        "Cache-Control": _FIVE_MINUTES,
        "Content-Security-Policy": _REFERENCE_POLICY,
        "Location": location,
    }
    return _response(308, headers)


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
