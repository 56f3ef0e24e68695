"""A real browser, Chromium, for the screenshots and for the tests."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

NO_BROWSER: Final = "no Chromium: install it (Debian: chromium), or name its path in CHROMIUM"
"""Why nothing is done in a browser where there is none."""


def find_chromium() -> str | None:
    """Returns the path of a Chromium, or None if there is none. ``CHROMIUM`` can name one."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)


@contextmanager
def running_browser(path: str, *options: str) -> Iterator[Browser]:
    """Yields a running browser without a window.

    Args:
        path: where it is.
        options: more options of its command line.
    """
    with sync_playwright() as playwright:
        # Without its sandbox, it also runs as root. It shows pages of this repository only.
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage", *options]
        )
        yield browser
        browser.close()
