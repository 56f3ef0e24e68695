"""The whole answer to one question: from a scope and parameters to the contract's 200 body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Self

import orjson

from workspace_api.settings import UsageSettings
from workspace_usage.access.scope import Scope
from workspace_usage.aws.credentials import Credentials, current_credentials
from workspace_usage.aws.reader import DYNAMODB, SSM, Reader
from workspace_usage.listing.answer import to_item
from workspace_usage.listing.min_date import MinDate
from workspace_usage.listing.page import read_page
from workspace_usage.listing.presigning import Bucket, UrlPresigner
from workspace_usage.listing.query import Query
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.store import Meter, Store

type Body = dict[str, Any]
"""The 200 body as JSON-like values; numbers are int or Decimal."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """The circumstances of a question.

    Attributes:
        now: when it is asked (aware).
        meter: what reading for the answer may take, and comes to have taken.
        warn: is told what an operator should know.
    """

    now: datetime
    meter: Meter
    warn: Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Listing:
    """Answers questions about workspaces' histories.

    Attributes:
        store: the tables of rows.
        index: where pages far down begin.
        min_date: the app setting that hides what is older.
        bucket: where media are.
        credentials: gives whose right to read media is lent to link holders, at each call.
        url_lifetime: of presigned URLs, in seconds.
        zone: the time zone whose days windows are made of.
    """

    store: Store
    index: PageIndex
    min_date: MinDate
    bucket: Bucket
    credentials: Callable[[], Credentials]
    url_lifetime: int
    zone: tzinfo

    @classmethod
    def from_settings(cls, settings: UsageSettings, on_fallback: Callable[[str], object]) -> Self:
        """A listing wired to AWS as ``settings`` say; ``on_fallback`` is told of repeated calls."""
        tables = settings.tables
        reader = Reader.for_service(DYNAMODB, settings.aws, orjson.loads, on_fallback)
        ssm = Reader.for_service(SSM, settings.aws, on_fallback=on_fallback)
        zone = settings.time_zone
        return cls(
            store=Store(reader, tables.by_source),
            index=PageIndex(reader, tables.rollups, zone),
            min_date=MinDate(ssm, settings.min_date_parameter, zone),
            bucket=Bucket(settings.media_bucket, settings.aws.region, settings.media_endpoint),
            credentials=current_credentials,
            url_lifetime=settings.link_lifetime,
            zone=zone,
        )

    def answer(self, scope: Scope, parameters: Mapping[str, object], asked: Circumstances) -> Body:
        """The 200 body with the page of ``scope``'s rows that ``parameters`` ask for.

        Raises:
            InvalidRequest: parameters break their rules.
            Forbidden: they ask for a user whom the scope doesn't cover.
            StoreUnavailable: a table or the setting can't be read in time.
        """
        query = Query.parse(parameters)
        scope = scope.narrow_to_user(query.user_id)
        window = query.window(asked.now, self.zone)
        earliest = self.min_date.earliest(asked.now, asked.warn)
        if earliest is not None:
            window = window.not_before(earliest)
        page = read_page(self.store, self.index, scope, query, window, asked.meter)
        presigner = UrlPresigner(self.bucket, self.credentials(), asked.now, self.url_lifetime)
        return {
            "items": [to_item(row, presigner.presign) for row in page.rows],
            "has_more": page.has_more,
            "page": query.page_number,
            "per_page": query.per_page,
            "next_cursor": page.next_cursor,
        }
