"""A browser and the stack for all tests, and a page that may not complain about anything."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from local.data.demo import ACCOUNTS, write_demo
from local.stack import Stack
from tests.support.browser import Watch
from tests.support.hostile_data import write_hostile_data
from tests.support.usage_page import APP, ZONE, UsagePage
from tools.chromium import NO_BROWSER, find_chromium, running_browser
from usagectl.loading.loader import Loader
from usagectl.resources import Resources

TIMEOUT: Final = 30_000
"""The milliseconds within which a page shows what is expected, also on a busy machine."""

expect.set_options(timeout=TIMEOUT)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A browser; without one, the test is skipped."""
    path = find_chromium()
    if path is None:
        pytest.skip(NO_BROWSER)
    with running_browser(path) as running:
        yield running


@pytest.fixture(scope="session")
def stack(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack with today's demo, as ``make run`` serves it, and a workspace of hostile data.

    It is not started without a browser.
    """
    assert browser.is_connected()
    now = datetime.now(UTC)
    demo, hostile = tmp_path_factory.mktemp("demo"), tmp_path_factory.mktemp("hostile")
    write_demo(demo, now)
    write_hostile_data(hostile, now)

    def load(resources: Resources) -> None:
        Loader(resources).load(demo)
        Loader(resources).load(hostile)

    parameters = {"AppUrl": APP, "TimeZone": ZONE}
    with Stack.start(parameters=parameters, load=load, demo=ACCOUNTS) as running:
        yield running


@pytest.fixture(scope="session")
def opener(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The page that opens those of all tests that need no options of their own.

    The browser then has one process for all of them.
    """
    context = new_context(browser)
    opener = context.new_page()
    opener.goto(f"{stack.url}/openapi.json")
    yield opener
    context.close()


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """Returns a new context whose actions may take longer than usual, and where nothing moves."""
    context = browser.new_context(reduced_motion="reduce", **options)
    context.set_default_timeout(TIMEOUT)
    return context


@pytest.fixture
def context_options() -> dict[str, Any]:
    """The options of Playwright's ``new_context``. Tests replace them by parametrizing."""
    return {}


@pytest.fixture
def page(browser: Browser, opener: Page, context_options: dict[str, Any]) -> Iterator[Page]:
    """A new page, in a context of its own if the test has options."""
    if context_options:
        context = new_context(browser, **context_options)
        yield context.new_page()
        context.close()
        return
    with opener.expect_popup() as opening:
        opener.evaluate("() => { open('about:blank'); }")
    yield opening.value
    opening.value.close()


@pytest.fixture
def watch(page: Page) -> Watch:
    """What happens in the page."""
    return Watch.of(page)


@pytest.fixture
def usage(stack: Stack, page: Page, watch: Watch) -> Iterator[UsagePage]:
    """The page for people. At the end, whatever the test did: no complaint, no leaked token."""
    usage = UsagePage(page, stack.url, stack.clients.s3.meta.endpoint_url)
    yield usage
    assert watch.complaints == []
    assert watch.origins <= {stack.url, usage.media_origin}
    assert usage.stored_texts() == usage.stored_nothing()
    assert not [url for url in watch.urls if any(token in url for token in usage.tokens)]
