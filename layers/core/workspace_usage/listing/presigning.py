"""Signed links to media: SigV4 query-string authentication, made here rather than by botocore.

A page shows up to 100 links, and botocore takes a quarter of a millisecond for each. The rules are
those of the Amazon S3 API reference, "Authenticating Requests: Using Query Parameters"; the tests
hold each link equal, byte for byte, to botocore's.
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
    """Where the media are: a bucket, at AWS or at another endpoint (``http://127.0.0.1:5000``)."""

    name: str
    region: str
    endpoint: str | None = None

    @property
    def base_url(self) -> str:
        """The URL that keys are appended to, without a slash at its end.

        The bucket is part of the host, except where that can't be: at another endpoint, and with a
        dot in its name, which no wildcard certificate covers.
        """
        if self.endpoint is not None:
            return f"{self.endpoint.rstrip('/')}/{self.name}"
        host = f"s3.{self.region}.{domain_of(self.region)}"
        return f"https://{host}/{self.name}" if "." in self.name else f"https://{self.name}.{host}"


class UrlPresigner:
    """Signs links of one moment with one set of credentials; made anew for each answer.

    Args:
        bucket: where the media are.
        credentials: whose right to read is lent; a link dies with them, if they die first.
        now: the moment from which the links live (aware).
        lifetime: how long they live, in seconds.
    """

    def __init__(
        self, bucket: Bucket, credentials: Credentials, now: datetime, lifetime: int
    ) -> None:
        signer = Signer(credentials, bucket.region, "s3", now)
        self._sign = signer.sign
        base = urlsplit(bucket.base_url)
        self._origin = f"{base.scheme}://{base.netloc}"
        self._path = base.path
        # As clients send it, who leave out a port that is the scheme's own.
        self._host = base.netloc.lower().removesuffix(_OWN_PORTS.get(base.scheme, ""))
        query = "&".join(
            (
                f"X-Amz-Algorithm={SIGNATURE_ALGORITHM}",
                f"X-Amz-Credential={quote(signer.credential, safe='~')}",
                f"X-Amz-Date={signer.timestamp}",
                f"X-Amz-Expires={lifetime}",
            )
        )
        # In order of their names, as they are signed, and in botocore's order, as they are shown.
        token, headers = _security_token(credentials), "&X-Amz-SignedHeaders=host"
        self._signed_query = f"{query}{token}{headers}"
        self._shown_query = f"{query}{headers}{token}"

    def presign(self, key: str) -> str:
        """A URL that shows the object ``key`` to whoever holds it, for the lifetime."""
        path = f"{self._path}/{quote(key, safe='/~')}"
        request = f"GET\n{path}\n{self._signed_query}\nhost:{self._host}\n\nhost\nUNSIGNED-PAYLOAD"
        return f"{self._origin}{path}?{self._shown_query}&X-Amz-Signature={self._sign(request)}"


def _security_token(credentials: Credentials) -> str:
    if not credentials.token:
        return ""
    return f"&X-Amz-Security-Token={quote(credentials.token, safe='~')}"
