"""Puts media files into the media bucket."""

import mimetypes
import os
from typing import TYPE_CHECKING, Final

from usagectl.data_set.media import MediaFile, media_rejection
from usagectl.data_set.rejections import Rejection

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

MAX_OBJECT_BYTES: Final = 5 * 1024**3
"""The most bytes that S3 takes in one call."""


def upload(client: "S3Client", bucket: str, file: MediaFile) -> Rejection | None:
    """Puts a file into the bucket. Returns a rejection if the file can't be used.

    Raises:
        botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError: S3 doesn't take it.
    """
    content_type = mimetypes.guess_type(file.key)[0] or "application/octet-stream"
    try:
        with file.path.open("rb") as content:
            if os.fstat(content.fileno()).st_size > MAX_OBJECT_BYTES:
                return media_rejection(
                    file.key, "has more than 5 GiB, the most that S3 takes at once"
                )
            client.put_object(Bucket=bucket, Key=file.key, Body=content, ContentType=content_type)
    except OSError as error:  # of the file; botocore's errors are of other types
        return media_rejection(file.key, f"can't be read: {error.strerror}")
    return None
