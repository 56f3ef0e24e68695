"""The names of the tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from workspace_usage.rows.row import Source


@dataclass(frozen=True, slots=True)
class RowTables:
    """The names of the tables of rows, and of the table of their counts."""

    executions: str
    archived_executions: str
    edited_chats: str
    rollups: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **others: str) -> Self:
        """Returns the names that a function's environment variables hold, and ``others``.

        Raises:
            KeyError: a variable is missing.
        """
        return cls(
            executions=environment["EXECUTIONS_TABLE"],
            archived_executions=environment["ARCHIVED_EXECUTIONS_TABLE"],
            edited_chats=environment["EDITED_CHATS_TABLE"],
            rollups=environment["ROLLUPS_TABLE"],
            **others,
        )

    @property
    def by_source(self) -> dict[Source, str]:
        """The name of each source's table."""
        return {
            Source.CURRENT: self.executions,
            Source.ARCHIVED: self.archived_executions,
            Source.EDITED: self.edited_chats,
        }


@dataclass(frozen=True, slots=True)
class Tables(RowTables):
    """The names of all tables."""

    access_tokens: str
    memberships: str
