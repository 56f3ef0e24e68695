"""Signed links to media: SigV4 query-string authentication, made here rather than by botocore.

A page shows up to 100 links, and botocore takes a quarter of a millisecond for each. The rules are
those of the Amazon S3 API reference, "Authenticating Requests: Using Query Parameters"; the tests
hold each link equal, byte for byte, to botocore's.
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_OWN_PORTS: Final = {"http": ":80", "https": ":443"}

# The public partitions' domains, by how their regions' names begin.
_DOMAIN: Final = "amazonaws.com"
_DOMAINS: Final = {"cn": "amazonaws.com.cn", "eusc": "amazonaws.eu"}


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
        domain = _DOMAINS.get(self.region.partition("-")[0], _DOMAIN)
        host = f"s3.{self.region}.{domain}"
        return f"https://{host}/{self.name}" if "." in self.name else f"https://{self.name}.{host}"


class Signer:
    """Signs links of one moment with one set of credentials; made anew for each answer.

    Args:
        bucket: where the media are.
        credentials: whose right to read is lent; a link dies with them, if they die first.
        now: the moment from which the links live (aware).
        lifetime: how long they live, in seconds.
    """

    def __init__(
        self, bucket: Bucket, credentials: "ReadOnlyCredentials", now: datetime, lifetime: int
    ) -> None:
        moment = now.astimezone(UTC)
        day, timestamp = f"{moment:%Y%m%d}", f"{moment:%Y%m%dT%H%M%SZ}"
        scope = f"{day}/{bucket.region}/s3/aws4_request"
        base = urlsplit(bucket.base_url)
        self._origin = f"{base.scheme}://{base.netloc}"
        self._path = base.path
        # As clients send it, who leave out a port that is the scheme's own.
        self._host = base.netloc.lower().removesuffix(_OWN_PORTS.get(base.scheme, ""))
        query = "&".join(
            (
                f"X-Amz-Algorithm={_ALGORITHM}",
                f"X-Amz-Credential={quote(f'{credentials.access_key}/{scope}', safe='~')}",
                f"X-Amz-Date={timestamp}",
                f"X-Amz-Expires={lifetime}",
            )
        )
        # In order of their names, as they are signed, and in botocore's order, as they are shown.
        token, headers = _security_token(credentials), "&X-Amz-SignedHeaders=host"
        self._signed_query = f"{query}{token}{headers}"
        self._shown_query = f"{query}{headers}{token}"
        self._to_sign = f"{_ALGORITHM}\n{timestamp}\n{scope}\n"
        self._key = _signing_key(credentials.secret_key or "", day, bucket.region)

    def link(self, key: str) -> str:
        """A URL that shows the object ``key`` to whoever holds it, for the lifetime."""
        path = f"{self._path}/{quote(key, safe='/~')}"
        request = f"GET\n{path}\n{self._signed_query}\nhost:{self._host}\n\nhost\nUNSIGNED-PAYLOAD"
        to_sign = self._to_sign + sha256(request.encode()).hexdigest()
        signature = hmac.digest(self._key, to_sign.encode(), "sha256").hex()
        return f"{self._origin}{path}?{self._shown_query}&X-Amz-Signature={signature}"


def _security_token(credentials: "ReadOnlyCredentials") -> str:
    if not credentials.token:
        return ""
    return f"&X-Amz-Security-Token={quote(credentials.token, safe='~')}"


def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
