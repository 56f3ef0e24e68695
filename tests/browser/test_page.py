"""The page for people: what it shows is what the API answers, and how a person gets to it."""

import csv
import gzip
import json
import re
from datetime import datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from local.data.demo import BO
from tests.support.usage_page import APP, ZONE, UsagePage, decimal

pytestmark = pytest.mark.xdist_group("browser")


def measured(measure: str, totals: Any) -> Decimal:
    """Returns a measure of totals in the summary."""
    return Decimal(totals["tokens"]["total"] if measure == "tokens" else totals[measure])


def last_month(day: int) -> str:
    """Returns a date of the month before this one."""
    first = datetime.now(ZoneInfo(ZONE)).date().replace(day=1)
    return f"{first - timedelta(days=1):%Y-%m}-{day:02}"


# --- The overview ---------------------------------------------------------------------------------


def test_the_demo_s_accounts_are_offered_and_the_first_sees_its_totals(
    usage: UsagePage, page: Page
) -> None:
    """Those that see anything. The totals are the summary's."""
    usage.open()
    expect(page.locator(".accounts button b")).to_have_text(["Ana", "Bo"])
    page.locator(".accounts button").first.click()
    usage.wait()
    totals = usage.ask("/summary", interval="none")["totals"]
    assert {label: decimal(text.rstrip("%")) for label, text in usage.totals().items()} == {
        "Credits": totals["credits"],
        "Runs": totals["runs"],
        "Tokens": totals["tokens"]["total"],
        "Succeeded": round(100 * totals["succeeded"] / totals["runs"]),
    }
    expect(page.get_by_role("heading", name="Usage")).to_be_focused()
    expect(page.locator("header")).to_contain_text("Workspace 11")


def test_totals_are_compared_with_the_days_before(usage: UsagePage, page: Page) -> None:
    """As many days, right before the first one."""
    days: dict[str, Any] = {"start_date": last_month(11), "end_date": last_month(20)}
    usage.sign_in(urlencode(days))
    now = usage.ask("/summary", **days)["totals"]["runs"]
    before = usage.ask("/summary", start_date=last_month(1), end_date=last_month(10))
    change = 100 * (Decimal(now) / before["totals"]["runs"] - 1)
    note = page.locator("dl.totals > div", has_text="Runs").locator(".small").inner_text()
    share, word = note.split()
    assert word == ("less" if change < 0 else "more")
    assert abs(decimal(share.rstrip("%")) - abs(change)) <= Decimal("0.5")


def test_bars_and_their_table_have_the_summary_s_numbers(usage: UsagePage) -> None:
    """For each group and measure that are chosen. A screen reader hears each day's numbers."""
    usage.sign_in()
    assert_bars(usage, "credits", "type", "type")
    assert usage.fragment == ""
    for measure, group, key in (("tokens", "user", "email"), ("runs", "agent", "name")):
        usage.choose("Measure", measure.capitalize())
        usage.choose("Group by", group.capitalize())
        assert set(usage.fragment.split("&")) == {f"measure={measure}", f"group={group}"}
        assert_bars(usage, measure, group, key)


def assert_bars(usage: UsagePage, measure: str, group: str, key: str) -> None:
    """Asserts that bars and table have the summary's numbers.

    Args:
        usage: the page, which shows them.
        measure: what is measured.
        group: what it is grouped by.
        key: the field of the summary's groups that names them.
    """
    summary = usage.ask("/summary", group_by=group, limit=10)
    head, *rows = usage.numbers()
    names = [
        str(found[key]).capitalize() if key == "type" else found[key] for found in summary["groups"]
    ]
    assert [name.replace("Voice-over", "Voiceover") for name in head] == [
        "Day",
        *names,
        measure.capitalize(),
    ]
    for row, bucket in zip(rows, summary["buckets"], strict=True):
        by_name = {found[key]: measured(measure, found) for found in bucket["groups"]}
        parts = [by_name.get(found[key], Decimal(0)) for found in summary["groups"]]
        assert [decimal(text) for text in row[1:]] == [*parts, measured(measure, bucket["totals"])]
    labels = usage.page.locator(".bar").evaluate_all("all => all.map(bar => bar.ariaLabel)")
    for label, (day, *_, total) in zip(labels, rows, strict=True):
        assert label.startswith(f"{day}: {total} {measure.capitalize()}")


