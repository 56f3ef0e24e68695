"""The page for people, for every reader: languages, colours, narrow screens, keyboard, axe-core."""

import re
from typing import Final

import pytest
from playwright.sync_api import Dialog, Page, Request, ViewportSize, expect

from local.data.demo import ANA
from tests.support.browser import Watch
from tests.support.hostile_data import (
    HOSTILE_TOKEN,
    HOSTILE_WORKSPACE_ID,
    LARGE_CREDITS,
    LARGE_ID,
    LARGE_USER_ID,
    OVERRIDE,
    RUNS,
    SMALL_CREDITS,
)
from tests.support.usage_page import APP, UsagePage

pytestmark = pytest.mark.xdist_group("browser")

WIDE: Final[ViewportSize] = {"width": 1280, "height": 720}
NARROW: Final[ViewportSize] = {"width": 360, "height": 740}


# --- Languages ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("context_options", "language", "title", "credits_pattern"),
    [
        ({"locale": "pt-BR"}, "pt-BR", "Uso", r"[\d.]+,\d+"),
        ({"locale": "es-MX"}, "es", "Uso", r"[\d,]+\.\d+"),
        ({"locale": "de-DE"}, "en", "Usage", r"[\d,]+\.\d+"),
    ],
    ids=["pt", "es-MX", "de"],
)
def test_the_browser_s_language_is_spoken(
    usage: UsagePage, page: Page, language: str, title: str, credits_pattern: str
) -> None:
    """By the page and by the API. Numbers have the reader's format; others get the default."""
    sent: set[str] = set()

    def note(request: Request) -> None:
        if "/workspaces/" in request.url:
            sent.add(request.headers["accept-language"])

    page.on("request", note)
    usage.sign_in()
    assert page.evaluate("[document.documentElement.lang, document.title]") == [language, title]
    assert sent == {language}
    credits_text = page.locator("dl.totals b").first.inner_text()
    assert re.fullmatch(credits_pattern, credits_text)


def test_another_language_can_be_chosen(usage: UsagePage, page: Page, watch: Watch) -> None:
    """It is part of the address, and the API answers in it."""
    usage.sign_in("view=runs")
    usage.select("Language", "Español")
    assert usage.fragment == "view=runs&lang=es"
    expect(page.get_by_role("button", name="Ejecuciones", exact=True)).to_be_visible()
    expect(usage.choice("Idioma")).to_be_focused()
    page.go_back()
    usage.wait()
    expect(page.get_by_role("button", name="Runs", exact=True)).to_be_visible()
    watch.statuses.add(422)
    page.evaluate("location.hash = 'lang=es&type=nonsense'")
    expect(usage.problem).to_contain_text("Tipo El campo type debe ser uno de")


# --- Colours, sizes, motion -----------------------------------------------------------------------


def test_light_and_dark_follow_the_system_and_can_be_chosen(usage: UsagePage, page: Page) -> None:
    """What was chosen is part of the address."""
    background = "getComputedStyle(document.documentElement).backgroundColor"
    usage.sign_in()
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(background)
    assert light != dark
    usage.select("Theme", "Light")
    assert (usage.fragment, page.evaluate(background)) == ("theme=light", light)
    page.emulate_media(color_scheme="light")
    usage.select("Theme", "Dark")
    assert page.evaluate(background) == dark


@pytest.mark.parametrize("context_options", [{"viewport": NARROW, "locale": "pt-BR"}])
def test_nothing_is_wider_than_a_narrow_screen(usage: UsagePage, page: Page) -> None:
    """In the language with the longest words."""
    usage.open()
    usage.assert_fits()
    usage.assert_accessible()
    page.locator(".accounts button").first.click()
    usage.wait()
    page.locator("summary").click()
    usage.assert_fits()
    usage.click("Execuções")
    usage.assert_fits()
    usage.assert_accessible()


def test_nothing_moves_for_readers_who_want_that(usage: UsagePage, page: Page) -> None:
    """The placeholders would pulse otherwise."""
    usage.sign_in()
    page.emulate_media(reduced_motion="reduce")
    page.route("**/workspaces/usage?*", lambda _: None)
    page.get_by_role("button", name="Runs", exact=True).click()
    animation = "getComputedStyle(document.querySelector('.skeleton')).animationName"
    assert page.evaluate(animation) == "none"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(animation) != "none"


# --- axe-core -------------------------------------------------------------------------------------


def test_axe_finds_nothing(usage: UsagePage, page: Page, watch: Watch) -> None:
    """Neither in the form, in both views, with an open table and an export, nor in an error."""
    usage.open()
    assert_accessible_in_both_themes(usage)
    page.locator(".accounts button").first.click()
    usage.wait()
    page.locator("summary").click()
    page.get_by_role("button", name="Export as CSV").click()
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=20_000)
    assert_accessible_in_both_themes(usage)
    usage.click("Runs")
    assert_accessible_in_both_themes(usage)
    watch.statuses.add(422)
    page.evaluate("location.hash = 'type=nonsense'")
    expect(usage.problem).to_be_visible()
    assert_accessible_in_both_themes(usage)


def assert_accessible_in_both_themes(usage: UsagePage) -> None:
    """Asserts that axe-core finds nothing. The themes differ in colours only."""
    usage.page.emulate_media(color_scheme="light")
    usage.assert_accessible()
    usage.page.emulate_media(color_scheme="dark")
    usage.assert_accessible("color-contrast", "link-in-text-block")


