"""Proxy responses have the headers that clients and browsers need."""

from workspace_api.responses import proxy_response


def test_a_response_may_be_read_by_pages_of_the_allowed_origin_only() -> None:
    """Whatever its status is. Without an allowed origin, nothing is said about it."""
    usual = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    assert proxy_response(200, {}, None)["headers"] == usual
    for status in (200, 403, 422):
        response = proxy_response(status, {"a": 1}, "https://app.example.com")
        assert (response["statusCode"], response["body"]) == (status, '{"a":1}')
        assert response["headers"] == {
            **usual,
            "Access-Control-Allow-Origin": "https://app.example.com",
            "Access-Control-Expose-Headers": "x-amzn-RequestId,Retry-After,ETag,Location",
        }
