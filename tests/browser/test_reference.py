"""The reference in a real browser: everything is shown, and requests can be tried."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Page, expect

from local.stack import Stack
from tests.support.browser import Watch
from tests.support.openapi import operations

pytestmark = pytest.mark.xdist_group("browser")

LOCKED: Final = "authorization button locked"
UNLOCKED: Final = "authorization button unlocked"
"""Swagger UI's names for the button beside an operation, with and without a token."""


@pytest.fixture
def deployment(stack: Stack) -> Iterator[str]:
    """The URL of the API as a deployment has it: with a stage's name first in the path."""

    class Stage(BaseHTTPRequestHandler):
        """Passes requests on, without the stage's name."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            url = f"{stack.url}{self.path.removeprefix('/v1')}"
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sent = {**self.headers, "Accept-Encoding": "identity"}
            response = httpx.request(self.command, url, headers=sent, content=content, timeout=300)
            self.send_response(response.status_code)
            for name, value in response.headers.items():
                if name not in {"date", "connection"}:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(response.content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Logs nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Stage)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()
    thread.join()


def try_operation(page: Page, operation: str) -> tuple[str, Any]:
    """Sends an operation's request as it is filled in; returns the URL and the parsed answer."""
    block = page.locator(f"#operations-{operation}")
    block.locator(".opblock-summary-control").click()
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .highlight-code code").first
    answer.wait_for()
    return block.locator(".request-url pre").inner_text(), json.loads(answer.inner_text())


def test_the_demo_can_be_tried_below_a_stage_s_name(
    deployment: str, page: Page, watch: Watch
) -> None:
    """Token and workspace are filled in; the demo is listed, added up and exported.

    Addresses are relative, and so is the server that the document names.
    """
    page.goto(f"{deployment}/docs")
    # This host is local, so the page knows the demo's token.
    expect(page.get_by_role("button", name=LOCKED).first).to_be_visible()
    url, listed = try_operation(page, "Usage-listUsage")
    assert url.startswith(f"{deployment}/workspaces/usage?")
    assert len(listed["items"]) == 20
    assert {item["email"] for item in listed["items"]} > {"ana@example.com", "bo@example.com"}
    _, summary = try_operation(page, "Usage-summarizeUsage")
    assert summary["totals"]["runs"] > 20
    _, export = try_operation(page, "Exports-startExport")
    assert (export["status"], export["format"]) == ("running", "csv")
    assert watch.complaints == []
    assert all(url.startswith(f"{deployment}/") for url in watch.urls)


def test_every_operation_is_shown_and_without_the_demo_no_token(
    stack: Stack, page: Page, watch: Watch
) -> None:
    """No violation of the Content-Security-Policy, no error, no request to another origin.

    Without the demo, a person has to enter a token, as in a deployment.
    """
    page.route("**/_local/stack", lambda route: route.fulfill(json={"demo": None}))
    with page.expect_response("**/_local/stack"):
        page.goto(f"{stack.url}/docs")
    paths = page.locator(".opblock-summary-path")
    expect(paths).to_have_count(len(list(operations())))
    assert {text.replace("\u200b", "") for text in paths.all_inner_texts()} == {
        path for _, path, _ in operations()
    }
    expect(page.get_by_role("button", name=UNLOCKED)).not_to_have_count(0)
    for summary in page.locator(".opblock-summary-control").all():
        summary.click()
    expect(page.locator(".responses-table").first).to_be_visible()
    page.locator(".models-control").click()
    expect(page.get_by_role("button", name=LOCKED)).to_have_count(0)
    assert watch.complaints == []
    assert watch.origins == {stack.url}
