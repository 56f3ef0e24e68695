"""A browser for all tests, and a page that may not complain about anything."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import NO_BROWSER, Watch, find_chromium, running_browser


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser; without one, the test is skipped."""
    path = find_chromium()
    if path is None:
        pytest.skip(NO_BROWSER)
    with running_browser(path) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A new page, without anything that other pages have stored."""
    context = browser.new_context()
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def watch(page: Page) -> Watch:
    """What happens in the page."""
    return Watch.of(page)
