"""What became of a data set that was loaded or checked."""

from dataclasses import dataclass, field

from usagectl.loading.checkpoint import PartProgress


@dataclass(slots=True)
class LoadReport:
    """What became of a data set.

    Attributes:
        loaded: how many lines or files were loaded, by file.
        kept: how many stored items were left as they are, since they were changed, revoked or
            removed after the data set was made; by file.
        rejected: how many lines and files can't be used.
    """

    loaded: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    rejected: int = 0

    def add(self, part: str, progress: PartProgress) -> None:
        """Adds what became of one part of the data set."""
        self.loaded[part] = progress.loaded
        self.kept[part] = progress.kept
        self.rejected += progress.rejected
