"""Calls are signed as botocore signs them, byte for byte."""

from datetime import UTC, datetime
from unittest.mock import patch

import botocore.auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from workspace_usage.aws.credentials import Credentials
from workspace_usage.aws.endpoints import domain_of
from workspace_usage.aws.sigv4 import Signer, signed_headers, signing_key

plain = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


@given(
    credentials=st.builds(Credentials, plain, plain, st.none() | plain),
    region=st.sampled_from(["us-east-1", "eu-central-1", "cn-north-1"]),
    service=st.sampled_from(["dynamodb", "ssm"]),
    target=plain,
    body=st.binary(),
    now=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_headers_are_those_of_botocore(
    credentials: Credentials, region: str, service: str, target: str, body: bytes, now: datetime
) -> None:
    """For all credentials, regions, bodies and moments."""
    host = f"{service}.{region}.{domain_of(region)}"
    headers = {
        "Content-Type": "application/x-amz-json-1.0",
        "Host": host,
        "X-Amz-Target": target,
    }
    request = AWSRequest("POST", f"https://{host}/", headers=headers, data=body)
    with patch.object(botocore.auth, "get_current_datetime", lambda: now.replace(tzinfo=None)):
        SigV4Auth(BotocoreCredentials(*credentials), service, region).add_auth(request)
    ours = signed_headers(Signer(credentials, region, service, now), headers, body)
    assert ours == dict(request.headers.items())


def test_a_signing_key_is_of_one_secret_day_region_and_service() -> None:
    scopes = [
        ("20260105", "us-east-1", "s3"),
        ("20260106", "us-east-1", "s3"),
        ("20260105", "us-east-2", "s3"),
        ("20260105", "us-east-1", "dynamodb"),
    ]
    keys = {signing_key(secret, *scope) for secret in ("a", "b") for scope in scopes}
    assert len(keys) == 8
