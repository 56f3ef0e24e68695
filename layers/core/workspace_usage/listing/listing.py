"""The whole answer to one question: from a scope and parameters to the contract's 200 body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from workspace_usage.access.scope import Scope
from workspace_usage.aws.credentials import Credentials
from workspace_usage.listing.answer import Body, to_item
from workspace_usage.listing.min_date import MinDate
from workspace_usage.listing.page import read_page
from workspace_usage.listing.presigning import Bucket, UrlPresigner
from workspace_usage.listing.query import Query
from workspace_usage.rollups.seek import PageIndex
from workspace_usage.rows.store import Meter, Store


@dataclass(frozen=True, slots=True)
class Listing:
    """Answers questions about workspaces' histories.

    Attributes:
        store: the tables of rows.
        index: finds where pages far down begin.
        min_date: the app setting that hides older rows.
        bucket: the bucket that holds the media.
        credentials: returns the credentials that presign the URLs of one answer.
        url_lifetime: for how long presigned URLs work, in seconds.
        zone: the time zone whose days windows are made of.
    """

    store: Store
    index: PageIndex
    min_date: MinDate
    bucket: Bucket
    credentials: Callable[[], Credentials]
    url_lifetime: int
    zone: tzinfo

    def answer(
        self,
        scope: Scope,
        parameters: Mapping[str, object],
        *,
        now: datetime,
        meter: Meter,
        warn: Callable[[str], object],
    ) -> Body:
        """Returns the page of ``scope``'s rows that ``parameters`` ask for.

        Args:
            scope: whose rows the caller may see.
            parameters: the query parameters, unchecked.
            now: the time of the question (aware).
            meter: counts what is read.
            warn: is called with a message for the operator when an old setting has to be used.

        Raises:
            InvalidRequest: parameters break their rules.
            Forbidden: they ask for a user outside the scope.
            StoreUnavailable: a table or the setting can't be read in time.
        """
        query = Query.parse(parameters)
        scope = scope.narrow_to_user(query.user_id)
        window = self.min_date.limit(query.window(now, self.zone), now, warn)
        page = read_page(self.store, self.index, scope, query, window, meter)
        presigner = UrlPresigner(self.bucket, self.credentials(), now, self.url_lifetime)
        return {
            "items": [to_item(row, presigner.presign) for row in page.rows],
            "has_more": page.has_more,
            "page": query.page_number,
            "per_page": query.per_page,
            "next_cursor": page.next_cursor,
        }