def test_bars_are_as_high_as_their_numbers(usage: UsagePage, page: Page) -> None:
    """The highest day has the most runs; another one is lower by the same factor."""
    usage.sign_in("measure=runs")
    heights = page.evaluate(
        """[...document.querySelectorAll(".bar > span")].map(bar => [...bar.children].reduce(
            (sum, part) => sum + part.getBoundingClientRect().height, 0))"""
    )
    totals = [int(row[-1]) for row in usage.numbers()[1:]]
    unit = max(heights) / max(totals)
    assert all(
        abs(height - unit * total) < 5 for height, total in zip(heights, totals, strict=True)
    )


def test_the_top_ten_are_the_summary_s_groups_and_can_be_chosen(
    usage: UsagePage, page: Page
) -> None:
    """A user or a type that is chosen becomes a filter, of everything."""
    usage.sign_in()
    top = page.locator("section", has=page.get_by_role("heading", name="Model", exact=True))
    groups = usage.ask("/summary", group_by="model", interval="none")["groups"]
    assert [
        (line.locator("bdi").inner_text(), decimal(line.locator(".number").inner_text()))
        for line in top.locator("li").all()
    ] == [(found["used_model"] or "No model", found["credits"]) for found in groups]
    page.get_by_role("button", name="bo@example.com").click()
    usage.wait()
    assert usage.fragment == "user=2"
    assert decimal(usage.totals()["Runs"]) == usage.ask("/summary", user_id=2)["totals"]["runs"]
    expect(usage.choice("User")).to_have_value("2")


# --- The list -------------------------------------------------------------------------------------


def test_pages_by_cursor_show_every_row_once(usage: UsagePage, page: Page) -> None:
    """Forward to the last page, back by button and by the browser, and again after a reload."""
    usage.sign_in("view=runs&type=chat&range=30d")
    following = page.get_by_role("button", name="Next")
    pages = [usage.ids()]
    while following.get_attribute("aria-disabled") == "false":
        usage.click("Next")
        pages.append(usage.ids())
        expect(page.locator(".pager")).to_contain_text(f"Page {len(pages)}")
    assert len(pages) > 1
    rows = usage.walk(type="chat")
    assert [number for shown in pages for number in shown] == [str(row["id"]) for row in rows]
    usage.click("Previous")
    assert usage.ids() == pages[-2]
    page.go_back()
    usage.wait()
    assert usage.ids() == pages[-1]
    page.reload()
    usage.page.locator(".accounts button").first.click()
    usage.wait()
    assert usage.ids() == pages[-1]


def test_an_address_with_a_cursor_can_be_sent_to_others(usage: UsagePage) -> None:
    """There, the way back leads to the first page."""
    cursor = usage.ask("", per_page=25)["next_cursor"]
    usage.sign_in(f"view=runs&cursor={cursor}")
    assert usage.ids() == [str(row["id"]) for row in usage.walk()[25:50]]
    usage.click("Page 1")
    assert usage.ids() == [str(row["id"]) for row in usage.walk()[:25]]


def test_filters_live_in_the_address_and_the_browser_s_buttons_undo_them(
    usage: UsagePage, page: Page
) -> None:
    """What was chosen is what is listed, whichever way it got into the address."""
    usage.sign_in("view=runs")
    usage.select("Type", "Code")
    usage.select("User", "ana@example.com")
    usage.choose("Days", "7 days")
    assert usage.fragment == "view=runs&range=7d&user=1&type=code"
    wanted = usage.walk(range="7d", user_id=1, type="code")
    assert usage.ids() == [str(row["id"]) for row in wanted[:25]]
    page.go_back()
    page.go_back()
    usage.wait()
    assert usage.fragment == "view=runs&type=code"
    expect(usage.choice("User")).to_have_value("")
    page.go_forward()
    usage.wait()
    assert usage.ids() == [str(row["id"]) for row in usage.walk(user_id=1, type="code")[:25]]
    page.get_by_label("From").fill(last_month(5))
    usage.wait()
    assert f"start_date={last_month(5)}" in usage.fragment


