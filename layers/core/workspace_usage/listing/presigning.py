"""Presigned URLs of media: SigV4 query-string authentication, made here rather than by botocore.

A page shows up to 100 of them, and botocore takes a quarter of a millisecond for each. The rules
are those of the Amazon S3 API reference, "Authenticating Requests: Using Query Parameters"; the
tests compare each URL, byte for byte, with botocore's.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote, urlsplit

from workspace_usage.aws.credentials import Credentials
from workspace_usage.aws.endpoints import domain_of
from workspace_usage.aws.sigv4 import SIGNATURE_ALGORITHM, Signer

_OWN_PORTS: Final = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket that holds the media, at AWS or at another endpoint.

    Attributes:
        name: the bucket's name.
        region: its region, ``eu-west-1``.
        endpoint: a URL, ``http://127.0.0.1:5000``, or None for AWS.
    """

    name: str
    region: str
    endpoint: str | None = None

    @property
    def base_url(self) -> str:
        """The URL that keys are appended to, without a slash at its end.

        The bucket's name is part of the host, with two exceptions: another endpoint, and a name
        with a dot, which S3's wildcard certificate doesn't cover.
        """
        if self.endpoint is not None:
            return f"{self.endpoint.rstrip('/')}/{self.name}"
        host = f"s3.{self.region}.{domain_of(self.region)}"
        return f"https://{host}/{self.name}" if "." in self.name else f"https://{self.name}.{host}"


class UrlPresigner:
    """Presigns URLs with one set of credentials. Each answer needs a presigner of its own.

    Args:
        bucket: the bucket that holds the media.
        credentials: sign the URLs, which stop working at the latest when the credentials expire.
        now: when the URLs begin to work (aware).
        lifetime: for how long they work, in seconds.
    """

    def __init__(
        self, bucket: Bucket, credentials: Credentials, now: datetime, lifetime: int
    ) -> None:
        signer = Signer(credentials, bucket.region, "s3", now)
        self._sign = signer.sign
        base = urlsplit(bucket.base_url)
        self._origin = f"{base.scheme}://{base.netloc}"
        self._path = base.path
        # Clients leave the scheme's own port out of the Host header.
        self._host = base.netloc.lower().removesuffix(_OWN_PORTS.get(base.scheme, ""))
        query = "&".join(
            (
                f"X-Amz-Algorithm={SIGNATURE_ALGORITHM}",
                f"X-Amz-Credential={quote(signer.credential, safe='~')}",
                f"X-Amz-Date={signer.timestamp}",
                f"X-Amz-Expires={lifetime}",
            )
        )
        # The signature needs the parameters sorted by name; the URL has them in botocore's order.
        token, headers = _security_token(credentials), "&X-Amz-SignedHeaders=host"
        self._signed_query = f"{query}{token}{headers}"
        self._url_query = f"{query}{headers}{token}"

    def presign(self, key: str) -> str:
        """Returns a URL that shows the object ``key`` to everyone who has the URL."""
        path = f"{self._path}/{quote(key, safe='/~')}"
        request = f"GET\n{path}\n{self._signed_query}\nhost:{self._host}\n\nhost\nUNSIGNED-PAYLOAD"
        return f"{self._origin}{path}?{self._url_query}&X-Amz-Signature={self._sign(request)}"


def _security_token(credentials: Credentials) -> str:
    if not credentials.token:
        return ""
    return f"&X-Amz-Security-Token={quote(credentials.token, safe='~')}"
