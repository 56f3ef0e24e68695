"""What an erasure has done."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class ErasureReport:
    """How much was erased. All numbers are 0 if nothing was left to erase.

    Attributes:
        media_deleted: objects of the media bucket that were deleted, each counted once.
        media_kept: objects that the person's rows named, and that other people's rows still show.
    """

    tokens_revoked: int = 0
    memberships_removed: int = 0
    rows_anonymised: int = 0
    rows_deleted: int = 0
    media_deleted: int = 0
    media_kept: int = 0

    def as_dict(self) -> dict[str, int]:
        """Returns the numbers by their names."""
        return asdict(self)
