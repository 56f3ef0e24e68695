"""The files of exports in their bucket, uploaded in parts (S3's multipart uploads)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workspace_usage.aws.errors import aws_errors_as_unavailable
from workspace_usage.exporting.export import Part

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef


@dataclass(frozen=True, slots=True)
class ExportFiles:
    """The bucket of exports.

    Attributes:
        client: writes to it.
        bucket: its name.
    """

    client: "S3Client"
    bucket: str

    def begin(self, key: str, file_name: str) -> str:
        """Begins the upload of a file, and returns the upload's id.

        Args:
            key: the file's key.
            file_name: the name under which browsers save it: ASCII without quotes.

        Raises:
            StoreUnavailable: the bucket can't be reached in time.
        """
        with aws_errors_as_unavailable():
            response = self.client.create_multipart_upload(
                Bucket=self.bucket,
                Key=key,
                ChecksumAlgorithm="CRC32",
                ContentType="application/gzip",
                ContentDisposition=f'attachment; filename="{file_name}"',
            )
        return response["UploadId"]

    def upload(self, key: str, upload_id: str, number: int, content: bytes) -> Part:
        """Uploads a part. Parts have ascending numbers, and all but the last have 5 MiB or more.

        Raises:
            StoreUnavailable: the bucket can't be reached in time.
        """
        with aws_errors_as_unavailable():
            response = self.client.upload_part(
                Bucket=self.bucket,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=content,
                ChecksumAlgorithm="CRC32",
            )
        return Part(number, response["ETag"], response.get("ChecksumCRC32", ""))

    def complete(self, key: str, upload_id: str, parts: Iterable[Part]) -> None:
        """Makes a file of its parts; it may be one already.

        Raises:
            StoreUnavailable: the bucket can't be reached in time, or the parts aren't there.
        """
        completed = [_completed(part) for part in parts]
        with aws_errors_as_unavailable():
            try:
                self.client.complete_multipart_upload(
                    Bucket=self.bucket,
                    Key=key,
                    UploadId=upload_id,
                    MultipartUpload={"Parts": completed},
                )
            except self.client.exceptions.NoSuchUpload:
                # An earlier attempt has completed it.
                self.client.head_object(Bucket=self.bucket, Key=key)


def _completed(part: Part) -> "CompletedPartTypeDef":
    completed: CompletedPartTypeDef = {"PartNumber": part.number, "ETag": part.etag}
    return {**completed, "ChecksumCRC32": part.checksum} if part.checksum else completed