def test_media_are_shown_in_place_and_others_are_links(usage: UsagePage, page: Page) -> None:
    """Those of the bucket; the policy allows no other origin. Chats lead into the application."""
    usage.sign_in(f"view=runs&start_date={last_month(1)}&end_date={last_month(28)}&type=image")
    picture = page.locator(".runs img").first
    picture.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.runs img').naturalWidth > 0")
    assert (picture.get_attribute("src") or "").startswith(f"{usage.media_origin}/")
    link = page.locator('.runs a[href^="https://images.example.com/"]').first
    expect(link).to_have_text(re.compile("Open image"))
    assert link.get_attribute("rel") == "noopener noreferrer"
    for kind, element in (("Video", "video"), ("Voice-over", "audio")):
        usage.select("Type", kind)
        page.locator(f".runs {element}").first.scroll_into_view_if_needed()
        page.wait_for_function(f"document.querySelector('.runs {element}').duration > 0")
    usage.select("Type", "Chat")
    chat = page.locator(".runs a").first
    assert (chat.get_attribute("href") or "").startswith(f"{APP}/dashboard/")
    expect(chat).to_have_attribute("target", "_blank")


@pytest.mark.parametrize("context_options", [{"timezone_id": "Asia/Tokyo"}])
def test_times_are_the_deployment_s(usage: UsagePage, page: Page) -> None:
    """Wherever the reader's computer is."""
    usage.sign_in("view=runs")
    first = usage.walk()[0]
    moment = datetime.fromisoformat(first["created_at"]).astimezone(ZoneInfo(ZONE))
    shown = page.locator(".runs time").first.inner_text().replace("\u202f", " ")
    assert shown == f"{moment:%b} {moment.day}, {moment:%Y, %I:%M %p}"
    expect(page.locator("main")).to_contain_text("Days of America/Sao Paulo.")


def test_a_member_sees_their_own_runs_and_nothing_that_would_be_403(
    usage: UsagePage, page: Page
) -> None:
    """No choice of users, and no request that is refused."""
    refused: list[str] = []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status > 399 else None)
    usage.sign_in(account=BO)
    assert decimal(usage.totals()["Runs"]) == len(usage.walk(BO))
    expect(usage.choice("User")).to_have_count(0)
    expect(page.get_by_role("heading", name="User", exact=True)).to_have_count(0)
    usage.click("Runs")
    assert set(page.locator(".runs td.user").all_inner_texts()) == {"bo@example.com"}
    assert refused == []


# --- Exports --------------------------------------------------------------------------------------


def export(usage: UsagePage, name: str, folder: Path) -> tuple[str, str]:
    """Exports what is shown; returns the file's name and its text."""
    page = usage.page
    page.get_by_role("button", name=f"Export as {name}").click()
    card = page.locator(".exports .card").last
    expect(card.get_by_role("status")).to_contain_text(re.compile("Running|Done"))
    with page.expect_download() as downloading:
        card.get_by_role("link", name="Download").click()
    file = folder / name
    downloading.value.save_as(file)
    return downloading.value.suggested_filename, gzip.decompress(file.read_bytes()).decode(
        "utf-8-sig"
    )


def test_an_export_has_every_row_of_the_filters(
    usage: UsagePage, page: Page, tmp_path: Path
) -> None:
    """In both formats, while the page stays usable."""
    usage.sign_in("view=runs&type=image")
    rows = usage.walk(type="image")
    name, text = export(usage, "CSV", tmp_path)
    assert re.fullmatch(r"usage-11-image-\d{4}-\d\d-\d\d-to-\d{4}-\d\d-\d\d\.csv\.gz", name)
    table = csv.DictReader(StringIO(text, newline=""))
    assert [row["id"] for row in table] == [str(row["id"]) for row in rows]
    expect(page.locator(".exports")).to_contain_text(f"Done: {len(rows)} rows.")
    _, text = export(usage, "NDJSON", tmp_path)
    assert [json.loads(line)["id"] for line in text.splitlines()] == [row["id"] for row in rows]
    expect(page.locator(".exports .card")).to_have_count(2)
    page.get_by_role("button", name="Dismiss").first.click()
    expect(page.locator(".exports .card")).to_have_count(1)


# --- Signing out, and other workspaces ------------------------------------------------------------


def test_signing_out_forgets_the_token(usage: UsagePage, page: Page) -> None:
    """Going back does not sign in again. The next one to sign in sees what they may see."""
    usage.sign_in()
    usage.click("Runs")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator("#token")).to_have_value("")
    page.go_back()
    expect(page.locator("#token")).to_be_visible()
    page.locator(".accounts button", has_text="Bo").click()
    usage.wait()
    assert decimal(usage.totals()["Runs"]) == len(usage.walk(BO))
