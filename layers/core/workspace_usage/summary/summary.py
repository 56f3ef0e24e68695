"""The whole answer to a question for sums: from a scope and parameters to the 200 body."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo

from workspace_usage.access.scope import Scope
from workspace_usage.listing.min_date import MinDate
from workspace_usage.rollups.reading import Counts
from workspace_usage.rollups.sums import Sums, add_up
from workspace_usage.rows.store import Meter, Selection, Store
from workspace_usage.summary.answer import SummaryBody
from workspace_usage.summary.buckets import Span, divide
from workspace_usage.summary.groups import Naming, rank
from workspace_usage.summary.query import SummaryQuery


@dataclass(frozen=True, slots=True)
class Summary:
    """Adds up workspaces' histories: what the listing shows for the same question.

    Attributes:
        store: the tables of rows.
        counts: what rows that are counted add up to.
        min_date: the app setting that hides older rows.
        zone: the time zone whose days windows are made of.
    """

    store: Store
    counts: Counts
    min_date: MinDate
    zone: tzinfo

    def answer(
        self,
        scope: Scope,
        parameters: Mapping[str, object],
        *,
        now: datetime,
        meter: Meter,
        warn: Callable[[str], object],
    ) -> SummaryBody:
        """Returns what the rows that ``parameters`` ask for add up to.

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
        query = SummaryQuery.parse(parameters)
        scope = scope.narrow_to_user(query.user_id)
        window = self.min_date.limit(query.window(now, self.zone), now, warn)
        selection = Selection.of(scope, query.agent_type, window)
        if selection is None:
            days, sums = None, Sums()
        else:
            days = Span(selection.first_day, selection.last_day)
            sums = add_up(self.store, self.counts, selection, query.group_by, now, meter)
        return _body(query, str(self.zone), days, sums)


def _body(query: SummaryQuery, zone: str, days: Span | None, sums: Sums) -> SummaryBody:
    """Returns the body of the answer; ``days`` is None if the window has none."""
    groups = sums.of_days(sums.days)
    named = rank(groups)[: query.limit] if query.group_by else []
    naming = Naming(query.group_by, named, sums)
    return {
        "time_zone": zone,
        "start_date": None if days is None else str(days.first),
        "end_date": None if days is None else str(days.last),
        "interval": query.interval,
        "group_by": list(query.group_by),
        **naming.divide(groups),
        "buckets": []
        if days is None
        else [
            {
                "start_date": str(part.first),
                "end_date": str(part.last),
                **naming.divide(sums.of_days(part.days)),
            }
            for part in divide(days, query.interval)
        ],
    }
