"""A presigned URL is the same as botocore's, byte for byte, and so S3 accepts it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import boto3
import botocore.auth
import pytest
from botocore.config import Config
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.strategies import plain_text
from workspace_usage.aws.credentials import Credentials
from workspace_usage.listing.presigning import Bucket, UrlPresigner

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ACCESS_KEY, SECRET_KEY = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SESSION_TOKENS = (None, "FwoGZXIvYXdzE/a+b==~-._ %&?", "x" * 1000)
NOW = datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC)
LIFETIME = 1_234


@pytest.fixture(autouse=True, scope="module")
def botocore_signs_in_python_at_one_moment() -> Iterator[None]:
    """With the AWS CRT installed, botocore signs with it, and its parameters have another order."""
    with pytest.MonkeyPatch.context() as patch:
        signer = botocore.auth.S3SigV4QueryAuth
        patch.setitem(botocore.auth.AUTH_TYPE_MAPS, "s3v4-query", signer)
        patch.setattr(botocore.auth, "get_current_datetime", lambda: NOW.replace(tzinfo=None))
        yield


@cache
def session(token: str | None) -> boto3.Session:
    return boto3.Session(ACCESS_KEY, SECRET_KEY, token)


@cache
def botocore_client(region: str, token: str | None, endpoint: str | None) -> "S3Client":
    config = Config(
        signature_version="s3v4",
        s3={
            # Where the bucket can be in the host; at another endpoint it is always in the path.
            "addressing_style": "path" if endpoint else "virtual",
            "us_east_1_regional_endpoint": "regional",
        },
    )
    return session(token).client("s3", region, endpoint_url=endpoint, config=config)


def botocore_url(bucket: Bucket, key: str, token: str | None) -> str:
    client = botocore_client(bucket.region, token, bucket.endpoint)
    return client.generate_presigned_url(
        "get_object", Params={"Bucket": bucket.name, "Key": key}, ExpiresIn=LIFETIME
    )


def presigner(bucket: Bucket, token: str | None = None, now: datetime = NOW) -> UrlPresigner:
    return UrlPresigner(bucket, Credentials(ACCESS_KEY, SECRET_KEY, token), now, LIFETIME)


BUCKETS = (
    Bucket("media", "eu-west-1"),
    Bucket("media", "us-east-1"),
    Bucket("media.example.com", "sa-east-1"),
    Bucket("media", "eu-west-1", "http://127.0.0.1:5000"),
)
keys = st.one_of(
    plain_text(min_size=1, max_size=60),
    st.text("ab/+~%.-_ ?&=#'\"\\*()!@$,;:äß日😀", min_size=1),
)


@given(keys, st.sampled_from(BUCKETS), st.sampled_from(SESSION_TOKENS))
@example("a b/ü+//~%25.png", BUCKETS[0], None)
@example("/leading", BUCKETS[1], SESSION_TOKENS[1])
@example("trailing/", BUCKETS[2], None)
@example("./../x", BUCKETS[0], None)
@example("\x00\n\r\t", BUCKETS[0], None)
def test_the_url_of_every_key_is_botocore_s(key: str, bucket: Bucket, token: str | None) -> None:
    assert presigner(bucket, token).presign(key) == botocore_url(bucket, key, token)


@pytest.mark.parametrize(
    "region",
    [
        "us-east-1",
        "us-west-2",
        "sa-east-1",
        "eu-central-2",
        "ap-southeast-4",
        "il-central-1",
        "us-gov-west-1",
        "cn-north-1",
        "cn-northwest-1",
        "eusc-de-east-1",
    ],
)
@pytest.mark.parametrize("name", ["media", "media.example.com", "a-b-3"])
def test_the_url_in_every_region_is_botocore_s(region: str, name: str) -> None:
    bucket = Bucket(name, region)
    assert presigner(bucket).presign("a/b c.png") == botocore_url(bucket, "a/b c.png", None)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:5000",
        "http://127.0.0.1:5000/",
        "http://localhost:4566",
        "http://[::1]:5000",
        # A port that is the scheme's own is not in the Host header.
        "http://127.0.0.1:80",
        "https://store.example.com:443",
        "http://store.example.com:443",
        "https://Store.Example.com",
        "https://store.example.com/behind/a/path",
    ],
)
@pytest.mark.parametrize("name", ["media", "media.example.com"])
def test_the_url_at_another_endpoint_is_botocore_s(endpoint: str, name: str) -> None:
    bucket = Bucket(name, "us-east-1", endpoint)
    assert presigner(bucket).presign("a/b c.png") == botocore_url(bucket, "a/b c.png", None)


def test_the_bucket_is_in_the_host_where_it_can_be() -> None:
    assert Bucket("media", "eu-west-1").base_url == "https://media.s3.eu-west-1.amazonaws.com"
    assert Bucket("a.b", "eu-west-1").base_url == "https://s3.eu-west-1.amazonaws.com/a.b"
    assert Bucket("media", "x", "http://localhost:1").base_url == "http://localhost:1/media"


def test_a_url_says_when_it_expires_and_never_uses_sigv2() -> None:
    query = parse_qs(urlsplit(presigner(BUCKETS[0], "token").presign("key")).query)
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Date"] == ["20260301T235959Z"]
    assert query["X-Amz-Expires"] == [str(LIFETIME)]
    assert query["X-Amz-Security-Token"] == ["token"]
    assert {"AWSAccessKeyId", "Signature", "Expires"}.isdisjoint(query)


@given(st.integers(-12, 14))
def test_a_url_is_dated_in_utc_in_every_time_zone(hours: int) -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=hours)))
    assert presigner(BUCKETS[0], now=elsewhere).presign("key") == presigner(BUCKETS[0]).presign(
        "key"
    )


def test_a_url_does_not_reveal_the_secret_key() -> None:
    assert SECRET_KEY not in presigner(BUCKETS[0]).presign("key")
    assert "secret" not in presigner(BUCKETS[0]).presign("key").lower()