# --- The keyboard ---------------------------------------------------------------------------------


def tab_to(page: Page, selector: str) -> None:
    """Presses Tab until the focus is on an element."""
    for _ in range(60):
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {selector}")


def test_everything_can_be_done_with_the_keyboard(usage: UsagePage, page: Page) -> None:
    """Sign in, look at days, choose days and a type, walk the list."""
    usage.open()
    expect(page.locator("#token")).to_be_focused()
    page.keyboard.type(ANA.token)
    page.keyboard.press("Tab")
    page.keyboard.type("11")
    page.keyboard.press("Enter")
    usage.wait()
    tab_to(page, ".bar")
    last = page.locator(".bar").last
    expect(last).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".bar").nth(-2)).to_be_focused()
    expect(page.locator(".tip")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".tip")).to_be_hidden()
    page.evaluate("scrollTo(0, 0); document.activeElement.blur(); document.body.focus()")
    tab_to(page, ".tabs button:not([aria-current])")
    page.keyboard.press("Enter")
    usage.wait()
    tab_to(page, "[name=range]:checked")
    page.keyboard.press("ArrowLeft")
    usage.wait()
    assert "range=7d" in usage.fragment
    expect(page.locator("[name=range]:checked")).to_be_focused()
    tab_to(page, ".filters select")
    page.keyboard.press("c")
    usage.wait()
    assert "type=chat" in usage.fragment
    tab_to(page, ".pager button:last-child")


def test_what_has_the_focus_is_outlined(usage: UsagePage, page: Page) -> None:
    """Each control that Tab leads to. Within a date, the browser outlines its own buttons."""
    usage.sign_in("view=runs")
    outline = """() => {
        const focused = document.activeElement;
        const shown = [focused, focused.nextElementSibling].filter(Boolean);
        const isOutlined = one => getComputedStyle(one).outlineStyle !== "none";
        return focused.type === "date" || shown.some(isOutlined);
    }"""
    for _ in range(16):
        page.keyboard.press("Tab")
        assert page.evaluate(outline), page.evaluate("document.activeElement.outerHTML")


# --- Hostile data ---------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Returns a text as the page shows it: cut, and without characters that turn it around."""
    text = text.replace(OVERRIDE, " evil ").strip()
    return text if len(text) <= 100 else f"{text[:100]}…"


def test_hostile_data_is_shown_as_text(usage: UsagePage, page: Page, watch: Watch) -> None:
    """Nothing of it runs, turns the text around it, makes the page wider, or leads elsewhere."""
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    # The media are not in the bucket.
    watch.statuses.add(404)
    usage.enter(HOSTILE_TOKEN, HOSTILE_WORKSPACE_ID, "group=agent")
    usage.wait()
    assert_fits_both_sizes(usage)
    widths = "[...document.querySelectorAll('.top bdi')].map(one => one.parentNode.offsetWidth)"
    assert min(page.evaluate(widths)) > 60
    usage.click("Runs")
    assert_fits_both_sizes(usage)
    shown = page.locator(".runs td.agent bdi:first-child").all_inner_texts()
    assert set(shown) >= {plain(run.title) for run in RUNS}
    assert not re.search(
        "[\u202a-\u202e\u2066-\u2069\u200e\u200f]", page.locator("#app").inner_text()
    )
    urls = page.evaluate(
        "[...document.querySelectorAll('a, img, video, audio')].map(one => one.href || one.src)"
    )
    places = (APP, usage.media_origin, "https://evil.example/%22onerror=%22x.png")
    assert all(url.startswith(places) for url in urls)
    attributes = page.evaluate(
        "[...document.querySelectorAll('*')].flatMap(one => one.getAttributeNames())"
    )
    assert not [name for name in attributes if name.startswith("on")]
    assert dialogs == []


def assert_fits_both_sizes(usage: UsagePage) -> None:
    """Asserts that nothing is wider than a wide window, or a narrow one, which it leaves."""
    for size in (WIDE, NARROW):
        usage.page.set_viewport_size(size)
        usage.assert_fits()


def test_long_numbers_are_shown_with_all_digits(usage: UsagePage, page: Page) -> None:
    """Ids of 19 digits, and credits that JavaScript's numbers can't hold."""
    usage.enter(HOSTILE_TOKEN, HOSTILE_WORKSPACE_ID, "view=runs")
    usage.wait()
    assert usage.ids() == [str(LARGE_ID - number) for number in range(len(RUNS))]
    shown = page.locator(".runs td.credits").all_inner_texts()
    whole, _, fraction = LARGE_CREDITS.partition(".")
    assert SMALL_CREDITS in shown
    assert f"{int(whole):,}.{fraction}" in shown
    assert "-3.5" in shown
    expect(page.locator("header")).to_contain_text(str(HOSTILE_WORKSPACE_ID))
    usage.click("Overview")
    usage.choose("Group by", "User")
    users = page.locator("section", has=page.get_by_role("heading", name="User", exact=True))
    users.get_by_role("button").first.click()
    usage.wait()
    assert usage.fragment in {f"user={LARGE_USER_ID - n}&group=user" for n in (0, 1)}
