"""Checks whether Lambda has SnapStart in the region.

AWS has no call that tells. Its documentation of SnapStart ("Supported Regions"), read in November
2026, says: all commercial regions but two.
"""

from collections.abc import Iterator
from typing import Final

from boto3 import Session

from tools.deploy.findings import Finding, failure, fine, warning
from tools.deploy.target import Target

_SUBJECT: Final = "SnapStart"

_REGIONS_WITHOUT_SNAPSTART: Final = {
    "ap-east-2": "Asia Pacific (Taipei)",
    "ap-southeast-6": "Asia Pacific (New Zealand)",
}


def check_snapshots(target: Target) -> Iterator[Finding]:
    """Says whether the region has SnapStart, unless the parameter SnapStart is None."""
    region = target.region
    advice = "write `SnapStart=None` into samconfig.toml"
    if target.template.values["SnapStart"] == "None":
        yield fine(_SUBJECT, "not used")
    elif region in _REGIONS_WITHOUT_SNAPSTART:
        yield failure(_SUBJECT, f"Lambda has none in {region}: {advice}")
    elif Session().get_partition_for_region(region) != "aws":
        yield warning(
            _SUBJECT,
            f"AWS's documents promise it for commercial regions only, which {region} is not. If the"
            f" deployment fails for this reason, {advice}",
        )
    else:
        yield fine(_SUBJECT, f"{region} has it")
