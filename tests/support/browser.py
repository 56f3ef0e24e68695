"""What a page in a browser asks for, and what it complains about."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Error, Page, Request


@dataclass
class Watch:
    """What happens in a page.

    Attributes:
        complaints: messages of the console, such as violations of the Content-Security-Policy, and
            errors of scripts. A status that the test has announced is none.
        urls: the URLs of all requests but data: URLs.
        statuses: the announced statuses of errors; 0 stands for a request that failed.
    """

    complaints: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    statuses: set[int] = field(default_factory=set)

    @property
    def origins(self) -> set[str]:
        """The origins of all requests."""
        return {f"{url.scheme}://{url.netloc}" for url in map(urlsplit, self.urls)}

    @classmethod
    def of(cls, page: Page) -> "Watch":
        """Begins to watch a page."""
        watch = cls()
        page.on("console", watch._add_message)
        page.on("pageerror", watch._add_error)
        page.on("request", watch._add_request)
        return watch

    def _add_message(self, message: ConsoleMessage) -> None:
        if message.type in {"warning", "error"} and not self._is_announced(message.text):
            self.complaints.append(message.text)

    def _is_announced(self, text: str) -> bool:
        """Returns whether Chromium reports the failure of a request that was to fail."""
        if not text.startswith("Failed to load resource: "):
            return False
        status = re.search(r"responded with a status of (\d+)", text)
        return (int(status[1]) if status else 0) in self.statuses

    def _add_error(self, error: Error) -> None:
        self.complaints.append(str(error))

    def _add_request(self, request: Request) -> None:
        if not request.url.startswith("data:"):
            self.urls.append(request.url)
