"""The page for people, as a person uses it in a browser."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urljoin

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from local.data.demo import ACCOUNTS, ANA, DemoAccount
from tests.support.hostile_data import HOSTILE_TOKEN

APP: Final = "https://app.example.com"
ZONE: Final = "America/Sao_Paulo"
"""What the stack of these tests has as URL of the application, and as time zone of its days."""

_STORED: Final = """async () => ({
    address: location.href.includes("%7C") || location.href.includes("|"),
    history: JSON.stringify(history.state ?? {}).includes("demo-"),
    local: {...localStorage},
    session: {...sessionStorage},
    cookies: document.cookie,
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
})"""


class UsagePage:
    """The page, and the API behind it.

    Attributes:
        page: the browser's page.
        url: the API's URL.
        media_origin: the origin of the media bucket.
        tokens: the secrets that must not be in any URL.
    """

    def __init__(self, page: Page, url: str, media_origin: str) -> None:
        self.page = page
        self.url = url
        self.media_origin = media_origin
        self.tokens = [text for a in ACCOUNTS for text in (a.token, a.token.partition("|")[2])]
        self.tokens.append(HOSTILE_TOKEN.partition("|")[2])

    # --- Signing in -------------------------------------------------------------------------------

    def open(self, fragment: str = "") -> None:
        """Opens the page without a session; ``fragment`` is what its address asks for."""
        self.page.goto(f"{self.url}/#{fragment}")
        expect(self.page.locator(".signin")).to_be_visible()

    def sign_in(self, fragment: str = "", account: DemoAccount = ANA) -> None:
        """Opens the page, and chooses an account of the demo."""
        self.open(fragment)
        self.page.locator(".accounts button", has_text=account.name).click()
        self.wait()

    def enter(self, token: str, workspace_id: int | str, fragment: str = "") -> None:
        """Opens the page, fills in the form, and sends it."""
        self.open(fragment)
        self.fill(token, workspace_id)

    def fill(self, token: str, workspace_id: int | str) -> None:
        """Fills in the form, and sends it."""
        self.page.locator("#token").fill(token)
        self.page.locator("#workspace").fill(str(workspace_id))
        self.page.locator("form button").click()

    def wait(self) -> None:
        """Waits until the dashboard has loaded everything that it asked for."""
        expect(self.page.locator(".signin")).to_have_count(0)
        expect(self.page.locator(".gate")).to_have_attribute("aria-busy", "false")
        expect(self.page.locator("[aria-busy=true], .skeleton")).to_have_count(0)

    # --- What is shown ----------------------------------------------------------------------------

    @property
    def problem(self) -> Locator:
        """The error that is shown."""
        return self.page.locator(".problem")

    @property
    def rows(self) -> Locator:
        """The rows of the list."""
        return self.page.locator(".runs tbody tr")

    def totals(self) -> dict[str, str]:
        """Returns each total's text by its label."""
        cards = self.page.locator("dl.totals > div").all()
        return {c.locator("dt").inner_text(): c.locator("b").inner_text() for c in cards}

    def numbers(self) -> list[list[str]]:
        """Returns the cells of the table behind the bars, the head first; opens it."""
        if self.page.locator("details[open]").count() == 0:
            self.page.locator("summary").click()
        rows = self.page.locator("details tr").all()
        return [row.locator("th, td").all_inner_texts() for row in rows]

    def ids(self) -> list[str]:
        """Returns the ids of the list's rows."""
        texts = self.page.locator(".runs td.when .small").all_inner_texts()
        return [text.removeprefix("#") for text in texts]

    def choose(self, group: str, option: str) -> None:
        """Chooses one of the segments below a label, and waits."""
        self.page.get_by_role("group", name=group).get_by_role("radio", name=option).click()
        self.wait()

    def select(self, label: str, option: str) -> None:
        """Chooses an option of a select, and waits."""
        self.choice(label).select_option(label=option)
        self.wait()

    def choice(self, label: str) -> Locator:
        """Returns the select with a label."""
        return self.page.get_by_role("combobox", name=label, exact=True)

    def click(self, name: str) -> None:
        """Clicks a button, and waits."""
        self.page.get_by_role("button", name=name, exact=True).click()
        self.wait()

    @property
    def fragment(self) -> str:
        """What the address asks for."""
        return self.page.url.partition("#")[2]

    # --- What must hold everywhere ----------------------------------------------------------------

    def stored_texts(self) -> Any:
        """Returns where a token could be kept, and what is there."""
        return {**self.page.evaluate(_STORED), "jar": self.page.context.cookies()}

    @staticmethod
    def stored_nothing() -> dict[str, object]:
        """Returns ``stored_texts`` of a page that keeps nothing."""
        nothing: dict[str, object] = {"address": False, "history": False, "cookies": ""}
        return nothing | {"local": {}, "session": {}, "databases": [], "caches": [], "jar": []}

    def assert_accessible(self, *rules: str) -> None:
        """Asserts that axe-core finds nothing, and has looked.

        Args:
            rules: the rules that are checked; axe-core's usual ones, if there are none.
        """
        only = {"runOnly": list(rules)} if rules else {}
        found = Axe().run(self.page, options={"resultTypes": ["violations"], **only})
        assert found.violations_count == 0, found.generate_report()
        assert len(found.response["passes"]) > (0 if rules else 5)

    def assert_fits(self) -> None:
        """Asserts that nothing makes the page wider than the window, and nothing is cut off."""
        widths = "[document.documentElement.scrollWidth, innerWidth]"
        scrolled, window = self.page.evaluate(widths)
        assert scrolled <= window
        outside = self.page.evaluate(
            """() => [...document.querySelectorAll("#app *")].filter(element => {
                const { left, right, width } = element.getBoundingClientRect();
                const isSeen = width > 1 && !element.closest(".scroll, .unseen, .tip");
                return isSeen && (left < -1 || right > innerWidth + 1);
            }).map(element => element.outerHTML.slice(0, 200))"""
        )
        assert outside == []

    # --- The API ----------------------------------------------------------------------------------

    def ask(self, path: str = "", account: DemoAccount = ANA, **query: str | int) -> Any:
        """Returns the API's answer to a caller; its numbers have all their digits."""
        response = httpx.get(
            urljoin(self.url, f"/workspaces/usage{path}"),
            params=query,
            headers=headers_of(account),
            timeout=60,
        )
        return json.loads(response.raise_for_status().text, parse_float=Decimal)

    def walk(self, account: DemoAccount = ANA, **query: str | int) -> list[Mapping[str, Any]]:
        """Returns all rows of the listing."""
        page = self.ask("", account, **query, per_page=100)
        items: list[Mapping[str, Any]] = page["items"]
        while page["has_more"]:
            page = self.ask("", account, **query, per_page=100, cursor=page["next_cursor"])
            items += page["items"]
        return items


def headers_of(account: DemoAccount) -> dict[str, str]:
    """Returns the headers of a caller's requests."""
    token, workspace_id = account.token, account.workspace_id
    return {"Authorization": f"Bearer {token}", "x-workspace-id": str(workspace_id)}


def decimal(text: str) -> Decimal:
    """Returns the number in an English text."""
    return Decimal(text.replace(",", ""))
