"""The page function: files for everyone, which browsers keep, and nothing else."""

import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from local.template.template import Template
from tests.support.functions import ROOT, Context, environment_of, warm_function

WEB = ROOT / "web"
PAGE_BYTES = 60_000
"""The most bytes that all files of the page may have, uncompressed."""

COMMON_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}
"""The headers that files and redirects have in common."""

REFERENCE_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}
"""Nothing inline, and nothing of another origin."""

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
    return warm_function("page", environment_of(template, "PageFunction"), monkeypatch)


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
    resource, parameters = path, None
    match path.split("/"):
        case ["", "docs", file]:
            resource, parameters = "/docs/{file}", {"file": file}
        case ["", "web", version, file]:
            resource, parameters = "/web/{version}/{file}", {"version": version, "file": file}
    event = {
        "resource": resource,
        "path": sent_path or path,
        "httpMethod": "GET",
        "headers": headers,
        "pathParameters": parameters,
        "requestContext": {"path": f"/v1{sent_path or path}"},
    }
    response: dict[str, Any] = page.lambda_handler(event, Context())
    return response


def policy_of(response: dict[str, Any]) -> dict[str, str]:
    """Returns the directives of a response's Content-Security-Policy."""
    policy = response["headers"]["Content-Security-Policy"]
    return dict(part.strip().split(" ", 1) for part in policy.split(";"))


def test_it_serves_these_files_and_no_others(page: ModuleType) -> None:
    """Each with its type. All are texts, so that the gateway needs no binary media types."""
    content_types = {path: file.content_type for path, file in page.FILES.items()}
    assert content_types.items() >= CONTENT_TYPES.items()
    others = content_types.keys() - CONTENT_TYPES.keys()
    names = {path.rpartition("/")[2] or "index.html" for path in others}
    assert names == {path.name for path in WEB.iterdir()}
    for path, content_type in content_types.items():
        response = ask(page, path)
        assert response["statusCode"] == 200
        headers = response["headers"]
        assert headers["Content-Type"] == content_type
        assert headers.items() >= COMMON_HEADERS.items()
        # No origin is allowed, unless a deployment names one.
        assert "Access-Control-Allow-Origin" not in headers
        assert response["isBase64Encoded"] is False
        # Lambda returns at most 6 MB.
        assert 100 < len(response["body"].encode()) < 5_000_000
    assert ask(page, "/openapi.json")["body"] == (ROOT / "openapi.json").read_text("utf-8")


def test_another_file_is_404_like_any_unknown_path(page: ModuleType) -> None:
    """With the gateway's message, which must not be kept."""
    for file in ("app.py", "..", "%2e%2e%2fapp.py", "{file}", "", "openapi.json"):
        response = ask(page, f"/docs/{file}")
        assert response["statusCode"] == 404, file
        assert response["headers"]["Cache-Control"] == "no-store"
        assert response["body"] == '{"message":"There is nothing at this address."}'


def test_browsers_keep_files_of_the_reference_for_minutes_and_load_no_others(
    page: ModuleType,
) -> None:
    """Nothing inline, in no frame, no other type than the one that is named."""
    for path in CONTENT_TYPES:
        response = ask(page, path)
        assert response["headers"]["Cache-Control"] == "public, max-age=300", path
        assert policy_of(response) == REFERENCE_POLICY, path


def test_a_file_that_the_client_has_is_304(page: ModuleType) -> None:
    """With the file's headers and without its content; the name of the header is in any case."""
    first = ask(page, "/docs")
    etag = first["headers"]["ETag"]
    for form, status in (
        ("{etag}", 304),
        ("W/{etag}", 304),
        ('"other", {etag}', 304),
        ("*", 304),
        (" * ", 304),
        ('"other"', 200),
        ("other", 200),
        ("", 200),
    ):
        second = ask(page, "/docs", {"IF-NONE-MATCH": form.format(etag=etag)})
        assert second["statusCode"] == status, form
        assert second["headers"] == first["headers"]
        assert second["body"] == (first["body"] if status == 200 else "")


def test_an_etag_is_strong_and_the_content_alone_decides_it(page: ModuleType) -> None:
    etags = {path: ask(page, path)["headers"]["ETag"] for path in CONTENT_TYPES}
    assert len(set(etags.values())) == len(etags)
    assert all(etag[0] == etag[-1] == '"' for etag in etags.values())


def test_a_slash_at_the_end_leads_to_the_page(page: ModuleType) -> None:
    """API Gateway takes both addresses for the same, but a browser resolves URLs differently."""
    response = ask(page, "/docs", sent_path="/docs/")
    assert response["statusCode"] == 308
    assert policy_of(response) == REFERENCE_POLICY
    assert (
        response["headers"].items()
        >= {
            **COMMON_HEADERS,
            "Cache-Control": "public, max-age=300",
            "Location": "../docs",
        }.items()
    )


