"""The page function: files for everyone, which browsers keep, and nothing else."""

from types import ModuleType
from typing import Any

import pytest

from local.template.template import Template
from tests.support.functions import ROOT, Context, environment_of, load_function
from workspace_api.responses import cors_headers

ORIGIN = "https://app.example.com"
CONTENT_TYPES = {
    "/openapi.json": "application/json",
    "/docs": "text/html; charset=utf-8",
    "/docs/reference.css": "text/css; charset=utf-8",
    "/docs/reference.js": "text/javascript; charset=utf-8",
    "/docs/swagger-ui.css": "text/css; charset=utf-8",
    "/docs/swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "/docs/swagger-ui-bundle.js.LICENSE.txt": "text/plain; charset=utf-8",
}


@pytest.fixture
def page(template: Template, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The page function's module."""
    return load_function("page", environment_of(template, "PageFunction"), monkeypatch)


def ask(
    page: ModuleType, path: str, headers: dict[str, str] | None = None, *, sent_path: str = ""
) -> dict[str, Any]:
    """Returns the proxy response to a request.

    Args:
        page: the function's module.
        path: the path.
        headers: the request's headers.
        sent_path: the path as the client sent it, if that is another one.
    """
    folder, _, file = path.rpartition("/")
    is_file = folder == "/docs"
    event = {
        "resource": "/docs/{file}" if is_file else path,
        "path": sent_path or path,
        "httpMethod": "GET",
        "headers": headers,
        "pathParameters": {"file": file} if is_file else None,
    }
    response: dict[str, Any] = page.lambda_handler(event, Context())
    return response


def test_it_serves_these_files_and_no_others(page: ModuleType) -> None:
    """Each with its type. All are texts, so that the gateway needs no binary media types."""
    assert {path: file.content_type for path, file in page.FILES.items()} == CONTENT_TYPES
    for path, content_type in CONTENT_TYPES.items():
        response = ask(page, path)
        assert response["statusCode"] == 200
        assert response["headers"]["Content-Type"] == content_type
        assert response["isBase64Encoded"] is False
        # Lambda returns at most 6 MB.
        assert 100 < len(response["body"].encode()) < 5_000_000
    assert ask(page, "/openapi.json")["body"] == (ROOT / "openapi.json").read_text("utf-8")


@pytest.mark.parametrize("file", ["app.py", "..", "%2e%2e%2fapp.py", "{file}", "", "openapi.json"])
def test_another_file_is_404_like_any_unknown_path(page: ModuleType, file: str) -> None:
    """With the gateway's message, which must not be kept."""
    response = ask(page, f"/docs/{file}")
    assert response["statusCode"] == 404
    assert response["headers"]["Cache-Control"] == "no-store"
    assert response["body"] == '{"message":"There is nothing at this address."}'


def test_the_message_is_in_the_deployment_s_language(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = {**environment_of(template, "PageFunction"), "DEFAULT_LOCALE": "es"}
    page = load_function("page", environment, monkeypatch)
    assert ask(page, "/docs/x")["body"] == '{"message":"No hay nada en esta dirección."}'


@pytest.mark.parametrize("path", CONTENT_TYPES)
def test_browsers_may_keep_a_file_and_load_nothing_of_another_origin(
    page: ModuleType, path: str
) -> None:
    """Nothing inline, in no frame, no other type than the one that is named."""
    headers = ask(page, path)["headers"]
    assert headers["Cache-Control"] == "public, max-age=300"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    policy = dict(
        part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";")
    )
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{etag}", 304),
        ("W/{etag}", 304),
        ('"other", {etag}', 304),
        ("*", 304),
        ('"other"', 200),
        ("other", 200),
        ("", 200),
    ],
)
def test_a_file_that_the_client_has_is_304(page: ModuleType, form: str, status: int) -> None:
    """With the file's headers and without its content; the name of the header is in any case."""
    first = ask(page, "/docs")
    etag = first["headers"]["ETag"]
    second = ask(page, "/docs", {"IF-NONE-MATCH": form.format(etag=etag)})
    assert second["statusCode"] == status
    assert second["headers"] == first["headers"]
    assert second["body"] == (first["body"] if status == 200 else "")


def test_an_etag_is_strong_and_the_content_alone_decides_it(page: ModuleType) -> None:
    etags = {path: ask(page, path)["headers"]["ETag"] for path in CONTENT_TYPES}
    assert len(set(etags.values())) == len(etags)
    assert all(etag[0] == etag[-1] == '"' for etag in etags.values())


def test_a_slash_at_the_end_leads_to_the_page(page: ModuleType) -> None:
    """API Gateway takes both addresses for the same, but a browser resolves URLs differently."""
    response = ask(page, "/docs", sent_path="/docs/")
    assert (response["statusCode"], response["headers"]["Location"]) == (308, "../docs")


def test_pages_of_the_allowed_origin_may_read_files_and_errors(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only if the deployment allows one."""
    environment = environment_of(template, "PageFunction")
    closed = load_function("page", environment, monkeypatch)
    opened = load_function("page", {**environment, "ALLOWED_ORIGIN": ORIGIN}, monkeypatch)
    for path in ("/openapi.json", "/docs/unknown"):
        headers = ask(closed, path)["headers"]
        assert ask(opened, path)["headers"] == {**headers, **cors_headers(ORIGIN)}


def test_the_page_names_no_address_of_another_origin() -> None:
    """Nor an absolute path, because a stage's name may come first."""
    text = (ROOT / "functions" / "page" / "files" / "reference.html").read_text("utf-8")
    for address in text.split('="')[1:]:
        assert not address.startswith(("/", "http")), address
