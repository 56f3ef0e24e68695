"""The page for people, when something is missing, slow or refused: it says so, and what to do."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from playwright.sync_api import Page, Route, expect

from local.data.demo import ANA, BO, CY, EVE
from tests.support.browser import Watch
from tests.support.usage_page import UsagePage

pytestmark = pytest.mark.xdist_group("browser")

SUMMARY: Final = "**/workspaces/usage/summary?*"
LISTING: Final = "**/workspaces/usage?*"
EXPORTS: Final = "**/workspaces/usage/exports"
REQUEST_ID: Final = "7d0bf6ae-4c51-4d4f-9a0e-0f5f3a1c2b10"


@dataclass(frozen=True)
class Reply:
    """What is answered instead of the API; the status 0 ends the connection."""

    status: int
    message: str = "In the API's words."
    retry_after: int = 0

    def answer(self, page: Page, urls: str) -> None:
        """Answers the requests of a page like this, from now on."""

        def handle(route: Route) -> None:
            if self.status:
                route.fulfill(status=self.status, headers=self.headers, body=self.body)
            else:
                route.abort()

        page.route(urls, handle)

    @property
    def headers(self) -> dict[str, str]:
        """The headers."""
        waiting = {"Retry-After": str(self.retry_after)} if self.retry_after else {}
        return {"Content-Type": "application/json", "x-amzn-RequestId": REQUEST_ID, **waiting}

    @property
    def body(self) -> str:
        """The body, with the message."""
        return json.dumps({"message": self.message})


class Hold:
    """Keeps the requests of a page, which are answered later."""

    def __init__(self, page: Page, urls: str) -> None:
        self._routes: list[Route] = []

        def keep(route: Route) -> None:
            self._routes.append(route)

        page.route(urls, keep)

    def release(self) -> None:
        """Sends them to the API."""
        for route in self._routes:
            route.continue_()


def test_days_without_runs_are_said_to_be_empty(usage: UsagePage, page: Page) -> None:
    """In both views. Nothing is left of the days that were shown before."""
    usage.sign_in("start_date=2020-01-01&end_date=2020-01-02")
    expect(page.locator("main .empty").first).to_contain_text("Nothing ran in these days.")
    assert usage.totals() == {"Credits": "0", "Runs": "0", "Tokens": "0", "Succeeded": "—"}
    expect(page.locator(".bar")).to_have_count(0)
    usage.click("Runs")
    expect(page.locator("main .empty")).to_contain_text("Nothing ran in these days.")
    usage.click("Overview")
    usage.choose("Days", "30 days")
    expect(page.locator(".bar")).to_have_count(30)


def test_what_loads_is_shown_as_loading(usage: UsagePage, page: Page) -> None:
    """The list has placeholders until its rows come, and is said to be busy."""
    usage.sign_in()
    held = Hold(page, LISTING)
    page.get_by_role("button", name="Runs", exact=True).click()
    expect(page.locator(".skeleton").first).to_be_visible()
    expect(page.locator("section [aria-busy=true]")).to_have_count(1)
    held.release()
    usage.wait()
    expect(usage.rows).to_have_count(25)


def test_a_slow_answer_that_was_overtaken_is_dropped(usage: UsagePage, page: Page) -> None:
    """The answer to an earlier choice does not replace the answer to the last one."""
    usage.sign_in("view=runs")
    held = Hold(page, "**/workspaces/usage?*type=image*")
    usage.choice("Type").select_option(label="Image")
    page.wait_for_function("document.querySelector('[aria-busy=true]')")
    usage.select("Type", "Code")
    held.release()
    page.wait_for_load_state("networkidle")
    rows = usage.walk(type="code")[:25]
    assert usage.ids() == [str(row["id"]) for row in rows]


def test_what_may_pass_can_be_tried_again(usage: UsagePage, page: Page, watch: Watch) -> None:
    """Not before the API wants it. Then everything is there."""
    usage.sign_in()
    for reply, words, kind in (
        (Reply(429, retry_after=2), "Too many requests", "Chat"),
        (Reply(503, retry_after=1), "not available", "Code"),
        (Reply(502, "<html>"), "not available", "Text"),
        (Reply(0), "can't be reached", "Image"),
    ):
        watch.statuses.add(reply.status)
        reply.answer(page, SUMMARY)
        usage.choice("Type").select_option(label=kind)
        expect(usage.problem).to_contain_text(words)
        retry = usage.problem.get_by_role("button", name="Try again")
        if reply.retry_after:
            expect(retry).to_be_disabled()
            expect(retry).to_have_text(re.compile(r"\(\d s\)"))
        if reply.status:
            expect(usage.problem).to_contain_text(REQUEST_ID)
        page.unroute(SUMMARY)
        retry.click()
        usage.wait()
        expect(usage.problem).to_have_count(0)
        expect(page.locator(".bar")).to_have_count(30)


def test_a_list_that_fails_leaves_the_rest_usable(
    usage: UsagePage, page: Page, watch: Watch
) -> None:
    """The totals stay, and only the list is asked for again."""
    watch.statuses.add(503)
    Reply(503).answer(page, LISTING)
    usage.sign_in("view=runs")
    expect(page.locator("section .problem")).to_contain_text("not available")
    expect(page.locator("dl.totals")).to_be_visible()
    page.unroute(LISTING)
    usage.click("Try again")
    expect(usage.rows).to_have_count(25)


def test_a_token_that_dies_leads_to_the_form(usage: UsagePage, page: Page, watch: Watch) -> None:
    """With the workspace filled in, and the address kept."""
    usage.sign_in("view=runs&type=chat")
    watch.statuses.add(401)
    Reply(401).answer(page, LISTING)
    page.get_by_role("button", name="Next").click()
    expect(page.get_by_role("alert")).to_contain_text("The token is not valid")
    expect(page.locator("#token")).to_be_focused()
    expect(page.locator("#workspace")).to_have_value("11")
    page.unroute(LISTING)
    page.locator("#token").fill(f"Bearer {ANA.token}")
    page.keyboard.press("Enter")
    usage.wait()
    assert "type=chat" in usage.fragment


def test_the_form_says_why_it_is_refused(usage: UsagePage, page: Page, watch: Watch) -> None:
    """In words, and the next try begins in the field that was wrong."""
    watch.statuses |= {401, 403, 422}
    usage.open()
    for token, workspace, words, wrong in (
        (EVE.token, "11", "The token is not valid", "#token"),
        (CY.token, "11", "You may not see this", "#token"),
        (ANA.token, "9999999999999999999", "The service did not accept this", "#workspace"),
        (ANA.token, "12", "You may not see this", "#token"),
        (ANA.token, "abc", "A number, such as 11.", "#workspace"),
        ("na\u00efve", "11", "The token is not valid", "#token"),
    ):
        usage.fill(token, workspace)
        expect(page.get_by_role("alert").first).to_contain_text(words)
        expect(page.locator(wrong)).to_be_focused()
    expect(page.locator(".signin")).to_be_visible()


def test_filters_that_are_refused_can_be_cleared(
    usage: UsagePage, page: Page, watch: Watch
) -> None:
    """The API's own words say which. Some are there when a person signs in, others later."""
    watch.statuses |= {403, 422}
    usage.open("user=1")
    page.locator(".accounts button", has_text=BO.name).click()
    for fragment, words in (
        ("user=1", "You may not see this"),
        ("type=nonsense", "Type The type field must be one of"),
        ("start_date=2026-02-30&end_date=2026-03-01", "From The start_date field"),
        ("view=runs&cursor=nonsense", "did not accept this"),
    ):
        page.evaluate("fragment => { location.hash = fragment; }", fragment)
        expect(usage.problem).to_contain_text(words)
        usage.click("Clear the filters")
        expect(usage.problem).to_have_count(0)
        assert usage.fragment in {"", "view=runs"}
        expect(page.locator(".bar, .runs")).not_to_have_count(0)