def test_the_page_names_no_address_of_another_origin() -> None:
    """Nor an absolute path, because a stage's name may come first."""
    text = (ROOT / "functions" / "page" / "files" / "reference.html").read_text("utf-8")
    for address in text.split('="')[1:]:
        assert not address.startswith(("/", "http")), address


def files_of(page: ModuleType) -> set[str]:
    """Returns the addresses in the page, which are relative to the root."""
    return set(re.findall(r'(?:src|href)="(web/[^"]+)"', page.FILES["/"].content))


def test_the_page_is_small() -> None:
    """It has no build step that could make it so."""
    assert sum(path.stat().st_size for path in WEB.iterdir()) <= PAGE_BYTES
    assert all(len(path.read_text("utf-8").splitlines()) <= 300 for path in WEB.iterdir())


def test_the_page_names_its_files_and_nothing_else(page: ModuleType) -> None:
    """All addresses are relative, because a stage's name may come first."""
    text = page.FILES["/"].content
    for address in re.findall(r'(?:src|href)="([^"]*)"', text):
        assert f"/{address}" in page.FILES, address
    assert len(files_of(page)) == 3
    assert "{" not in text


def test_modules_import_each_other_beside_themselves() -> None:
    """Each module exists, and none comes from another folder or origin."""
    names = {path.name for path in WEB.iterdir()}
    for path in WEB.glob("*.js"):
        for module in re.findall(r'^import .* from ["]([^"`]+)', path.read_text("utf-8")):
            assert module.removeprefix("./") in names, f"{path.name} imports {module}"


def test_the_page_is_asked_for_each_time_and_its_files_never_again(page: ModuleType) -> None:
    """So a browser never mixes the modules of two versions."""
    assert ask(page, "/")["headers"]["Cache-Control"] == "no-cache"
    for address in files_of(page):
        response = ask(page, f"/{address}")
        assert response["statusCode"] == 200
        assert response["headers"]["Cache-Control"] == "public, max-age=31536000, immutable"
        assert ask(page, re.sub("web/[^/]+", "/web/other", address))["statusCode"] == 404


def test_a_file_of_the_page_that_changes_gets_another_address(
    page: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The others do, too."""
    before = files_of(page)
    for path in WEB.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "json.js").write_text("// changed")
    monkeypatch.setattr(page, "_WEB", tmp_path)
    changed = dict(page._read_page())
    assert {f"/{address}" for address in before}.isdisjoint(changed)
    assert changed["/"].etag != page.FILES["/"].etag


def test_the_page_loads_media_of_the_bucket_and_of_named_origins(
    template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else of another origin, nothing inline, and no markup made of texts."""
    variables = {
        "MEDIA_BUCKET": "media",
        "AWS_ENDPOINT_URL_S3": "",
        "MEDIA_ORIGINS": "https://cdn.example.com,https://b.example.com:8443",
    }
    environment = {**environment_of(template, "PageFunction"), **variables}
    page = warm_function("page", environment, monkeypatch)
    origins = "https://media.s3.us-east-1.amazonaws.com https://cdn.example.com https://b.example.com:8443"
    for path in page.FILES.keys() - CONTENT_TYPES.keys():
        assert policy_of(ask(page, path)) == {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": f"'self' {origins}",
            "media-src": origins,
            "require-trusted-types-for": "'script'",
            "connect-src": "'self'",
            "base-uri": "'none'",
            "form-action": "'none'",
            "frame-ancestors": "'none'",
        }
    assert f'name="media-origins" content="{origins}"' in page.FILES["/"].content


def test_a_deployment_can_turn_the_page_off(
    page: ModuleType, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The root and its files are then unknown paths; the reference is not."""
    environment = {**environment_of(template, "PageFunction"), "PAGE_ENABLED": "false"}
    disabled = warm_function("page", environment, monkeypatch)
    for path in page.FILES:
        expected = 200 if path in CONTENT_TYPES else 404
        assert ask(disabled, path)["statusCode"] == expected, path
    without_slash = {"resource": "/", "path": "/", "requestContext": {"path": "/v1"}}
    assert disabled.lambda_handler(without_slash, Context())["statusCode"] == 404


def test_the_stage_s_name_without_a_slash_leads_to_the_page(page: ModuleType) -> None:
    """Otherwise the browser would look for its files beside the stage."""
    for context, location in (
        ({"path": "/v1"}, "v1/"),
        ({"path": "/usage/v1"}, "v1/"),
        ({"path": "/v1/"}, None),
        ({"path": "/"}, None),
        ({}, None),
        (None, None),
    ):
        event = {"resource": "/", "path": "/", "httpMethod": "GET", "requestContext": context}
        response = page.lambda_handler(event, Context())
        assert response["statusCode"] == (200 if location is None else 308), context
        assert response["headers"].get("Location") == location
