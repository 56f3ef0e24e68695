"""A file is complete only if it is there."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from workspace_usage.errors import StoreUnavailable
from workspace_usage.exporting.export import Part
from workspace_usage.exporting.files import ExportFiles


class NoSuchUpload(ClientError):
    """The upload has ended: it was completed, or S3 has thrown its parts away."""

    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "NoSuchUpload"}}, "CompleteMultipartUpload")


class Client:
    """A bucket without uploads.

    Args:
        has_file: whether the file is in it.
    """

    class exceptions:  # noqa: N801 - botocore's name
        """The errors that a client names."""

        NoSuchUpload = NoSuchUpload

    def __init__(self, has_file: bool) -> None:
        self._has_file = has_file

    def complete_multipart_upload(self, **_: Any) -> None:
        """Knows of no upload."""
        raise NoSuchUpload

    def head_object(self, **request: Any) -> None:
        """Tells whether the file is there."""
        assert request == {"Bucket": "exports", "Key": "the-file"}
        if not self._has_file:
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")


def complete(has_file: bool) -> None:
    files = ExportFiles(cast(Any, Client(has_file)), "exports")
    files.complete("the-file", "the-upload", [Part(1, "etag", "")])


def test_an_upload_that_an_earlier_attempt_has_completed_is_complete() -> None:
    complete(has_file=True)


def test_an_upload_that_is_gone_without_a_file_is_not_complete() -> None:
    """Otherwise the caller gets a link to nothing."""
    with pytest.raises(StoreUnavailable):
        complete(has_file=False)