def test_an_export_that_does_not_start_can_be_tried_again(
    usage: UsagePage, page: Page, watch: Watch
) -> None:
    """The page stays as it is meanwhile."""
    usage.sign_in("range=1d")
    page.get_by_role("button", name="Runs", exact=True).click()
    card = page.locator(".exports .card")
    again = card.get_by_role("button", name="Try again")
    for reply, words, press in (
        (Reply(429, retry_after=1), "In the API's words.", page.get_by_role("button", name="CSV")),
        (Reply(0), "can't be reached", again),
    ):
        watch.statuses.add(reply.status)
        reply.answer(page, EXPORTS)
        press.click()
        expect(card).to_contain_text(words)
        page.unroute(EXPORTS)
    again.click()
    expect(card.get_by_role("link", name="Download")).to_be_visible(timeout=20_000)


def answer_states(*states: dict[str, Any]) -> Callable[[Route], None]:
    """Returns a handler that answers with an export's states, one after the other."""
    left = list(states)
    return lambda route: route.fulfill(json=left.pop(0) if len(left) > 1 else left[0])


def test_an_export_that_fails_says_so(usage: UsagePage, page: Page) -> None:
    """After a while in which it runs. Its card can be dismissed."""
    usage.sign_in("range=1d")
    states = ({"status": "running"}, {"status": "failed", "message": "It can't be written."})
    page.route(f"{EXPORTS}/*", answer_states(*states))
    page.get_by_role("button", name="Export as NDJSON").click()
    card = page.locator(".exports .card")
    expect(card.get_by_role("progressbar")).to_be_visible()
    expect(card.get_by_role("status")).to_have_text("It can't be written.")
    expect(card.get_by_role("button", name="Try again")).to_be_visible()
    card.get_by_role("button", name="Dismiss").click()
    expect(card).to_have_count(0)
