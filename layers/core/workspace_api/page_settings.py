"""The settings of the page function, by themselves: no other function has to load them."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from workspace_api.settings import parse_locale
from workspace_usage.listing.presigning import Bucket


@dataclass(frozen=True, slots=True)
class PageSettings:
    """The page function's environment.

    Attributes:
        default_locale: the language of messages, and of the page for browsers of other languages.
        allowed_origin: the origin whose pages may read the files, or None.
        is_page_enabled: whether the root shows the page.
        app_url: the URL of the web application, without a slash at the end, or an empty text.
        media_origins: the origins from which the page may load media, that of the bucket first.
    """

    default_locale: str
    allowed_origin: str | None
    is_page_enabled: bool
    app_url: str
    media_origins: tuple[str, ...]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Raises ``KeyError`` or ``ValueError`` for a variable that is missing or unusable."""
        bucket = Bucket(
            environment["MEDIA_BUCKET"],
            environment["AWS_REGION"],
            environment["AWS_ENDPOINT_URL_S3"] or None,
        )
        url = urlsplit(bucket.base_url)
        others = environment["MEDIA_ORIGINS"]
        return cls(
            default_locale=parse_locale(environment["DEFAULT_LOCALE"]),
            allowed_origin=environment["ALLOWED_ORIGIN"] or None,
            is_page_enabled=environment["PAGE_ENABLED"] == "true",
            app_url=environment["APP_URL"],
            media_origins=(f"{url.scheme}://{url.netloc}", *(others.split(",") if others else ())),
        )
