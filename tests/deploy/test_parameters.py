"""The real template's parameters: what they accept, as docs/configuration.md says."""

import json
import re
from typing import Any, Final

import pytest
from botocore.session import get_session

from tests.deploy.stack import PSEUDO_PARAMETERS, read_template
from tests.docs.extraction import document

PARAMETERS: Final = read_template()["Parameters"]

ACCEPTS: Final = {
    name: accepts
    for names, _, accepts, _ in document("docs/configuration.md").rows("Parameters")
    for name in re.findall(r"`(\w+)`", names)
}
"""What the document says that a parameter accepts."""

ACCEPTED: Final = {
    "TimeZone": ["UTC", "America/Sao_Paulo", "America/Argentina/ComodRivadavia", "Etc/GMT+3"],
    "PermissionsBoundary": ["", "workspace-usage-functions", "a_b+c=d,e.f@g"],
    "StageName": ["v1", "Live_2"],
    "AllowedOrigin": [
        "",
        "https://app.example.com",
        "https://app.example.com:8443",
        "https://xn--bcher-kva.example",
        "http://localhost:5173",
        "http://127.0.0.1",
    ],
    "AppUrl": ["", "https://app.example.com", "http://localhost:8000/app"],
    "MediaOrigins": [
        "",
        "https://cdn.example.com",
        "https://a.example,https://b.example:8443",
    ],
}
"""Values that a parameter with a pattern accepts."""

REFUSED: Final = {
    "TimeZone": ["", "America/", "/UTC", "America//Recife", "America/Sao Paulo", "UTC;"],
    "PermissionsBoundary": ["arn:aws:iam::123456789012:policy/functions", "a/b", "a b", "a*"],
    "StageName": ["", "v1/", "v-1", "v 1", "$default"],
    # One origin as browsers send it: in lower case and encrypted, unless it is on the developer's
    # machine.
    "AllowedOrigin": [
        "*",
        "null",
        "app.example.com",
        "https://",
        "https://app.example.com/",
        "https://App.example.com",
        "https://*.example.com",
        "https://a.example,https://b.example",
        "https://a.example https://b.example",
        "https://user@a.example",
        "https://a.example'",
        "http://app.example.com",
    ],
    # What the page is told can add nothing to its policy.
    "AppUrl": ["https://app.example.com/", "https://user@app.example.com", "javascript:alert(1)"],
    "MediaOrigins": [
        "https://a.example,",
        "https://a.example https://b.example",
        "https://a.example; script-src *",
        "https://*.example.com",
        "http://a.example",
        "'unsafe-inline'",
    ],
}
"""Values that it refuses."""


def documented_limits(text: str) -> dict[str, Any]:
    """Returns the properties of a parameter that stand for what it accepts."""
    if re.fullmatch(r"`[^`]+`(, `[^`]+`)+", text):
        return {"AllowedValues": re.findall(r"`([^`]+)`", text)}
    if match := re.fullmatch(r"(\d+) to (\d+)", text):
        return {"MinValue": int(match[1]), "MaxValue": int(match[2])}
    if match := re.fullmatch(r"(\d+) or more", text):
        return {"MinValue": int(match[1])}
    if match := re.search(r"at most (\d+) characters$", text):
        return {"MaxLength": int(match[1])}
    return {"MinLength": 1} if text == "not empty" else {}


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_accepts_what_is_documented(name: str) -> None:
    """Values, limits and lengths. Patterns are below, and another test compares the defaults."""
    texts = ("Default", "Type", "Description", "ConstraintDescription", "AllowedPattern")
    found = {key: value for key, value in PARAMETERS[name].items() if key not in texts}
    if "AllowedValues" in found:
        found["AllowedValues"] = list(map(str, found["AllowedValues"]))
    assert found == documented_limits(ACCEPTS[name])


def test_a_pattern_accepts_and_refuses_whole_values() -> None:
    patterns = {
        name: p["AllowedPattern"] for name, p in PARAMETERS.items() if "AllowedPattern" in p
    }
    assert patterns.keys() == ACCEPTED.keys() == REFUSED.keys()
    for name, pattern in patterns.items():
        assert [value for value in ACCEPTED[name] if not re.fullmatch(pattern, value)] == [], name
        assert [value for value in REFUSED[name] if re.fullmatch(pattern, value)] == [], name


def test_logs_can_be_kept_as_long_as_cloudwatch_allows() -> None:
    """For each number of days that it knows."""
    shape: Any = get_session().get_service_model("logs").shape_for("Days")
    known = re.search(r"Possible values are: ([\d, and]+)\.", shape.documentation)
    assert known
    assert PARAMETERS["LogRetentionDays"]["AllowedValues"] == [
        int(number) for number in re.findall(r"\d+", known[1])
    ]


def test_the_template_is_for_any_region_account_and_partition() -> None:
    """AWS's pseudo-parameters say which: a URL or an ARN with a fixed one leads elsewhere.

    The other tests resolve the template for one of each, and would not see it.
    """
    text = json.dumps(read_template())
    for name in ("AWS::Region", "AWS::AccountId"):
        assert PSEUDO_PARAMETERS[name] not in text
    assert f"arn:{PSEUDO_PARAMETERS['AWS::Partition']}:" not in text
