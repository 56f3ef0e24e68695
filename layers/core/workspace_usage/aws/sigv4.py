"""AWS Signature Version 4: a day's signing key, and the headers of a signed call.

The rules are those of the IAM user guide, "Create a signed AWS API request". The tests compare the
headers with botocore's.
"""

import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Final

from workspace_usage.aws.credentials import Credentials

SIGNATURE_ALGORITHM: Final = "AWS4-HMAC-SHA256"


@lru_cache(maxsize=8)
def signing_key(secret_key: str, day: str, region: str, service: str) -> bytes:
    """Returns the key that signs calls of a day (``20260105``), a region and a service."""
    key = f"AWS4{secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


class Signer:
    """Signs requests of one moment, region and service.

    Args:
        credentials: the credentials to sign with.
        region: the service's region.
        service: its name in signatures, such as ``s3``.
        now: the moment (aware).

    Attributes:
        timestamp: the moment as signatures have it, ``20260105T193521Z``.
        credential: the access key and the credential scope (day, region and service).
        token: the credentials' session token, which is sent with requests, or None.
    """

    def __init__(self, credentials: Credentials, region: str, service: str, now: datetime) -> None:
        self.timestamp = f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        day = self.timestamp[:8]
        scope = f"{day}/{region}/{service}/aws4_request"
        self.credential = f"{credentials.access_key}/{scope}"
        self.token = credentials.token or None
        self._prefix = f"{SIGNATURE_ALGORITHM}\n{self.timestamp}\n{scope}\n"
        self._key = signing_key(credentials.secret_key, day, region, service)

    def sign(self, request: str) -> str:
        """Returns the signature of a canonical request, in hex."""
        to_sign = self._prefix + sha256(request.encode()).hexdigest()
        return hmac.digest(self._key, to_sign.encode(), "sha256").hex()


def signed_headers(signer: Signer, headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """Returns the headers of a POST to ``/``, its signature among them.

    Args:
        signer: a signer of this moment and of the service that is called.
        headers: the headers to sign, ``Host`` included.
        body: the body.
    """
    sent = {**headers, "X-Amz-Date": signer.timestamp}
    if signer.token:
        sent["X-Amz-Security-Token"] = signer.token
    canonical = sorted((name.lower(), value) for name, value in sent.items())
    lines = "".join(f"{name}:{value}\n" for name, value in canonical)
    names = ";".join(name for name, _ in canonical)
    request = f"POST\n/\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    sent["Authorization"] = (
        f"{SIGNATURE_ALGORITHM} Credential={signer.credential}, "
        f"SignedHeaders={names}, Signature={signer.sign(request)}"
    )
    return sent
